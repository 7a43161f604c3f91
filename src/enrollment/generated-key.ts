/** Key pairs that the gateway makes for devices: never stored, handed over once (RFC 7030 4.4). */
import { generateKeyPair, type KeyPairKeyObjectResult } from 'node:crypto';
import { promisify } from 'node:util';
import { checkConditions, describeCredential } from '../authentication/credential-conditions.js';
import type { ResolvedPolicy } from '../catalog/catalog.js';
import { GatewayError } from '../errors.js';
import type { GeneratedKeyType } from '../model/key-constraints.js';
import type { UsedCredential } from '../policy/identity.js';
import { decodeCertificate, extension } from '../x509/certificate.js';
import { decodeKeyUsage } from '../x509/extensions.js';
import { idCeKeyUsage } from '../x509/oids.js';
import { makeP256Key } from './p256-key.js';
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
  if (type === 'ec-p256') return makeP256Key();
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

function generateByType(type: Exclude<GeneratedKeyType, 'ec-p256'>): Promise<KeyPairKeyObjectResult> {
  switch (type) {
    case 'rsa-2048':
    case 'rsa-3072':
    case 'rsa-4096':
      return generate('rsa', { modulusLength: Number(type.slice(4)) });
    case 'ec-p384':
    case 'ec-p521':
      return generate('ec', { namedCurve: `P-${type.slice(4)}` });
    case 'ed25519':
      return generate('ed25519');
  }
}

/** What a generated key is to be encrypted with. */
export interface KeyDelivery {
  readonly recipient: NonNullable<GeneratedKey['recipient']>;
  /** Set for a key-wrap key. It proves nothing of the requester, but its conditions and limit hold as for any credential. */
  readonly credential?: UsedCredential;
}

interface DeliveryInput {
  readonly authentication: ResolvedPolicy['authentication'];
  readonly remoteAddress: string;
  /** Whether a key was delivered for this request before: its use is counted already. */
  readonly isRepeat: boolean;
}

/**
 * Finds what a generated key is to be encrypted with.
 * @throws GatewayError `malformed-request` when the identifier is unknown or may not be used (RFC 7030 4.4.1: no key in the clear then).
 */
export async function findRecipient(
  recipient: KeyRecipient,
  { authentication, remoteAddress, isRepeat }: DeliveryInput,
  { store, sealing, clock }: EnrollmentServices,
): Promise<KeyDelivery> {
  const now = clock.now();
  if (recipient.kind === 'certificate') {
    const known = await store.certificates.findBySubjectKeyIdentifier({
      subjectKeyIdentifier: recipient.subjectKeyIdentifier,
    });
    const usable = known.find(
      ({ status, notAfter, der }) => status === 'valid' && notAfter >= now.getTime() && mayReceiveKeys(der),
    );
    if (usable) return { recipient: { kind: 'certificate', certificate: usable.der } };
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
  if (record?.sealed == null)
    throw new GatewayError(
      'malformed-request',
      'DecryptKeyIdentifier names no key-wrap key of this authentication policy',
    );
  const conditions = checkConditions(record, now, remoteAddress);
  const { used, isUsedUp } = describeCredential(record);
  if (!conditions.usable || (isUsedUp && !isRepeat))
    throw new GatewayError('malformed-request', 'DecryptKeyIdentifier names a key-wrap key that may not be used', {
      cause: conditions.usable ? 'the credential is used up' : conditions.reason,
    });
  const key = sealing.open(`credential:${record.id}`, record.sealed);
  return { recipient: { kind: 'key-wrap-key', identifier: recipient.identifier, key }, credential: used };
}

/** RFC 7030 4.4.1.2: the key must support key transport or key agreement, or its use be unrestricted. */
function mayReceiveKeys(der: Uint8Array): boolean {
  const keyUsage = extension(decodeCertificate(der), idCeKeyUsage);
  if (keyUsage === undefined) return true;
  const usages = decodeKeyUsage(keyUsage);
  return usages.includes('keyEncipherment') || usages.includes('keyAgreement');
}
