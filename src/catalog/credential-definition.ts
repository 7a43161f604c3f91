/** A credential as configured, made into what the store keeps of it. */
import { createIdentifier } from '../identifier.js';
import type { PasscodeLookup } from '../keys/passcode-lookup.js';
import type { Sealing } from '../keys/sealing.js';
import type { ConfiguredKind, CredentialConfig } from '../model/credential.js';
import type { CredentialDefinition, CredentialRecord } from '../store/credential-repository.js';
import { attributeByName } from '../x509/attribute-types.js';
import { type Certificate, decodeCertificate, extension, fingerprint } from '../x509/certificate.js';
import { decodeBasicConstraints } from '../x509/extensions.js';
import { idCeBasicConstraints } from '../x509/oids.js';
import { fromPem } from '../x509/pem.js';
import type { JsonObject, Path } from './objects.js';

/** Everything but the sealed secret, which depends on the record's id. */
export interface PreparedCredential {
  readonly definition: Omit<CredentialDefinition, 'sealed'>;
  /** What is to be sealed for the record: only secrets that must be known to be used. */
  readonly secret?: Uint8Array;
  /** Whether it is to be the secret that is stored, which was not given. */
  readonly keepsSecret: boolean;
}

/** A configured credential that cannot be one, with the place in it. */
export class CredentialProblem extends Error {
  readonly path: Path;

  constructor(path: Path, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CredentialProblem';
    this.path = path;
  }
}

/** What the sealed secret of a record is bound to. */
export function credentialContext(id: string): string {
  return `credential:${id}`;
}

/**
 * @param stored the credential of this name that there is: it keeps its secret where none is given
 * @throws CredentialProblem also where there is no secret to keep
 */
export function prepareCredential(
  authenticationPolicy: string,
  config: CredentialConfig,
  passcodeLookup: PasscodeLookup,
  stored?: CredentialRecord,
): PreparedCredential {
  const definition = {
    authenticationPolicy,
    kind: config.kind,
    name: config.name,
    username: null,
    lookup: null,
    certificate: null,
    ...conditionColumns(config),
  };
  const keepsSecret = !hasSecret(config);
  if (keepsSecret) requireStored(config, stored);
  switch (config.kind) {
    case 'passcode': {
      const { secret, username = null } = config;
      const lookup = secret === undefined ? (stored?.lookup ?? null) : passcodeLookup(authenticationPolicy, secret);
      return { definition: { ...definition, username, lookup }, keepsSecret };
    }
    case 'authentication-certificate': {
      const { der } = readCertificate(config.certificate);
      return { definition: { ...definition, lookup: fingerprint(der), certificate: der }, keepsSecret };
    }
    case 'authentication-ca': {
      const { der } = requireCa(readCertificate(config.certificate));
      return { definition: { ...definition, lookup: fingerprint(der), certificate: der }, keepsSecret };
    }
    case 'cmp-secret': {
      const { reference, secret } = config;
      return { definition: { ...definition, lookup: toHex(reference) }, ...sealable(secret, 'utf8'), keepsSecret };
    }
    case 'acme-account-key': {
      const { keyId, hmacKey } = config;
      return { definition: { ...definition, lookup: keyId }, ...sealable(hmacKey, 'base64url'), keepsSecret };
    }
    case 'key-wrap-key': {
      const { identifier, key } = config;
      return { definition: { ...definition, lookup: toHex(identifier) }, ...sealable(key, 'hex'), keepsSecret };
    }
  }
}

/** When, from where, for whom and how often a credential may be used, as the configuration has it. */
export type CredentialConditions = Pick<
  CredentialConfig,
  'notBefore' | 'notAfter' | 'allowedAddresses' | 'registeredValues'
> & { readonly usageLimit?: number | undefined };

/** The same, as the store has it. @throws CredentialProblem */
export function conditionColumns(conditions: CredentialConditions) {
  checkRegisteredValues(conditions);
  const { usageLimit = null, allowedAddresses, registeredValues } = conditions;
  return {
    usageLimit,
    ...validityOf(conditions),
    allowedAddresses: allowedAddresses === undefined ? null : JSON.stringify(allowedAddresses),
    registeredValues: registeredValues === undefined ? null : JSON.stringify(registeredValues),
  };
}

/** The record of a new credential. */
export function newCredentialRecord(
  { definition, secret }: PreparedCredential,
  {
    source,
    at,
    sealing,
  }: { readonly source: CredentialRecord['source']; readonly at: Date; readonly sealing: Sealing },
): CredentialRecord {
  const id = createIdentifier();
  const sealed = secret === undefined ? null : sealing.seal(credentialContext(id), secret);
  return { ...definition, sealed, id, uses: 0, createdAt: at.getTime(), revokedAt: null, source };
}

/** What a stored credential becomes. */
export function changedDefinition(
  { definition, secret, keepsSecret }: PreparedCredential,
  record: CredentialRecord,
  sealing: Sealing,
): CredentialDefinition {
  const context = credentialContext(record.id);
  const given = secret === undefined ? null : sealing.seal(context, secret);
  return { ...definition, sealed: keepsSecret ? record.sealed : given };
}

/** The reference, key id or identifier that a credential is found by, as it was configured; undefined where it has none. */
export function openIdentifier({ kind, lookup }: Pick<CredentialDefinition, 'kind' | 'lookup'>): string | undefined {
  if (lookup === null) return undefined;
  if (kind === 'acme-account-key') return lookup;
  return kind === 'cmp-secret' || kind === 'key-wrap-key' ? Buffer.from(lookup, 'hex').toString('utf8') : undefined;
}

/** What may be shown of a credential, to people and in the audit log: no secret, and nothing to guess one against. */
export function showCredential(definition: Omit<CredentialDefinition, 'sealed'> | CredentialRecord): JsonObject {
  const { kind, username, lookup, certificate, usageLimit, notBefore, notAfter } = definition;
  const hasOpenLookup = kind !== 'passcode' && certificate === null && lookup !== null;
  return {
    kind,
    ...(username === null ? {} : { username }),
    ...(hasOpenLookup ? { identifier: lookup } : {}),
    ...(certificate === null ? {} : { certificate: `SHA-256 ${fingerprint(certificate)}` }),
    ...(usageLimit === null ? {} : { usageLimit }),
    ...(notBefore === null ? {} : { notBefore: new Date(notBefore).toISOString() }),
    ...(notAfter === null ? {} : { notAfter: new Date(notAfter).toISOString() }),
    ...(definition.allowedAddresses === null ? {} : { allowedAddresses: JSON.parse(definition.allowedAddresses) }),
    ...(definition.registeredValues === null ? {} : { registeredValues: JSON.parse(definition.registeredValues) }),
  };
}

/** By the words of the configuration, for what needs one. */
function hasSecret(config: CredentialConfig): boolean {
  switch (config.kind) {
    case 'passcode':
    case 'cmp-secret':
      return config.secret !== undefined;
    case 'acme-account-key':
      return config.hmacKey !== undefined;
    case 'key-wrap-key':
      return config.key !== undefined;
    case 'authentication-certificate':
    case 'authentication-ca':
      return true;
  }
}

const secretNames = new Map<ConfiguredKind, string>([
  ['acme-account-key', 'hmacKey'],
  ['key-wrap-key', 'key'],
]);

function requireStored({ kind, name }: CredentialConfig, stored: CredentialRecord | undefined): void {
  if (stored?.kind === kind) return;
  const member = secretNames.get(kind) ?? 'secret';
  const what = stored === undefined ? `no ${kind} "${name}"` : `a ${stored.kind} "${name}" and no ${kind}`;
  throw new CredentialProblem([member], `is missing: ${what} is stored whose secret could stay as it is`);
}

function sealable(secret: string | undefined, encoding: BufferEncoding): { secret?: Uint8Array } {
  return secret === undefined ? {} : { secret: Buffer.from(secret, encoding) };
}

function toHex(text: string): string {
  return Buffer.from(text, 'utf8').toString('hex');
}

function checkRegisteredValues({ registeredValues }: CredentialConditions): void {
  for (const name of Object.keys(registeredValues?.subject ?? {})) {
    if (attributeByName(name) === undefined) {
      const message = `"${name}" is no known subject attribute, such as commonName`;
      throw new CredentialProblem(['registeredValues', 'subject', name], message);
    }
  }
}

function validityOf(config: CredentialConditions): { notBefore: number | null; notAfter: number | null } {
  const notBefore = config.notBefore === undefined ? null : Date.parse(config.notBefore);
  const notAfter = config.notAfter === undefined ? null : Date.parse(config.notAfter);
  if (notBefore !== null && notAfter !== null && notAfter <= notBefore) {
    throw new CredentialProblem(['notAfter'], 'must be later than notBefore');
  }
  return { notBefore, notAfter };
}

function readCertificate(pem: string | undefined): Certificate {
  try {
    const blocks = fromPem(pem ?? '', 'CERTIFICATE');
    const [der] = blocks;
    if (der === undefined || blocks.length > 1) {
      // Each certificate is a credential of its own, with its own name in records, conditions and revocation.
      const message = `holds ${blocks.length} certificates in PEM; give one, and each further one its own credential`;
      throw new CredentialProblem(['certificate'], message);
    }
    return decodeCertificate(der);
  } catch (cause) {
    if (cause instanceof CredentialProblem) {
      throw cause;
    }
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new CredentialProblem(['certificate'], `is no certificate in PEM: ${problem}`, { cause });
  }
}

function requireCa(certificate: Certificate): Certificate {
  const constraints = extension(certificate, idCeBasicConstraints);
  let isCa = false;
  try {
    isCa = constraints !== undefined && decodeBasicConstraints(constraints).ca;
  } catch (cause) {
    throw new CredentialProblem(['certificate'], 'has malformed basic constraints', { cause });
  }
  if (!isCa) {
    const message = 'is not a CA certificate; for a single device use the kind authentication-certificate';
    throw new CredentialProblem(['certificate'], message);
  }
  return certificate;
}
