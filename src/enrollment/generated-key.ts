/** Key pairs that the gateway makes for devices: never stored, handed over once (RFC 7030 4.4). */
import { generateKeyPair, type KeyPairKeyObjectResult } from 'node:crypto';
import { promisify } from 'node:util';
import type { ResolvedPolicy } from '../catalog/catalog.js';
import { GatewayError } from '../errors.js';
import type { GeneratedKeyType } from '../model/key-constraints.js';
import { decodeCertificate, extension } from '../x509/certificate.js';
import { decodeKeyUsage } from '../x509/extensions.js';
import { idCeKeyUsage } from '../x509/oids.js';
import type { KeyRecipient } from './request.js';
import type { GeneratedKey } from './result.js';
import type { EnrollmentServices } from './services.js';

export interface MadeKey {
  /** DER PrivateKeyInfo. */
  readonly pkcs8: Uint8Array;
  /** DER. */
  readonly subjectPublicKeyInfo: Uint8Array;
}

const generate = promisify(generateKeyPair);

/** RSA keys take the thread pool up to seconds: no more than this many at once, so that signing goes on. */
const maximumAtOnce = 2;
/** Beyond these the gateway says that it is busy. */
const maximumWaiting = 100;
let running = 0;
const waiting: (() => void)[] = [];

/** @throws GatewayError `unavailable` when too many keys are being made already. */
export async function makeKey(type: GeneratedKeyType): Promise<MadeKey> {
  if (waiting.length >= maximumWaiting)
    throw new GatewayError('unavailable', 'too many keys are being made at the moment; try again', {
      retryAfterSeconds: 10,
    });
  if (running >= maximumAtOnce) await new Promise<void>((resolve) => waiting.push(resolve));
  else running++;
  try {
    const { publicKey, privateKey } = await generateByType(type);
    return {
      pkcs8: privateKey.export({ type: 'pkcs8', format: 'der' }),
      subjectPublicKeyInfo: publicKey.export({ type: 'spki', format: 'der' }),
    };
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}

function generateByType(type: GeneratedKeyType): Promise<KeyPairKeyObjectResult> {
  switch (type) {
    case 'rsa-2048':
    case 'rsa-3072':
    case 'rsa-4096':
      return generate('rsa', { modulusLength: Number(type.slice(4)) });
    case 'ec-p256':
    case 'ec-p384':
    case 'ec-p521':
      return generate('ec', { namedCurve: `P-${type.slice(4)}` });
    case 'ed25519':
      return generate('ed25519');
  }
}

/**
 * Finds what a generated key is to be encrypted with.
 * @throws GatewayError `malformed-request` when the identifier is unknown or may not be used (RFC 7030 4.4.1: no key in the clear then).
 */
export async function findRecipient(
  recipient: KeyRecipient,
  { authentication }: ResolvedPolicy,
  { store, sealing, clock }: EnrollmentServices,
): Promise<NonNullable<GeneratedKey['recipient']>> {
  const now = clock.now().getTime();
  if (recipient.kind === 'certificate') {
    const known = await store.certificates.findBySubjectKeyIdentifier({
      subjectKeyIdentifier: recipient.subjectKeyIdentifier,
    });
    const usable = known.find(
      ({ status, notAfter, der }) => status === 'valid' && notAfter >= now && mayReceiveKeys(der),
    );
    if (usable) return { kind: 'certificate', certificate: usable.der };
    throw new GatewayError(
      'malformed-request',
      'AsymmetricDecryptKeyIdentifier names no valid certificate known here whose key may transport or agree on keys',
    );
  }
  const lookup = Buffer.from(recipient.identifier).toString('hex');
  const [record] = await store.credentials.findByLookup({
    authenticationPolicy: authentication.policy.name,
    kind: 'key-wrap-key',
    lookup,
  });
  const isUsable =
    record && record.revokedAt === null && (record.notBefore ?? 0) <= now && (record.notAfter ?? now) >= now;
  if (!isUsable || record.sealed === null)
    throw new GatewayError(
      'malformed-request',
      'DecryptKeyIdentifier names no key-wrap key of this authentication policy',
    );
  return {
    kind: 'key-wrap-key',
    identifier: recipient.identifier,
    key: sealing.open(`credential:${record.id}`, record.sealed),
  };
}

/** RFC 7030 4.4.1.2: the key must support key transport or key agreement, or its use be unrestricted. */
function mayReceiveKeys(der: Uint8Array): boolean {
  const keyUsage = extension(decodeCertificate(der), idCeKeyUsage);
  if (keyUsage === undefined) return true;
  const usages = decodeKeyUsage(keyUsage);
  return usages.includes('keyEncipherment') || usages.includes('keyAgreement');
}
