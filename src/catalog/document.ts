/** The configuration document: one YAML file with lists of objects, read into checked values that know their lines. */
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { authenticationPolicySchema } from '../model/authentication-policy.js';
import { certificateAuthoritySchema } from '../model/certificate-authority.js';
import { certificateProfileSchema } from '../model/certificate-profile.js';
import { certificateTemplateSchema } from '../model/certificate-template.js';
import type { CredentialConfig } from '../model/credential.js';
import { type DeviceConfig, deviceConfigSchema } from '../model/device.js';
import { deviceGroupSchema } from '../model/device-group.js';
import { divisionSchema } from '../model/division.js';
import { policySchema } from '../model/policy.js';
import { type UserConfig, userConfigSchema } from '../model/user.js';
import {
  type CatalogKind,
  type CatalogObject,
  type CatalogTypes,
  catalogKinds,
  type JsonObject,
  kindsInOrder,
  type Path,
} from './objects.js';
import { DocumentError } from './problem.js';
import { describeIssue, formatPath } from './schema-issue.js';
import { readYaml } from './yaml-text.js';

export interface CatalogDocument {
  /** The objects in the order of {@link kindsInOrder}. */
  readonly objects: readonly CatalogObject[];
  readonly credentials: readonly DocumentCredential[];
  readonly users: readonly DocumentUser[];
  readonly devices: readonly DocumentDevice[];
  /** One problem as text: `file:line:column path: message`. */
  locate(path: Path, message: string): string;
}

export interface DocumentCredential {
  readonly authenticationPolicy: string;
  /** A `certificateFile` has been read: `certificate` is its text. */
  readonly config: CredentialConfig;
  readonly path: Path;
}

export interface DocumentUser {
  /** `certificates`: PEM; a `certificateFile` has been read. */
  readonly config: Omit<UserConfig, 'certificates'> & { readonly certificates?: readonly string[] };
  readonly path: Path;
}

export interface DocumentDevice {
  readonly config: DeviceConfig;
  readonly path: Path;
}

export interface DocumentSource {
  /** Path of the file: shown in problems; files that it names are found beside it. */
  readonly file: string;
  /** YAML. */
  readonly text: string;
  /** What `${NAME}` stands for. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Reads a certificate file named in the document. */
  readonly readFile: (path: string) => string;
}

/**
 * Reads a document. That what it refers to exists is check.ts's affair.
 * @throws DocumentError with everything that is wrong
 */
export function parseDocument({ file, text, environment, readFile }: DocumentSource): CatalogDocument {
  const yaml = readYaml({ file, text, environment });
  // An empty file, or one with nothing but comments, changes nothing.
  const value = yaml.value ?? {};
  const parsed = documentSchema.safeParse(value, { error: describeIssue });
  if (!parsed.success) {
    throw new DocumentError(
      parsed.error.issues.flatMap((issue) =>
        issue.code === 'unrecognized_keys'
          ? issue.keys.map(
              (key) =>
                `${yaml.keyPosition(pathOf(issue), key)} ${formatPath([...pathOf(issue), key])}: ${issue.message}`,
            )
          : [`${yaml.position(pathOf(issue))} ${formatPath(pathOf(issue))}: ${issue.message}`],
      ),
    );
  }
  const locate = (path: Path, message: string) => `${yaml.position(path)} ${formatPath(path)}: ${message}`;
  const problems: string[] = [];
  const report = (path: Path, message: string) => problems.push(locate(path, message));

  const objects = kindsInOrder.flatMap((kind) => objectsOfKind(kind, parsed.data, value as JsonObject, report));
  const credentials = parsed.data.authenticationPolicies.flatMap((policy, index) =>
    policy.credentials.map((config, position): DocumentCredential => {
      const path = ['authenticationPolicies', index, 'credentials', position];
      return { authenticationPolicy: policy.name, config: withCertificate(config, path), path };
    }),
  );
  reportRepeatedNames(credentials, report);
  const users = parsed.data.users.map((user, index) => readUser(user, ['users', index]));
  reportRepeatedUsers(users, report);
  const devices = parsed.data.devices.map((config, index) => ({ config, path: ['devices', index] }));
  if (problems.length > 0) {
    throw new DocumentError(problems);
  }
  return { objects, credentials, users, devices, locate };

  function withCertificate(config: CredentialConfig, path: Path): CredentialConfig {
    if (config.kind !== 'authentication-certificate' && config.kind !== 'authentication-ca') {
      return config;
    }
    const { certificateFile, certificate, ...rest } = config;
    return { ...rest, certificate: readCertificate({ certificate, certificateFile }, path) };
  }

  function readUser({ certificates, ...config }: UserConfig, path: Path): DocumentUser {
    if (certificates === undefined) return { config, path };
    const texts = certificates.map((each, index) => readCertificate(each, [...path, 'certificates', index]));
    return { config: { ...config, certificates: texts }, path };
  }

  function readCertificate({ certificate, certificateFile }: WrittenCertificate, path: Path): string {
    if ((certificateFile === undefined) === (certificate === undefined)) {
      report(path, 'give either certificate (PEM text) or certificateFile (its path beside this file)');
      return '';
    }
    if (certificateFile === undefined) return certificate ?? '';
    try {
      return readFile(resolve(dirname(file), certificateFile));
    } catch (cause) {
      report([...path, 'certificateFile'], `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
      return '';
    }
  }
}

interface WrittenCertificate {
  readonly certificate?: string | undefined;
  readonly certificateFile?: string | undefined;
}

/** What a file may have at once: all of it is one change, which others wait for. */
export const maximumDevices = 20_000;

const documentSchema = z.strictObject({
  divisions: z.array(divisionSchema).default([]),
  deviceGroups: z.array(deviceGroupSchema).default([]),
  templates: z.array(certificateTemplateSchema).default([]),
  profiles: z.array(certificateProfileSchema).default([]),
  authenticationPolicies: z.array(authenticationPolicySchema).default([]),
  certificateAuthorities: z.array(certificateAuthoritySchema).default([]),
  policies: z.array(policySchema).default([]),
  users: z.array(userConfigSchema).default([]),
  devices: z
    .array(deviceConfigSchema)
    .max(maximumDevices, `has more than ${maximumDevices} devices; register more by a job of the kind register-devices`)
    .default([]),
});

type Report = (path: Path, message: string) => void;

function objectsOfKind(
  kind: CatalogKind,
  parsed: z.output<typeof documentSchema>,
  written: JsonObject,
  report: Report,
): CatalogObject[] {
  const { list } = catalogKinds[kind];
  const seen = new Set<string>();
  const values: readonly { readonly name: string }[] = parsed[list];
  return values.map((value, index): CatalogObject => {
    const path = [list, index];
    if (seen.has(value.name)) {
      report([...path, 'name'], `there are two of the name "${value.name}" in this list`);
    }
    seen.add(value.name);
    const asWritten = (written[list] as readonly JsonObject[])[index] ?? {};
    const checked = withoutCredentials(value) as CatalogTypes[CatalogKind];
    return { kind, name: value.name, written: withoutCredentials(asWritten) as JsonObject, value: checked, path };
  });
}

// Credentials have a table of their own, and secrets no place in the catalog's documents.
function withoutCredentials<T extends object>(value: T): Omit<T, 'credentials'> {
  const { credentials: _apart, ...rest } = value as T & { readonly credentials?: unknown };
  return rest;
}

function reportRepeatedUsers(users: readonly DocumentUser[], report: Report): void {
  const seen = new Set<string>();
  for (const { config, path } of users) {
    if (seen.has(config.name)) {
      report([...path, 'name'], `there are two of the name "${config.name}" in this list`);
    }
    seen.add(config.name);
  }
}

function reportRepeatedNames(credentials: readonly DocumentCredential[], report: Report): void {
  const seen = new Set<string>();
  for (const { authenticationPolicy, config, path } of credentials) {
    const key = `${authenticationPolicy}\0${config.name}`;
    if (seen.has(key)) {
      report([...path, 'name'], `there are two credentials of the name "${config.name}" in this authentication policy`);
    }
    seen.add(key);
  }
}

function pathOf(issue: z.core.$ZodIssue): Path {
  return issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
}
