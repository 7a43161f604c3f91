/**
 * What a start with the quickstart configuration needs beside it: secrets, a factory, and a file of variables from which
 * people and scripts take URLs, secrets and paths. Safe to run again after a crash at any point, and at every start.
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeApiKey } from '../access/api-key-text.js';
import type { Clock } from '../clock.js';
import { randomPasscode } from '../keys/random-passcode.js';
import type { PublicUrls } from '../open-core.js';
import { toPem } from '../x509/pem.js';
import { formatEnvironment, parseEnvironment } from './environment-file.js';
import { ensureFactory } from './factory.js';
import { createFile, readIfThere, replaceFile } from './replace-file.js';

/** The first administrator's API key. */
export const administratorKeyVariable = 'GATEHOUSE_ADMIN_KEY';

/** Variables by name. */
export type QuickstartVariables = ReadonlyMap<string, string>;

/** Whether this data directory has been started with the quickstart configuration. */
export async function hasQuickstart(dataDirectory: string): Promise<boolean> {
  return (await readIfThere(secretsFileIn(dataDirectory))) !== undefined;
}

/**
 * Makes the secrets and the factory, as far as they are missing, before the configuration is applied: it returns the
 * variables that config/quickstart.yaml needs.
 */
export async function prepareQuickstart(dataDirectory: string, clock: Clock): Promise<QuickstartVariables> {
  const directory = directoryIn(dataDirectory);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const secrets = await ensureSecrets(secretsFileIn(dataDirectory));
  const factory = await ensureFactory(directory, clock.now());
  return new Map([
    ...secrets,
    ['GATEHOUSE_FACTORY_CERT', factory.certificateFile],
    ['GATEHOUSE_FACTORY_KEY', factory.keyFile],
    ['GATEHOUSE_FACTORY_CA_FILE', factory.caFile],
  ]);
}

export interface QuickstartServer {
  readonly dataDirectory: string;
  /** Of {@link prepareQuickstart}. */
  readonly variables: QuickstartVariables;
  readonly urls: PublicUrls;
  /** DER certificates of the roots that clients are to trust, the default policy's first. */
  readonly roots: readonly Uint8Array[];
}

/** Writes `quickstart.env` and the roots, once the CAs exist and the addresses are known; returns the file's path. */
export async function completeQuickstart(server: QuickstartServer): Promise<string> {
  const rootFile = join(directoryIn(server.dataDirectory), 'root.pem');
  await replaceIfOther(rootFile, server.roots.map((der) => toPem('CERTIFICATE', der)).join(''), 0o644);

  const file = join(resolve(server.dataDirectory), 'quickstart.env');
  const variables = new Map([...servedUrls(server.urls), ['GATEHOUSE_CA_FILE', rootFile], ...server.variables]);
  await replaceIfOther(file, formatEnvironment(comment, variables), 0o600);
  return file;
}

const comment = 'Written at each start with the quickstart configuration. It holds secrets: keep it to yourself.';

/** The secrets that the quickstart configuration names, and how each is made. */
const secretMakers: ReadonlyMap<string, () => string> = new Map([
  ['GATEHOUSE_USERNAME', () => 'quickstart'],
  ['GATEHOUSE_PASSCODE', randomPasscode],
  ['GATEHOUSE_CMP_REFERENCE', () => 'quickstart'],
  ['GATEHOUSE_CMP_SECRET', randomPasscode],
  ['GATEHOUSE_EAB_KID', () => 'quickstart'],
  ['GATEHOUSE_EAB_HMAC', () => randomBytes(32).toString('base64url')],
  [administratorKeyVariable, makeApiKey],
]);

/** One line for each protocol that is served, and the management API. */
function servedUrls({ deviceTls, deviceHttp, admin }: PublicUrls): [string, string][] {
  return [
    ['GATEHOUSE_EST_URL', `${deviceTls}/.well-known/est/quickstart`],
    // SCEP encrypts its messages itself, and many of its clients know no TLS.
    ['GATEHOUSE_SCEP_URL', `${deviceHttp}/scep/quickstart`],
    // So does CMP what is secret in them; the rest it authenticates.
    ['GATEHOUSE_CMP_URL', `${deviceHttp}/.well-known/cmp/p/quickstart`],
    ['GATEHOUSE_ACME_DIRECTORY', `${deviceTls}/acme/quickstart/directory`],
    ['GATEHOUSE_REST_URL', `${deviceTls}/api/v1/enroll/quickstart`],
    // Paths of the management API go behind it: $GATEHOUSE_ADMIN_URL/api/v1/devices.
    ['GATEHOUSE_ADMIN_URL', admin],
  ];
}

function directoryIn(dataDirectory: string): string {
  return join(resolve(dataDirectory), 'quickstart');
}

function secretsFileIn(dataDirectory: string): string {
  return join(directoryIn(dataDirectory), 'secrets.env');
}

/** Reads the secrets, and adds those that are missing: all at the first start, new ones after an upgrade. */
async function ensureSecrets(file: string): Promise<Map<string, string>> {
  const present = await readIfThere(file);
  const secrets = parseEnvironment(present ?? '');
  const missing = [...secretMakers].filter(([name]) => !secrets.has(name));
  if (missing.length === 0) {
    return secrets;
  }
  for (const [name, make] of missing) {
    secrets.set(name, make());
  }
  const text = formatEnvironment('Secrets of the quickstart configuration.', secrets);
  if (present !== undefined) {
    await replaceFile(file, text, 0o600);
    return secrets;
  }
  await createFile(file, text, 0o600);
  // Another process may have been first.
  return parseEnvironment((await readIfThere(file)) ?? '');
}

async function replaceIfOther(file: string, content: string, mode: 0o600 | 0o644): Promise<void> {
  if ((await readIfThere(file)) !== content) {
    await replaceFile(file, content, mode);
  }
}
