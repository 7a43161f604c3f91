/** Writes fixtures/acme/clients anew, in the project's folder: see the README there. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startHookServer } from '../support/acme/hook-server.js';
import { recordingsFolder } from '../support/acme/recordings.js';
import { placeNames } from '../support/acme/server.js';
import { type AcmeFleet, startAcmeFleet } from '../support/acme-fleet.js';
import { conversations, names } from './acme-conversations.js';
import { startAcmeRecorder } from './acme-recorder.js';

const gatewayAddress = '127.0.0.3';

async function record(): Promise<void> {
  const fleet = await startAcmeFleet({ settings: { host: gatewayAddress } });
  const port = fleet.test.gateway.listeners.deviceTlsPort;
  const recorder = await startAcmeRecorder({ gatewayAddress, port });
  try {
    for (const [address, placed] of Object.entries(names)) await placeNames(fleet, address, placed);
    await mkdir(recordingsFolder, { recursive: true });
    for (const [name, conversation] of Object.entries(conversations)) {
      if (typeof conversation === 'function') await conversation(fleet, recorder.roots);
      else await runLines(fleet, recorder.roots, conversation.lines, conversation.files);
      await writeFile(`${recordingsFolder}/${name}.json`, `${JSON.stringify(recorder.take(), null, 1)}\n`);
    }
  } finally {
    await recorder.close();
    await fleet.close();
  }
}

/** In a folder of their own. @throws Error with what the line that fails has said */
async function runLines(
  fleet: AcmeFleet,
  roots: string,
  lines: readonly string[],
  files: Readonly<Record<string, string>> = {},
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-recording-'));
  const hooks = await startHookServer(fleet.challenges);
  try {
    for (const [name, text] of Object.entries({ ...files, 'ca.pem': roots })) {
      await writeFile(join(directory, name), text);
      await chmod(join(directory, name), 0o700);
    }
    const env = {
      PATH: process.env.PATH,
      HOME: directory,
      DIRECTORY: fleet.directory,
      BOTH_DIRECTORY: fleet.directoryOf('both'),
      EAB_KID: fleet.externalAccount.keyId,
      EAB_HMAC_KEY: fleet.externalAccount.hmacKey,
      HTTP_PORT: String(fleet.httpPort),
      TLS_PORT: String(fleet.tlsPort),
      HOOKS: hooks.url,
      REQUESTS_CA_BUNDLE: 'ca.pem',
      LEGO_CA_CERTIFICATES: 'ca.pem',
    };
    await promisify(execFile)('sh', ['-euc', lines.join('\n')], { cwd: directory, env, timeout: 120_000 });
  } finally {
    await hooks.close();
    await rm(directory, { recursive: true, force: true });
  }
}

await record();
