/** The generations of every CA in memory, each with all that its certificates and CRLs have in common. */

import { z } from 'zod';
import type { CaKeys } from '../keys/ca-keys.js';
import { createAbsentSigner } from '../keys/lazy-signer.js';
import type { SignatureHash, Signer } from '../keys/signer.js';
import type { GenerationState } from '../model/certificate-authority.js';
import type { CaGenerationRecord } from '../store/ca-generation-repository.js';
import type { Store } from '../store/store.js';
import { type Certificate, decodeCertificate, extension } from '../x509/certificate.js';
import {
  decodeBasicConstraints,
  decodeSubjectKeyIdentifier,
  encodeAuthorityKeyIdentifier,
} from '../x509/extensions.js';
import { idCeBasicConstraints, idCeSubjectKeyIdentifier } from '../x509/oids.js';
import { describePublicKey, subjectKeyIdentifier } from '../x509/public-key.js';

/** One CA certificate and key: what may be known of it outside of this folder. */
export interface CaGeneration {
  /** `<ca>-<number>`. */
  readonly id: string;
  /** The CA's name in the catalog. */
  readonly ca: string;
  readonly number: number;
  readonly state: GenerationState;
  readonly certificate: Certificate;
  /** The id of the generation that issued it; null for a root. */
  readonly parent: string | null;
  /** Of its own certificate; absent when unlimited. */
  readonly pathLength?: number;
  /** Whether its key is in the gateway. That of a CA that is offline, or elsewhere, is not. */
  readonly online: boolean;
  /** It issues nothing more; its CRLs go on. */
  readonly revoked: boolean;
  /** Of a next one: when it becomes current, where that is settled. */
  readonly activateAt: Date | undefined;
  /** Until when what earlier ones have issued is to be replaced, as far as that is not planned yet. */
  readonly replaceBy: Date | undefined;
}

/** A generation that can sign. Only the functions of this folder that are named after what they sign use its key. */
export interface SigningGeneration extends CaGeneration {
  readonly signer: Signer;
  /** The hash that fits its key's strength. */
  readonly usualHash: SignatureHash;
  /** DER, the value of the AuthorityKeyIdentifier of what it signs. */
  readonly authorityKeyIdentifier: Uint8Array;
  /** What the URLs of its CRLs and certificate begin with, where its CA has no base of its own; without a slash at the end. */
  readonly publicHttpUrl: string;
  /** Whether the gateway answers OCSP requests about it at all. */
  readonly answersOcsp: boolean;
  /** All bases that its certificates may have there, once they are written down. */
  readonly baseUrls: readonly string[];
}

export interface Generations {
  /** The same for each generation. */
  readonly address: Pick<SigningGeneration, 'publicHttpUrl' | 'answersOcsp'>;
  /** Takes over what the store has now. Until the first time there are none. @throws GatewayError of the store */
  reload(): Promise<void>;
  /** The same, where something has changed in the store since; returns whether it has. @throws GatewayError of the store */
  refresh(): Promise<boolean>;
  find(id: string): SigningGeneration | undefined;
  /** The generation that a CA issues with. */
  findCurrent(ca: string): SigningGeneration | undefined;
  /** The generation that a CA will issue with once it is activated. */
  findNext(ca: string): SigningGeneration | undefined;
  /** By CA and number; the same list until the next time that the store is read. */
  all(): readonly SigningGeneration[];
}

interface GenerationsOptions {
  readonly store: Pick<Store, 'caGenerations'>;
  readonly keys: Pick<CaKeys, 'lazySigner' | 'forget'>;
  /** Where relying parties find CRLs and CA certificates, without a slash at its end: frozen into certificates. */
  readonly publicHttpUrl: string;
  /** Whether this gateway answers OCSP requests at all. */
  readonly answersOcsp: boolean;
}

export function createGenerations({ store, keys, publicHttpUrl, answersOcsp }: GenerationsOptions): Generations {
  let all: readonly SigningGeneration[] = [];
  let byId: ReadonlyMap<string, LoadedGeneration> = new Map();
  let currentByCa: ReadonlyMap<string, SigningGeneration> = new Map();
  let nextByCa: ReadonlyMap<string, SigningGeneration> = new Map();
  let reloading: Promise<void> = Promise.resolve();

  async function load(): Promise<void> {
    const records = await store.caGenerations.all();
    const loaded = records.map(loadOne);
    all = loaded;
    byId = new Map(loaded.map((generation) => [generation.id, generation]));
    currentByCa = byCa(loaded, 'current');
    nextByCa = byCa(loaded, 'next');
  }

  function loadOne(record: CaGenerationRecord): LoadedGeneration {
    const known = byId.get(record.id);
    if (known !== undefined && isUpToDate(known, record)) return known;
    const isSameKey = known?.keyId === record.keyId;
    if (isSameKey && known.writtenUrls === record.baseUrls) return { ...known, ...stateOf(record) };
    // Taken offline by another process: what this one has open of its key must not go on signing.
    if (known !== undefined && !isSameKey) keys.forget(known.keyId);
    return createGeneration(record, { keys, publicHttpUrl, answersOcsp });
  }

  function reload(): Promise<void> {
    // One after the other, so that an older view of the store never replaces a newer one.
    reloading = reloading.then(load, load);
    return reloading;
  }

  return {
    address: { publicHttpUrl, answersOcsp },
    reload,

    async refresh() {
      const states = await store.caGenerations.states({});
      const isSame = states.length === byId.size && states.every((state) => isUpToDate(byId.get(state.id), state));
      if (!isSame) await reload();
      return !isSame;
    },

    find: (id) => byId.get(id),
    findCurrent: (ca) => currentByCa.get(ca),
    findNext: (ca) => nextByCa.get(ca),
    all: () => all,
  };
}

/** The hash as strong as the key (RFC 5480 4 for EC); EdDSA takes no notice of it. */
export function usualHashFor(subjectPublicKeyInfo: Uint8Array): SignatureHash {
  const key = describePublicKey(subjectPublicKeyInfo);
  if (key.algorithm !== 'ec' || key.curve === 'P-256') return 'sha256';
  return key.curve === 'P-384' ? 'sha384' : 'sha512';
}

interface LoadedGeneration extends SigningGeneration {
  /** Empty where its key is not in the gateway. */
  readonly keyId: string;
  /** As its record has them. */
  readonly writtenUrls: string | null;
}

/** What may change of a generation. */
type ChangingRecord = Pick<
  CaGenerationRecord,
  'state' | 'keyId' | 'baseUrls' | 'activateAt' | 'replaceBy' | 'revokedAt'
>;

function isUpToDate(known: LoadedGeneration | undefined, record: ChangingRecord): boolean {
  if (known === undefined || known.state !== record.state || known.keyId !== record.keyId) return false;
  if (known.writtenUrls !== record.baseUrls) return false;
  if (known.revoked !== (record.revokedAt !== null)) return false;
  const isSame = (date: Date | undefined, recorded: number | null) => (date?.getTime() ?? null) === recorded;
  return isSame(known.activateAt, record.activateAt) && isSame(known.replaceBy, record.replaceBy);
}

function stateOf({ state, activateAt, replaceBy, revokedAt }: ChangingRecord) {
  return { state, revoked: revokedAt !== null, activateAt: dateOf(activateAt), replaceBy: dateOf(replaceBy) };
}

function dateOf(time: number | null): Date | undefined {
  return time === null ? undefined : new Date(time);
}

function createGeneration(
  record: CaGenerationRecord,
  { keys, publicHttpUrl, answersOcsp }: Omit<GenerationsOptions, 'store'>,
): LoadedGeneration {
  const { id, ca, number, parent, keyId } = record;
  const certificate = decodeCertificate(record.certificate);
  const online = keyId !== '';
  const publicKey = certificate.subjectPublicKeyInfo;
  const signer = online ? keys.lazySigner({ keyId, publicKey }) : createAbsentSigner(id, publicKey);
  const pathLength = pathLengthOf(certificate);
  return {
    id,
    ca,
    number,
    ...stateOf(record),
    parent,
    keyId,
    writtenUrls: record.baseUrls,
    online,
    certificate,
    ...(pathLength !== undefined && { pathLength }),
    signer,
    usualHash: usualHashFor(signer.publicKey),
    authorityKeyIdentifier: encodeAuthorityKeyIdentifier({ keyIdentifier: keyIdentifierOf(certificate) }),
    publicHttpUrl,
    answersOcsp,
    baseUrls: baseUrlsOf(record),
  };
}

function baseUrlsOf({ baseUrls }: CaGenerationRecord): readonly string[] {
  return baseUrls === null ? [] : z.array(z.string()).parse(JSON.parse(baseUrls));
}

/** How many CAs may follow below a generation, by its own certificate and those above it (RFC 5280 6.1.4 l, m). */
export function roomBelow(generation: CaGeneration, find: (id: string) => CaGeneration | undefined): number {
  let room = Number.POSITIVE_INFINITY;
  let depth = 0;
  for (let at: CaGeneration | undefined = generation; at; at = at.parent === null ? undefined : find(at.parent)) {
    room = Math.min(room, (at.pathLength ?? Number.POSITIVE_INFINITY) - depth);
    depth++;
  }
  return room;
}

/** What a CA's certificate says, which RFC 5280 4.2.1.1 wants repeated, however it was made. @throws DerError */
export function keyIdentifierOf(certificate: Certificate): Uint8Array {
  const value = extension(certificate, idCeSubjectKeyIdentifier);
  return value === undefined
    ? subjectKeyIdentifier(certificate.subjectPublicKeyInfo)
    : decodeSubjectKeyIdentifier(value);
}

/** Undefined where nothing limits it. @throws DerError */
export function pathLengthOf(certificate: Certificate): number | undefined {
  const value = extension(certificate, idCeBasicConstraints);
  return value === undefined ? undefined : decodeBasicConstraints(value).pathLength;
}

/** A CA has at most one in each of these states. */
function byCa(all: readonly SigningGeneration[], state: 'current' | 'next'): ReadonlyMap<string, SigningGeneration> {
  return new Map(
    all.filter((generation) => generation.state === state).map((generation) => [generation.ca, generation]),
  );
}
