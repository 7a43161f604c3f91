/** Process settings: defaults, then a YAML file, then the environment, then flags. Wrong ones fail the start, by name. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
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
      (issue) => `${origin.get(String(issue.path[0])) ?? (issue.path.join('.') || file)}: ${issue.message}`,
    );
    throw new SettingsError(`these settings are not usable:\n  ${problems.join('\n  ')}`);
  }
  return complete(parsed.data);
}

function complete(settings: ParsedSettings): Settings {
  const data = resolve(settings.data);
  const database = settings.database ?? resolve(data, 'gatehouse.sqlite');
  if (/^postgres(ql)?:/.test(database)) {
    throw new SettingsError('GATEHOUSE_DATABASE: PostgreSQL is not served by this version; give a file for SQLite');
  }
  return {
    ...settings,
    data,
    database: resolve(database),
    kekFile: resolve(settings.kekFile ?? resolve(data, 'key-encryption-key')),
    publicHttpUrl: (settings.publicHttpUrl ?? `http://${settings.publicName}:${settings.deviceHttpPort}`).replace(
      /\/$/,
      '',
    ),
  };
}

const pathSettings = ['data', 'database', 'kekFile', 'configuration', 'compromisedKeysFile'];

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

/** Paths in a file are relative to its folder: also those of handlers of the operator's own among the protocols. */
function resolveSetting(key: string, value: unknown, folder: string): unknown {
  if (pathSettings.includes(key) && typeof value === 'string') return resolve(folder, value);
  if (key !== 'protocols' || !Array.isArray(value)) return value;
  return value.map((item) => (typeof item === 'string' && /^\.{1,2}\//.test(item) ? resolve(folder, item) : item));
}
