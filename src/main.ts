#!/usr/bin/env node
/** The `gatehouse` command. */
import { readFileSync } from 'node:fs';
import { createProgram } from './cli/commands.js';
import { reportFailure } from './cli/exit-status.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

// What reads the output, such as head, may have had enough of it.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  await createProgram(version).parseAsync();
} catch (error) {
  process.exitCode = reportFailure(error);
}
