/** Finds generations by what OCSP requests say of them: hashes of name and key (RFC 6960 4.1.1). */
import { hash } from 'node:crypto';
import { keyBits } from '../x509/public-key.js';
import type { HashAlgorithm } from '../x509/signature-algorithms.js';
import type { CaGeneration, Generations, SigningGeneration } from './generations.js';

/** How a request names the issuer of a certificate. */
export interface IssuerHashes {
  readonly hash: HashAlgorithm;
  /** Over the DER Name. */
  readonly issuerNameHash: Uint8Array;
  /** Over the bits of the key. */
  readonly issuerKeyHash: Uint8Array;
}

/** The generations of this name and key; more than one only where they share a key. */
export type FindByHashes = (hashes: IssuerHashes) => readonly CaGeneration[];

/** The hashes are computed once for each list of generations, at the first question. */
export function createCertIdIndex(generations: Pick<Generations, 'all'>): FindByHashes {
  let indexed: readonly SigningGeneration[] | undefined;
  let byHashes: ReadonlyMap<string, readonly CaGeneration[]> = new Map();
  return (hashes) => {
    const all = generations.all();
    if (all !== indexed) {
      byHashes = index(all);
      indexed = all;
    }
    return byHashes.get(keyOf(hashes)) ?? [];
  };
}

const algorithms: readonly HashAlgorithm[] = ['sha1', 'sha256', 'sha384', 'sha512'];

function index(all: readonly SigningGeneration[]): ReadonlyMap<string, readonly CaGeneration[]> {
  const byHashes = new Map<string, CaGeneration[]>();
  for (const generation of all) {
    const { subject, subjectPublicKeyInfo } = generation.certificate;
    const bits = keyBits(subjectPublicKeyInfo);
    for (const algorithm of algorithms) {
      const key = keyOf({
        hash: algorithm,
        issuerNameHash: hash(algorithm, subject, 'buffer'),
        issuerKeyHash: hash(algorithm, bits, 'buffer'),
      });
      byHashes.set(key, [...(byHashes.get(key) ?? []), generation]);
    }
  }
  return byHashes;
}

function keyOf({ hash: algorithm, issuerNameHash, issuerKeyHash }: IssuerHashes): string {
  return `${algorithm}:${hex(issuerNameHash)}:${hex(issuerKeyHash)}`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
