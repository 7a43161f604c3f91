/** What waits for a CA whose key is not here is signed with the key that was brought for the moment. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { type Actor, byActor } from '../audit/actor.js';
import { createAuditRecord } from '../audit/audit-record.js';
import { findUnfit } from '../ca/authority.js';
import { recordBaseUrl } from '../ca/base-urls.js';
import { createCrlPublisher } from '../ca/crl.js';
import type { Generations, SigningGeneration } from '../ca/generations.js';
import { existingPathLengths } from '../ca/hierarchy.js';
import { certifyGeneration, validityOf } from '../ca/make-generation.js';
import { planNextGenerations } from '../ca/plan-hierarchy.js';
import { signAuthorityCertificate } from '../ca/signing-issuer.js';
import { GatewayError } from '../errors.js';
import { createSigner, readPkcs8 } from '../keys/private-key.js';
import type { CaRequestRecord } from '../store/ca-request-repository.js';
import { decodeCertificationRequest } from '../x509/pkcs10.js';
import { keyFingerprint, UnsupportedKeyError } from '../x509/public-key.js';
import { type PrivateKeyFile, readPrivateKey } from './read-private-key.js';
import { recordingRefusals } from './recording-refusals.js';
import { type AuthorityServices, crlPartitionsOf, hierarchyOptions, requireConfig } from './services.js';

interface Ceremony {
  readonly ca: string;
  readonly key: PrivateKeyFile;
  /** Both, if absent: certificates of the CAs that wait below it, and its CRLs. */
  readonly only?: 'pending' | 'crl' | undefined;
  readonly actor: Actor;
}

export interface SignedOffline {
  readonly generation: string;
  /** Generations below it that were certified. */
  readonly certified: readonly string[];
  readonly crls: readonly { readonly partition: number; readonly nextUpdate: Date }[];
}

/**
 * Signs what waits for an offline CA. The key is used in this process alone, and nothing of it is kept.
 * @throws GatewayError as `readPrivateKey` does; 'not-found'; 'unacceptable-key' for a key that is none of the CA's;
 * 'invalid-state' for a CA whose key is in the gateway, and certificates by a generation that may not issue
 */
export function signOffline({ ca, key, only, actor }: Ceremony, services: AuthorityServices): Promise<SignedOffline> {
  return recordingRefusals({ act: 'sign', subject: ca, actor }, services, async () => {
    requireConfig(ca, services);
    await services.generations.reload();
    const generation = await bringKey(ca, key, services);
    const { certificateAuthorities: configs } = services.catalog();
    await recordBaseUrl(generation, { ...services, configs });
    const certified = only === 'crl' ? [] : await certifyWaiting(generation, actor, services);
    const crls = only === 'pending' ? [] : await publishCrls(generation, services);
    const event = createAuditRecord({
      at: services.clock.now(),
      action: 'ca.signed-offline',
      outcome: 'success',
      subject: generation.id,
      details: { ca, certified, crls: crls.length, ...byActor(actor) },
    });
    await services.store.commit({ statements: [], audit: [event] });
    await services.generations.reload();
    for (const id of certified) await services.crls.publish(id, 0);
    return { generation: generation.id, certified, crls };
  });
}

/** The generation whose key it is, able to sign. */
async function bringKey(
  ca: string,
  file: PrivateKeyFile,
  { generations }: AuthorityServices,
): Promise<SigningGeneration> {
  const { pkcs8 } = await readPrivateKey(file);
  const privateKey = readPkcs8(pkcs8);
  pkcs8.fill(0);
  const fingerprint = fingerprintOf(privateKey);
  const generation = generations
    .all()
    .find((each) => each.ca === ca && keyFingerprint(each.certificate.subjectPublicKeyInfo) === fingerprint);
  if (generation === undefined) throw new GatewayError('unacceptable-key', `the private key is none of CA ${ca}`);
  if (generation.online) {
    throw new GatewayError('invalid-state', `the key of ${generation.id} is in the gateway, which signs by itself`);
  }
  // What it certifies does not name the gateway as OCSP responder, whose own certificates would have to be signed every few days.
  return { ...generation, online: true, signer: createSigner('brought', privateKey), answersOcsp: false };
}

function fingerprintOf(privateKey: KeyObject): string {
  try {
    return keyFingerprint(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }));
  } catch (cause) {
    if (!(cause instanceof UnsupportedKeyError)) throw cause;
    throw new GatewayError('unacceptable-key', `the private key is of no kind that CAs have: ${cause.message}`, {
      cause,
    });
  }
}

async function certifyWaiting(
  generation: SigningGeneration,
  actor: Actor,
  services: AuthorityServices,
): Promise<readonly string[]> {
  const { store, catalog, generations, clock } = services;
  const configs = catalog().certificateAuthorities;
  const waiting = (await store.caRequests.all({})).filter(({ ca }) => configs.get(ca)?.parent === generation.ca);
  if (waiting.length === 0) return [];
  if (generation.state !== 'current') {
    throw new GatewayError(
      'invalid-state',
      `${generation.id} is not the generation of CA ${generation.ca} that issues`,
    );
  }
  const unfit = findUnfit(generation, generations, clock.now());
  if (unfit !== undefined) throw new GatewayError('invalid-state', `${generation.id} does not issue: ${unfit}`);
  const certified: string[] = [];
  for (const request of waiting) {
    await certify(request, generation, actor, services);
    certified.push(`${request.ca}-${request.number}`);
  }
  return certified;
}

async function certify(
  { ca, number, keyId, publicKey, request }: CaRequestRecord,
  parent: SigningGeneration,
  actor: Actor,
  services: AuthorityServices,
): Promise<void> {
  const options = hierarchyOptions(services);
  const config = requireConfig(ca, services);
  const [planned] = planNextGenerations([config], existingPathLengths(services.generations));
  const state = services.generations.findCurrent(ca) === undefined ? 'current' : 'next';
  const { subject } = decodeCertificationRequest(request);
  const statements = [services.store.caRequests.remove({ ca, keyId })];
  const isDone = await certifyGeneration(
    {
      planned: { config, ...planned, subject, number, state, by: byActor(actor) },
      key: { keyId, publicKey, statements },
      parent,
      validity: validityOf(config, parent, options),
      sign: (issuance) => signAuthorityCertificate(issuance, parent, options.configs),
    },
    options,
  );
  if (!isDone) throw new GatewayError('invalid-state', `CA ${ca} was certified by somebody else just now`);
  await services.generations.reload();
}

async function publishCrls(generation: SigningGeneration, services: AuthorityServices): Promise<SignedOffline['crls']> {
  const { store, clock, catalog, generations } = services;
  const configs = catalog().certificateAuthorities;
  const publisher = createCrlPublisher({
    store,
    clock,
    createAuditRecord,
    generations: withKey(generation, generations),
    configs: () => configs,
  });
  const published: { partition: number; nextUpdate: Date }[] = [];
  for (const partition of await crlPartitionsOf(generation.id, services)) {
    const { nextUpdate } = await publisher.publish(generation.id, partition);
    published.push({ partition, nextUpdate: new Date(nextUpdate) });
  }
  return published;
}

/** As the gateway knows them, with the one generation that can sign for this moment. */
function withKey(generation: SigningGeneration, generations: Generations): Generations {
  return { ...generations, find: (id) => (id === generation.id ? generation : generations.find(id)) };
}
