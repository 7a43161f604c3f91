/** The chains above the certificates of an archive: one file for each generation of the CA that has issued some. */
import type { Authority } from '../../ca/authority.js';
import { type Certificate, extension } from '../../x509/certificate.js';
import { decodeAuthorityKeyIdentifier, decodeSubjectKeyIdentifier } from '../../x509/extensions.js';
import { idCeAuthorityKeyIdentifier, idCeSubjectKeyIdentifier } from '../../x509/oids.js';
import { toPem } from '../../x509/pem.js';
import type { ZipEntry } from './zip-stream.js';

export interface IssuerFiles {
  /** The names of the files with a certificate's chain: one, or none where its issuer is not known any more. */
  of(certificate: Certificate): readonly string[];
  /** Those that were named so far. */
  files(): Generator<ZipEntry, void, undefined>;
}

export function createIssuerFiles(authority: Pick<Authority, 'generations' | 'chain'>): IssuerFiles {
  const generations = new Map(
    authority.generations().map(({ id, certificate }) => [keyIdentifier(certificate, 'subject'), id]),
  );
  const named = new Set<string>();
  return {
    of(certificate) {
      const generation = generations.get(keyIdentifier(certificate, 'authority'));
      if (generation === undefined) return [];
      named.add(generation);
      return [fileOf(generation)];
    },
    *files() {
      for (const generation of named) {
        const pem = authority.chain(generation).map((der) => toPem('CERTIFICATE', der));
        yield { name: fileOf(generation), content: Buffer.from(pem.join('')) };
      }
    },
  };
}

/** With one CA alone, as a rule there is one. */
function fileOf(generation: string): string {
  return `issuers/${generation}/chain.pem`;
}

function keyIdentifier(certificate: Certificate, whose: 'subject' | 'authority'): string {
  const value = extension(certificate, whose === 'subject' ? idCeSubjectKeyIdentifier : idCeAuthorityKeyIdentifier);
  if (value === undefined) return '';
  const identifier =
    whose === 'subject' ? decodeSubjectKeyIdentifier(value) : decodeAuthorityKeyIdentifier(value).keyIdentifier;
  return Buffer.from(identifier ?? []).toString('hex');
}
