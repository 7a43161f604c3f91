/** The message digests of CMS (RFC 5754 section 2, RFC 3370 section 2.1). */

import { DerReader, Tag } from '../x509/der.js';
import { oid, sequence } from '../x509/der-writer.js';
import { idSha1, idSha256, idSha384, idSha512 } from '../x509/oids.js';
import type { HashAlgorithm } from '../x509/signature-algorithms.js';

/** The AlgorithmIdentifier (DER) of a digest, without parameters as RFC 5754 section 2 asks of those who write. */
export const digestIdentifiers: Readonly<Record<HashAlgorithm, Uint8Array>> = {
  sha1: sequence(oid(idSha1)),
  sha256: sequence(oid(idSha256)),
  sha384: sequence(oid(idSha384)),
  sha512: sequence(oid(idSha512)),
};

/** The digest of a DER AlgorithmIdentifier; undefined for one that is not known. @throws DerError */
export function findDigest(identifier: Uint8Array): HashAlgorithm | undefined {
  const id = DerReader.decode(identifier, (reader) =>
    reader.sequence((algorithm) => {
      const value = algorithm.oid();
      algorithm.optional(Tag.null, (parameters) => parameters.null());
      return value;
    }),
  );
  return names.get(id);
}

const names: ReadonlyMap<string, HashAlgorithm> = new Map([
  [idSha1, 'sha1'],
  [idSha256, 'sha256'],
  [idSha384, 'sha384'],
  [idSha512, 'sha512'],
]);
