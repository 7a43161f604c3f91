/** The embedded CA as the enrollment flow sees it: approved in, certificate out. */
import type { Clock } from '../clock.js';
import { GatewayError, OvertakenError } from '../errors.js';
import type { CertificateAuthorityConfig } from '../model/certificate-authority.js';
import type { ApprovedIssuance } from '../policy/decide.js';
import type { IssuerFacts } from '../policy/facts.js';
import type { Store } from '../store/store.js';
import { unsignedInteger } from '../x509/der-writer.js';
import { serialNumberHex } from '../x509/serial-number.js';
import { randomSerialNumber } from '../x509/tbs-certificate.js';
import { recordBaseUrl } from './base-urls.js';
import { createCertIdIndex, type FindByHashes } from './cert-id-index.js';
import { createCrlPartitions } from './crl-partitions.js';
import { timingOf } from './crl-timing.js';
import { type CaGeneration, type Generations, roomBelow, type SigningGeneration } from './generations.js';
import { constraintsOn } from './issuer-constraints.js';
import { cpsUrlOf, crlUrlsOf } from './locations.js';
import { createNextCaBundles } from './next-ca-bundles.js';
import { contentOf, type IssuedCertificate, type SigningIssuer, signCertificate } from './sign-certificate.js';
import { signingIssuerOf } from './signing-issuer.js';

export interface Authority {
  /** Takes over the generations that are in the store now, after another process may have added some. */
  reload(): Promise<void>;
  /**
   * The generation that a CA issues with; `generation`: another one of it, which issues to its own OCSP responder alone.
   * @throws GatewayError 'unavailable' if there is none or no such CA, if its key is not in the gateway, and if it or a CA above
   * it is revoked or has ended, which a generation that was named may be
   */
  issuer(caName: string, generation?: string): IssuerFacts;
  /**
   * Signs a certificate. Nobody may see it before it is committed. A generation that is not the current one signs for its OCSP
   * responder alone, which has to be of its own key (RFC 6960 4.2.2.2).
   * @throws GatewayError 'internal' for what is not approved; 'unavailable' if its issuer does not issue any more
   */
  issue(issuance: ApprovedIssuance): Promise<IssuedCertificate>;
  /**
   * What `issue` would sign, DER TBSCertificate, with a serial number that no certificate will have. Nothing is signed.
   * @throws GatewayError 'unavailable' as `issue` does
   */
  preview(issuance: ApprovedIssuance): Uint8Array;
  /** DER certificates from a generation's own up to and including the root's. @throws GatewayError 'not-found' */
  chain(generationId: string): readonly Uint8Array[];
  generation(generationId: string): CaGeneration | undefined;
  /** All generations, by CA and number. */
  generations(): readonly CaGeneration[];
  /** The generations that an OCSP request means. */
  generationsByHashes: FindByHashes;
  /** Which CRL is at a URL; undefined if it is none of these CAs'. */
  crlPlace(url: string): { readonly generation: string; readonly partition: number } | undefined;
  /** Takes over what has changed since, which costs little where nothing has; returns whether something had. */
  refresh(): Promise<boolean>;
  /** The generation that a CA announces as its next: undefined if none is staged, and for a CA that the catalog has no more. */
  next(caName: string): CaGeneration | undefined;
  /**
   * The announcement of the next generation: its chain, up to and including the root, in a ContentInfo with SignedData
   * by the current generation (RFC 8894 4.7.1), DER. Signed once a day at most.
   * @throws GatewayError 'not-found' if there is none; 'unavailable' if the CA has no current generation
   */
  nextCaBundle(caName: string): Promise<Uint8Array>;
}

interface AuthorityOptions {
  readonly store: Pick<Store, 'commit' | 'caGenerations' | 'crls' | 'crlPartitions'>;
  readonly generations: Generations;
  /** What the catalog says now. */
  readonly configs: () => Configs;
  readonly clock: Clock;
}

type Configs = ReadonlyMap<string, CertificateAuthorityConfig>;

interface PreparedIssuance {
  readonly generation: SigningGeneration;
  /** The same for all that follows. */
  readonly configs: Configs;
  readonly serialNumber: Uint8Array;
  issuer(crlPartition: number): SigningIssuer;
}

export function createAuthority({ store, generations, configs, clock }: AuthorityOptions): Authority {
  const partitions = createCrlPartitions({ store, generations, clock });
  const bundles = createNextCaBundles(clock);

  function findNext(caName: string): SigningGeneration | undefined {
    return configs().has(caName) ? generations.findNext(caName) : undefined;
  }

  /** @throws GatewayError 'unavailable' for one that must not issue, for itself or for one above it */
  function requireIssuing(generation: SigningGeneration): void {
    const reason = generation.online
      ? findUnfit(generation, generations, clock.now())
      : 'its key is not in the gateway';
    if (reason !== undefined) throw notIssuing(`${generation.id} does not issue: ${reason}`);
  }

  function prepare({ issuerId, locations }: ApprovedIssuance): PreparedIssuance {
    const generation = generations.find(issuerId);
    const isForResponder = locations === 'none';
    const present = configs();
    // A roll-over between approval and signature: judged again, the request gets the new generation.
    if (generation?.state === 'previous' && !isForResponder) throw new OvertakenError({ cause: notCurrent(issuerId) });
    const isIssuing = generation?.state === 'current' && present.has(generation.ca);
    if (generation === undefined || !(isIssuing || isForResponder)) throw notCurrent(issuerId);
    if (!isForResponder) requireIssuing(generation);
    const serialNumber = randomSerialNumber();
    const issuer = (crlPartition: number) => {
      const usual = signingIssuerOf(generation, crlPartition, present);
      return isForResponder ? { ...usual, locations: [] } : usual;
    };
    return { generation, configs: present, serialNumber, issuer };
  }

  return {
    reload: () => generations.reload(),
    refresh: () => generations.refresh(),

    issuer(caName, generationId) {
      const config = configs().get(caName);
      if (generationId !== undefined) {
        const named = generations.find(generationId);
        if (named?.ca !== caName || !named.online) throw notIssuing(`${generationId} is no CA whose key is here`);
        return factsOf(named, config, generations);
      }
      const generation = generations.findCurrent(caName);
      if (config === undefined || generation === undefined) throw notCurrent(caName);
      requireIssuing(generation);
      return factsOf(generation, config, generations);
    },

    async issue(issuance) {
      const { generation, configs: present, issuer, serialNumber } = prepare(issuance);
      await recordBaseUrl(generation, { store, generations, configs: present });
      const { maximumCertificates } = timingOf(generation, present);
      const crlPartition = await partitions.take(generation, maximumCertificates);
      const der = await signCertificate(issuance, issuer(crlPartition), serialNumber);
      return { der, serialNumber: toHex(serialNumber), issuerId: generation.id, crlPartition };
    },

    preview(issuance) {
      const { generation, issuer, serialNumber } = prepare(issuance);
      return contentOf(issuance, issuer(partitions.current(generation.id)), serialNumber);
    },

    chain: (generationId) => chainOf(generationId, generations),
    generation: (generationId) => generations.find(generationId),
    generations: () => generations.all(),
    generationsByHashes: createCertIdIndex(generations),
    crlPlace: (url) => findCrlPlace(url, generations, configs()),
    next: findNext,

    async nextCaBundle(caName) {
      const next = findNext(caName);
      if (next === undefined) throw new GatewayError('not-found', 'no next generation of this CA is staged');
      const current = generations.findCurrent(caName);
      if (current === undefined) throw notCurrent(caName);
      const hash = configs().get(caName)?.signatureHash ?? current.usualHash;
      return await bundles.get({ current, hash, next, chain: chainOf(next.id, generations) });
    },
  };
}

/** What keeps a generation from issuing, for itself or for one above it: nobody would trust what it signs. */
export function findUnfit(generation: SigningGeneration, generations: Generations, now: Date): string | undefined {
  for (let at: SigningGeneration | undefined = generation; at !== undefined; at = parentOf(at, generations)) {
    if (at.revoked) return `${at.id} is revoked`;
    if (at.certificate.notAfter <= now) return `${at.id} has ended`;
    if (at.certificate.notBefore > now) return `${at.id} has not begun`;
  }
  return undefined;
}

/**
 * The certificates above it may end before its own, or leave less room, where others have issued them. Of a CA that is not
 * configured any more, as much as its OCSP responder's certificate takes.
 */
function factsOf(
  generation: SigningGeneration,
  config: CertificateAuthorityConfig | undefined,
  generations: Generations,
): IssuerFacts {
  const { id, certificate, signer } = generation;
  let { notAfter } = certificate;
  for (let at = parentOf(generation, generations); at !== undefined; at = parentOf(at, generations)) {
    if (at.certificate.notAfter < notAfter) notAfter = at.certificate.notAfter;
  }
  const pathLength = roomBelow(generation, (above) => generations.find(above));
  const cps = cpsUrlOf(config, generation.publicHttpUrl);
  return {
    id,
    keyAlgorithm: signer.algorithm,
    notBefore: certificate.notBefore,
    notAfter,
    backdateSeconds: config?.backdate ?? 0,
    issueIntermediates: config?.issueIntermediates ?? false,
    nameConstraints: constraintsOn(generation, generations),
    ...(pathLength !== Number.POSITIVE_INFINITY && { pathLength }),
    ...(cps !== undefined && { cps }),
  };
}

function notCurrent(name: string): GatewayError {
  return notIssuing(`${name} is not a CA of the catalog with a current generation`);
}

function notIssuing(reason: string): GatewayError {
  return new GatewayError('unavailable', 'the certification authority does not issue at the moment', {
    cause: new Error(reason),
    retryAfterSeconds: 5,
  });
}

/** As certificates have it when they are read again: without leading zero octets. */
function toHex(serialNumber: Uint8Array): string {
  return serialNumberHex(unsignedInteger(serialNumber).subarray(2));
}

function findCrlPlace(url: string, generations: Generations, configs: Configs): ReturnType<Authority['crlPlace']> {
  const [, id = '', number] = /\/crl\/([^/]+)\/(0|[1-9]\d{0,8})\.crl$/.exec(url) ?? [];
  const partition = Number(number);
  const generation = generations.find(id);
  if (generation === undefined) return undefined;
  const urls = crlUrlsOf(generation, partition, configs.get(generation.ca));
  return urls.includes(url) ? { generation: id, partition } : undefined;
}

function chainOf(generationId: string, generations: Generations): readonly Uint8Array[] {
  const chain: Uint8Array[] = [];
  let generation = generations.find(generationId);
  if (generation === undefined) throw new GatewayError('not-found', 'there is no such certification authority');
  while (generation !== undefined) {
    chain.push(generation.certificate.der);
    generation = parentOf(generation, generations);
  }
  return chain;
}

function parentOf(generation: SigningGeneration, generations: Generations): SigningGeneration | undefined {
  return generation.parent === null ? undefined : generations.find(generation.parent);
}
