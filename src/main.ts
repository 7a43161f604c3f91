#!/usr/bin/env node
/** The `gatehouse` command. */
import { createProgram } from './cli/commands.js';
import { reportFailure } from './cli/exit-status.js';
import { version } from './version.js';

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
