/** `npm run bench -- jobs-issue` */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { applyYaml, fleet, policyLike } from '../support/fleet.js';
import { startTestGateway } from '../support/test-gateway.js';
import { benchIssueJob, formatIssueBench } from './jobs-issue.js';

export function addJobsIssueCommand(program: Command): void {
  program
    .command('jobs-issue')
    .description(
      'a job that issues certificates to P-256 keys that the gateway makes, and its archive; all in one process',
    )
    .option('--rows <number>', 'how many', '10000')
    .action(async ({ rows }: { rows: string }) => {
      const test = await startTestGateway({ configuration: fleet });
      try {
        await applyYaml(test, policyLike('batch', 'methods: [batch]'));
        const [key, certificate] = [join(test.directory, 'owner.key'), join(test.directory, 'owner.pem')];
        const options = ['-newkey', 'rsa:2048', '-noenc', '-subj', '/CN=owner', '-keyout', key, '-out', certificate];
        execFileSync('openssl', ['req', '-x509', ...options], { stdio: 'ignore' });
        const recipient = readFileSync(certificate, 'utf8');
        console.log(
          formatIssueBench(await benchIssueJob(test.gateway.core, { rows: Number(rows), policy: 'batch', recipient })),
        );
      } finally {
        await test.close();
      }
    });
}
