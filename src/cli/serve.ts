/** `gatehouse serve`: what `npm start` runs. */
import { Command } from 'commander';
import { systemClock } from '../clock.js';
import { createLog, standardOutput } from '../log.js';
import type { Settings } from '../settings.js';

export function serveCommand(settings: () => Settings): Command {
  return new Command('serve')
    .description('start the gateway; the first start makes everything that it needs')
    .addHelpText(
      'after',
      '\nExamples:\n  gatehouse serve\n  gatehouse serve --data /var/lib/gatehouse --public-name est.example.com --host 0.0.0.0',
    )
    .action(() => serve(settings()));
}

/** A second signal within this time is the first one's echo. */
const impatienceMilliseconds = 1_000;

async function serve(settings: Settings): Promise<void> {
  const log = createLog(settings.logLevel, standardOutput());
  // Not above: the other commands start in half the time without it.
  const { startGateway } = await import('../gateway.js');
  const gateway = await startGateway({ settings, log, clock: systemClock });
  const { deviceTlsPort, deviceHttpPort, adminPort } = gateway.listeners;
  log.info({ host: settings.host, deviceTlsPort, deviceHttpPort, adminPort, data: settings.data }, 'gatehouse ready');
  // Before what is for people, which goes to standard error: log collectors read JSON lines from standard output.
  log.flush();
  if (gateway.greeting.length > 0) console.error(`\n${gateway.greeting.join('\n')}\n`);
  let stoppingSince: number | undefined;
  const stop = (signal: string) => {
    if (stoppingSince !== undefined) {
      // Under npm one Ctrl-C comes twice, from the terminal and from npm; a later one means it.
      if (performance.now() - stoppingSince > impatienceMilliseconds) process.exit(1);
      return;
    }
    stoppingSince = performance.now();
    log.info({ signal }, 'gatehouse stops');
    gateway.close().then(
      () => log.info('gatehouse stopped'),
      (err) => {
        log.error({ err }, 'the stop failed');
        process.exitCode = 1;
      },
    );
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
}
