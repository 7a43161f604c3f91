/** `npm run bench`: how fast the gateway, or another server, is, and what an enrollment costs it. */
import { Command } from 'commander';
import { addAcmeCommand } from './acme-command.js';
import { addCmpCommand } from './cmp-command.js';
import { addCrlCommand } from './crl-command.js';
import { addEstCommand } from './est-command.js';
import { addJobsCommand } from './jobs-command.js';
import { addOcspCommand } from './ocsp-command.js';
import { addScepCommand } from './scep-command.js';

const program = new Command('npm run bench --').description(
  'Measures enrollment: throughput, latency and the server CPU of each, beside the cost of the bare cryptography.',
);
addEstCommand(program);
addScepCommand(program);
addCmpCommand(program);
addAcmeCommand(program);
addJobsCommand(program);
addOcspCommand(program);
addCrlCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
