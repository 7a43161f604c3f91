/** A credential as configured, made into what the store keeps of it. */
import type { PasscodeLookup } from '../keys/passcode-lookup.js';
import type { CredentialConfig } from '../model/credential.js';
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

/** @throws CredentialProblem */
export function prepareCredential(
  authenticationPolicy: string,
  config: CredentialConfig,
  passcodeLookup: PasscodeLookup,
): PreparedCredential {
  checkRegisteredValues(config);
  const definition = {
    authenticationPolicy,
    kind: config.kind,
    name: config.name,
    username: null,
    lookup: null,
    certificate: null,
    usageLimit: 'usageLimit' in config ? (config.usageLimit ?? null) : null,
    ...validityOf(config),
    allowedAddresses: config.allowedAddresses === undefined ? null : JSON.stringify(config.allowedAddresses),
    registeredValues: config.registeredValues === undefined ? null : JSON.stringify(config.registeredValues),
  };
  switch (config.kind) {
    case 'passcode': {
      const lookup = passcodeLookup(authenticationPolicy, config.secret);
      return { definition: { ...definition, username: config.username ?? null, lookup } };
    }
    case 'authentication-certificate': {
      const { der } = readCertificate(config.certificate);
      return { definition: { ...definition, lookup: fingerprint(der), certificate: der } };
    }
    case 'authentication-ca': {
      const certificate = readCertificate(config.certificate);
      requireCa(certificate);
      return { definition: { ...definition, lookup: fingerprint(certificate.der), certificate: certificate.der } };
    }
    case 'cmp-secret': {
      const lookup = Buffer.from(config.reference, 'utf8').toString('hex');
      return { definition: { ...definition, lookup }, secret: Buffer.from(config.secret, 'utf8') };
    }
    case 'acme-account-key':
      return { definition: { ...definition, lookup: config.keyId }, secret: Buffer.from(config.hmacKey, 'base64url') };
    case 'key-wrap-key': {
      const lookup = Buffer.from(config.identifier, 'utf8').toString('hex');
      return { definition: { ...definition, lookup }, secret: Buffer.from(config.key, 'hex') };
    }
  }
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

function checkRegisteredValues({ registeredValues }: CredentialConfig): void {
  for (const name of Object.keys(registeredValues?.subject ?? {})) {
    if (attributeByName(name) === undefined) {
      const message = `"${name}" is no known subject attribute, such as commonName`;
      throw new CredentialProblem(['registeredValues', 'subject', name], message);
    }
  }
}

function validityOf(config: CredentialConfig): { notBefore: number | null; notAfter: number | null } {
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

function requireCa(certificate: Certificate): void {
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
}
