// Checks the import rules, and that there was something to check: without its parser the tool reads no module and is content.
import { cruise } from 'dependency-cruiser';
import extractOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import extractTsConfig from 'dependency-cruiser/config-utl/extract-ts-config';

const options = await extractOptions('./config/dependency-cruiser.cjs');
const { output } = await cruise(['src', 'protocols'], { ...options, validate: true }, undefined, {
  tsConfig: extractTsConfig('tsconfig.json'),
});
const { violations, totalCruised } = output.summary;
for (const { rule, from, to } of violations) console.error(`${rule.severity} ${rule.name}: ${from} -> ${to}`);
const files = output.modules.filter(({ source }) => /^(src|protocols)\//.test(source));
const linked = files.filter(({ dependencies }) => dependencies.length > 0);
if (files.length < 20 || linked.length < 10) {
  console.error(`only ${files.length} modules of ours were read, ${linked.length} with imports: the check saw nothing`);
  process.exit(1);
}
if (violations.length > 0) process.exit(1);
console.log(`import rules hold: ${totalCruised} modules, ${output.summary.totalDependenciesCruised} imports`);
