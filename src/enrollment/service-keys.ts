/** The gateway's own keys and certificates (TLS server, key generation, CMC, SCEP RA, OCSP): issued by the one flow, renewed by themselves. */

import type { CaGeneration } from '../ca/generations.js';
import type { ServicePurpose } from '../catalog/service-profiles.js';
import { GatewayError } from '../errors.js';
import type { KeyStore } from '../keys/signer.js';
import type { GeneratedKeyType } from '../model/key-constraints.js';
import type { EncryptionServiceKey, MessageServiceKey, ServiceKey } from '../service-key.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import { keyFingerprint } from '../x509/public-key.js';
import { certifyServiceKey, type ServiceKeyRequest } from './service-certificate.js';
import type { EnrollmentServices } from './services.js';

/** A service key with what the owner of a TLS listener needs besides. */
export interface HeldServiceKey extends ServiceKey {
  readonly keyId: string;
  /** When a new one takes its place. */
  readonly renewAt: Date;
  readonly notAfter: Date;
}

export interface ServiceKeys {
  /** The key of this purpose, CA and names; made and certified at first use and when two thirds of its time are over. */
  get(request: ServiceKeyRequest): Promise<HeldServiceKey>;
  /** That key, to sign messages with. */
  messageKey(request: ServiceKeyRequest): Promise<MessageServiceKey>;
  /** That key for a purpose to which clients encrypt, and after it the earlier ones whose certificates are still good. */
  encryptionKeys(request: ServiceKeyRequest): Promise<readonly EncryptionServiceKey[]>;
  /** What that key and the holder of another one (DER SubjectPublicKeyInfo) agree on; undefined for keys that do not fit. */
  agree(request: ServiceKeyRequest, publicKey: Uint8Array): Promise<Uint8Array | undefined>;
}

type Services = EnrollmentServices & { readonly keys: KeyStore };

/** Purposes of keys that clients encrypt to: such a key is needed until its certificate ends. All others only sign. */
const encryptionPurposes: ReadonlySet<ServicePurpose> = new Set<ServicePurpose>(['scep-ra', 'cmp-encryption']);

/** How soon a revoked certificate of the gateway's own is noticed. */
const holdingMilliseconds = 60_000;

interface Obtained {
  readonly current: HeldServiceKey;
  readonly earlier: readonly HeldServiceKey[];
}

export function createServiceKeys(services: Services): ServiceKeys {
  const held = new Map<string, Held>();
  const underWay = new Map<string, Promise<Obtained>>();

  async function getHeld(request: ServiceKeyRequest): Promise<Obtained> {
    const name = ['service', request.purpose, request.generation ?? request.issuingCa, ...request.names].join(':');
    const known = held.get(name);
    if (known && isUpToDate(known, services)) return known;
    // Requests that come together share one renewal, and its failure: each would make a key otherwise.
    return await (underWay.get(name) ?? renew(name, request));
  }

  function renew(name: string, request: ServiceKeyRequest): Promise<Obtained> {
    // As they are before: a CA may roll over meanwhile.
    const generations = services.authority.generations();
    const renewal = obtain(name, request, services)
      .then((obtained) => {
        held.set(name, { ...obtained, generations, lookAgainAt: lookAgainAt(obtained.current, services.clock.now()) });
        return obtained;
      })
      .finally(() => underWay.delete(name));
    underWay.set(name, renewal);
    return renewal;
  }

  return {
    get: async (request) => (await getHeld(request)).current,
    messageKey: async (request) => {
      const { current } = await getHeld(request);
      const { signMessage } = await services.keys.messageSigner(current.keyId);
      return { ...current, signMessage };
    },
    encryptionKeys: async (request) => {
      const { current, earlier } = await getHeld(request);
      const now = services.clock.now();
      const usable = [current, ...earlier.filter(({ notAfter }) => notAfter > now)];
      return await Promise.all(usable.map((key) => withDecrypter(key, services.keys)));
    },
    agree: async (request, publicKey) => {
      const { keyId, algorithm } = (await getHeld(request)).current;
      if (algorithm !== 'ec') return undefined;
      return await (await services.keys.agreer(keyId)).agree(publicKey);
    },
  };
}

interface Held extends Obtained {
  readonly lookAgainAt: Date;
  /** Those that there were: the same list as long as the store was not read again. */
  readonly generations: readonly CaGeneration[];
}

/** Not once its CA has rolled over: who gets its certificate with that of the present issuer could not verify it. */
function isUpToDate({ lookAgainAt, generations }: Held, { authority, clock }: Services): boolean {
  return lookAgainAt > clock.now() && generations === authority.generations();
}

/** A key whose renewal is overdue, because it has failed, is not tried again at each use. */
function lookAgainAt({ renewAt, notAfter }: HeldServiceKey, now: Date): Date {
  const until = renewAt > now ? renewAt : notAfter;
  return new Date(Math.min(now.getTime() + holdingMilliseconds, until.getTime()));
}

async function withDecrypter(key: HeldServiceKey, keys: KeyStore): Promise<EncryptionServiceKey> {
  const { openKey } = await keys.decrypter(key.keyId);
  return { ...key, openKey };
}

/** A key on record, and its certificate while that is good. */
interface StoredKey {
  readonly keyId: string;
  readonly certificate: CertificateRecord | undefined;
}

async function obtain(name: string, request: ServiceKeyRequest, services: Services): Promise<Obtained> {
  const { keys, store, log } = services;
  const stored = await findStored(name, services);
  const isKept = encryptionPurposes.has(request.purpose);
  const [latest, ...others] = stored;
  if (latest?.certificate && (mayGoOn(latest.certificate, request, services) || !issues(request, services))) {
    const current = await hold(latest.keyId, latest.certificate, services);
    return { current, earlier: isKept ? await holdAll(others, services) : [] };
  }
  const kept = isKept ? stored.filter(({ certificate }) => certificate !== undefined) : [];
  const obsolete = stored.filter((key) => !kept.includes(key));
  try {
    const created = await keys.create(keyTypeOf(request, services), name);
    const certificate = await certifyServiceKey(
      request,
      created.signer.publicKey,
      [created.statement, ...obsolete.map(({ keyId }) => store.keys.remove({ id: keyId }))],
      services,
    );
    return {
      current: await hold(created.signer.keyId, certificate, services),
      earlier: await holdAll(kept, services),
    };
  } catch (err) {
    // The CA's key may be away for a while, which is what the last third of a certificate's time is for.
    if (latest?.certificate === undefined) throw err;
    log.error({ err, purpose: name }, 'a key of the gateway could not be renewed; the present one goes on');
    const current = await hold(latest.keyId, latest.certificate, services);
    return { current, earlier: isKept ? await holdAll(others, services) : [] };
  }
}

/** Whoever can verify what the CA signs can verify what is protected with a key of the same kind. */
function keyTypeOf({ purpose, issuingCa, generation }: ServiceKeyRequest, { authority }: Services): GeneratedKeyType {
  if (encryptionPurposes.has(purpose)) return 'rsa-2048';
  if (purpose !== 'cmp' && purpose !== 'ocsp') return 'ec-p256';
  const { keyAlgorithm } = authority.issuer(issuingCa, generation);
  if (keyAlgorithm === 'rsa') return 'rsa-2048';
  return keyAlgorithm === 'ed25519' ? 'ed25519' : 'ec-p256';
}

/** The latest first. */
async function findStored(purpose: string, { store, clock }: Services): Promise<StoredKey[]> {
  const now = clock.now().getTime();
  const records = await store.keys.findByPurpose({ purpose });
  return await Promise.all(
    records.map(async ({ id, publicKey }) => {
      const [found] = await store.certificates.findByKey({ keyFingerprint: keyFingerprint(publicKey) });
      const isGood = found?.status === 'valid' && found.notAfter > now;
      return { keyId: id, certificate: isGood ? found : undefined };
    }),
  );
}

/** Whether it need not be replaced yet: neither for its age nor because its CA has a new generation. */
function mayGoOn(
  certificate: CertificateRecord,
  { generation }: ServiceKeyRequest,
  { authority, clock }: Services,
): boolean {
  const isOfIssuer = generation !== undefined || authority.generation(certificate.issuerId)?.state === 'current';
  return isOfIssuer && renewalOf(certificate) > clock.now();
}

/** A CA that is revoked or has ended replaces nothing: what is still there is better than a gateway that does not start. */
function issues({ issuingCa, generation }: ServiceKeyRequest, { authority }: Services): boolean {
  try {
    return authority.issuer(issuingCa, generation) !== undefined;
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'unavailable') return false;
    throw error;
  }
}

async function holdAll(keys: readonly StoredKey[], services: Services): Promise<HeldServiceKey[]> {
  const all = keys.map(({ keyId, certificate }) => certificate && hold(keyId, certificate, services));
  return (await Promise.all(all)).filter((key) => key !== undefined);
}

async function hold(
  keyId: string,
  certificate: CertificateRecord,
  { keys, authority }: Services,
): Promise<HeldServiceKey> {
  const signer = await keys.signer(keyId);
  if (signer.algorithm === 'ed448') throw new GatewayError('internal', 'service keys are never Ed448');
  return {
    keyId,
    certificate: certificate.der,
    chain: authority.chain(certificate.issuerId),
    algorithm: signer.algorithm,
    sign: (data, hash) => signer.sign(data, hash),
    renewAt: renewalOf(certificate),
    notAfter: new Date(certificate.notAfter),
  };
}

function renewalOf({ notBefore, notAfter }: CertificateRecord): Date {
  return new Date(notBefore + ((notAfter - notBefore) * 2) / 3);
}
