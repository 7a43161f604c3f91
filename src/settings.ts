/** Process settings: defaults, then a YAML file, then the environment, then flags. Wrong ones fail the start, by name. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { type KekSource, parseKek } from './keys/kek-source.js';
import { KeyEncryptionKeyError } from './keys/key-encryption-key-error.js';
import { keyStoreFiles, keyStoresSchema } from './model/key-store.js';
import { networkSchema } from './model/network.js';

const port = z.coerce.number().int().min(1).max(65_535);
const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((v) => v === 'true')]);
const list = z.union([
  z.array(z.string()),
  z.string().transform((v) =>
    v
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean),
  ),
]);

/** A mapping, which the environment and flags have as JSON (or YAML on one line). */
const keyStores = z.preprocess((value) => (typeof value === 'string' ? parseText(value) : value), keyStoresSchema);

/** Each setting's name here is its key in the file; `GATEHOUSE_DEVICE_TLS_PORT` and `--device-tls-port` follow from it. */
const settingsSchema = z.strictObject({
  data: z.string().min(1).default('./data').describe('folder of everything that the gateway keeps'),
  host: z.string().min(1).default('127.0.0.1').describe('address that the listeners bind'),
  deviceTlsPort: port.default(8443).describe('TLS for devices: EST, SCEP, CMP, ACME, REST'),
  deviceHttpPort: port.default(8080).describe('plain HTTP for devices: SCEP, CMP, OCSP, CRLs and CA certificates'),
  adminPort: port.default(9443).describe('TLS for operators: management API, health'),
  database: z.string().min(1).optional().describe('SQLite file (default: <data>/gatehouse.sqlite)'),
  kekFile: z
    .string()
    .min(1)
    .optional()
    .describe('file with the key-encryption key (default: <data>/key-encryption-key)'),
  kekPassphraseFile: z
    .string()
    .min(1)
    .optional()
    .describe('file with a passphrase that the key-encryption key is made from, in its place'),
  keyStores: keyStores
    .default({})
    .describe('key stores of CA keys besides the database, by name: tokens (PKCS#11) and signing services'),
  publicName: z.string().min(1).default('localhost').describe('name under which devices reach the gateway'),
  publicHttpUrl: z
    .url({ protocol: /^http$/ })
    .optional()
    .describe('base of the CRL, OCSP and CA URLs in certificates (default: http://<public name>:<device HTTP port>)'),
  configuration: z
    .string()
    .min(1)
    .optional()
    .describe('YAML file that a first start applies (default: the quickstart)'),
  protocols: list
    .default(['est', 'scep', 'cmp', 'acme', 'rest', 'ocsp', 'repository'])
    .describe('protocol handlers: names, or paths of modules of your own'),
  trustedProxies: list
    .default([])
    .pipe(z.array(networkSchema))
    .describe('addresses of TLS-terminating proxies whose Client-Cert header is believed'),
  adminClientCertificates: flag.default(false).describe('whether the admin listener asks for client certificates'),
  compromisedKeysFile: z
    .string()
    .min(1)
    .optional()
    .describe('file of SPKI SHA-256 hashes, one in hex a line, that are refused'),
  failedAuthenticationsPerMinute: z.coerce
    .number()
    .int()
    .min(1)
    .default(600)
    .describe('per remote address, before it has to wait'),
  logLevel: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('least severe level that is logged'),
});

type ParsedSettings = z.output<typeof settingsSchema>;
export type Settings = Omit<ParsedSettings, 'database' | 'kekFile' | 'publicHttpUrl'> & {
  readonly database: string;
  readonly kekFile: string;
  /** GATEHOUSE_KEK, which is neither in the file nor a flag. */
  readonly kek?: KekSource;
  readonly publicHttpUrl: string;
};

interface SettingDescription {
  readonly key: string;
  readonly flag: string;
  readonly variable: string;
  readonly description: string;
}

/** All settings, for `--help` and the documentation. */
export const settingDescriptions: readonly SettingDescription[] = Object.entries(settingsSchema.shape).map(
  ([key, schema]) => ({
    key,
    flag: `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    variable: `GATEHOUSE_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`,
    description: schema.description ?? '',
  }),
);

export class SettingsError extends Error {}

interface SettingsSources {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** YAML file; its relative paths are relative to its folder. */
  readonly file?: string;
}

/** @throws SettingsError naming every wrong setting and where it was given. */
export function readSettings({ flags, environment, file }: SettingsSources): Settings {
  const fromFile = file === undefined ? {} : readSettingsFile(file);
  const given: Record<string, unknown> = { ...fromFile };
  const origin = new Map(Object.keys(fromFile).map((key) => [key, `${file}: ${key}`]));
  for (const { key, flag: flagName, variable } of settingDescriptions) {
    if (environment[variable] !== undefined && environment[variable] !== '') {
      given[key] = environment[variable];
      origin.set(key, variable);
    }
    if (flags[key] !== undefined) {
      given[key] = flags[key];
      origin.set(key, flagName);
    }
  }
  const parsed = settingsSchema.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      ({ path, message }) =>
        `${[origin.get(String(path[0])) ?? (String(path[0] ?? '') || file), ...path.slice(1).filter(isKey)].join('.')}: ${message}`,
    );
    throw new SettingsError(`these settings are not usable:\n  ${problems.join('\n  ')}`);
  }
  return complete(parsed.data, environment.GATEHOUSE_KEK);
}

/** Where the key-encryption key is. */
export function kekSourceOf({ kek, kekPassphraseFile, kekFile }: Settings): KekSource {
  if (kek !== undefined) return kek;
  if (kekPassphraseFile !== undefined) return { kind: 'passphrase', file: kekPassphraseFile };
  return { kind: 'file', file: kekFile };
}

function complete(settings: ParsedSettings, kekText: string | undefined): Settings {
  const data = resolve(settings.data);
  const database = settings.database ?? resolve(data, 'gatehouse.sqlite');
  if (/^postgres(ql)?:/.test(database)) {
    throw new SettingsError('GATEHOUSE_DATABASE: PostgreSQL is not served by this version; give a file for SQLite');
  }
  const kek = kekText === undefined || kekText === '' ? undefined : readKekVariable(kekText);
  const { kekFile, kekPassphraseFile } = settings;
  if ([kek, kekFile, kekPassphraseFile].filter((each) => each !== undefined).length > 1) {
    throw new SettingsError('give only one of GATEHOUSE_KEK_FILE, GATEHOUSE_KEK_PASSPHRASE_FILE and GATEHOUSE_KEK');
  }
  return {
    ...settings,
    ...(kek === undefined ? {} : { kek }),
    ...(kekPassphraseFile === undefined ? {} : { kekPassphraseFile: resolve(kekPassphraseFile) }),
    data,
    database: resolve(database),
    kekFile: resolve(settings.kekFile ?? resolve(data, 'key-encryption-key')),
    publicHttpUrl: (settings.publicHttpUrl ?? `http://${settings.publicName}:${settings.deviceHttpPort}`).replace(
      /\/$/,
      '',
    ),
  };
}

function readKekVariable(text: string): KekSource {
  try {
    return parseKek('GATEHOUSE_KEK', text);
  } catch (error) {
    throw error instanceof KeyEncryptionKeyError ? new SettingsError(error.message) : error;
  }
}

const pathSettings = ['data', 'database', 'kekFile', 'kekPassphraseFile', 'configuration', 'compromisedKeysFile'];

function readSettingsFile(file: string): Record<string, unknown> {
  if (!existsSync(file)) throw new SettingsError(`${file}: there is no such file`);
  let content: unknown;
  try {
    content = parse(readFileSync(file, 'utf8')) ?? {};
  } catch (cause) {
    throw new SettingsError(`${file}: ${cause instanceof Error ? cause.message : 'not YAML'}`);
  }
  const record = z.record(z.string(), z.unknown()).safeParse(content);
  if (!record.success) throw new SettingsError(`${file}: settings are a mapping, such as "deviceTlsPort: 8443"`);
  return Object.fromEntries(
    Object.entries(record.data).map(([key, value]) => [key, resolveSetting(key, value, dirname(file))]),
  );
}

/** Paths in a file are relative to its folder: also those of key stores, and of handlers of the operator's own among the protocols. */
function resolveSetting(key: string, value: unknown, folder: string): unknown {
  if (pathSettings.includes(key) && typeof value === 'string') return resolve(folder, value);
  if (key === 'keyStores' && isMapping(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, store]) => [name, resolveKeyStore(store, folder)]));
  }
  if (key !== 'protocols' || !Array.isArray(value)) return value;
  return value.map((item) => (typeof item === 'string' && /^\.{1,2}\//.test(item) ? resolve(folder, item) : item));
}

function resolveKeyStore(store: unknown, folder: string): unknown {
  if (!isMapping(store)) return store;
  return Object.fromEntries(
    Object.entries(store).map(([key, value]) => {
      const isFile = keyStoreFiles.includes(key) && typeof value === 'string';
      return [key, isFile ? resolve(folder, value) : value];
    }),
  );
}

/** A key of a mapping; places in lists are not told. */
function isKey(part: PropertyKey): part is string {
  return typeof part === 'string';
}

/** What is no YAML stays as it is, and is refused for being text. */
function parseText(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return text;
  }
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
