/** All that is issued, in files for programs that verify. */
import type { CaGeneration } from '../../src/ca/generations.js';
import type { Core } from '../../src/open-core.js';
import { toPem } from '../../src/x509/pem.js';
import type { EverythingIssued } from './everything-issued.js';
import type { Shell } from './interop.js';
import type { Specimen } from './issue-everything.js';
import { faultsOfScope } from './rfc5280-crl.js';

export interface SpecimenFiles {
  /** Writes these, DER, into one PEM file. */
  writePem(file: string, label: 'CERTIFICATE' | 'X509 CRL', ders: readonly Uint8Array[]): void;
  /** Writes each certificate into a file of its own; returns their names. */
  write(specimens: readonly Specimen[]): readonly string[];
  /** Writes `chain.pem`, a certificate and those of the CAs above it but for the root, and `chain-crls.pem`, the CRLs that speak for them. */
  writeChain(specimen: Specimen): void;
}

/** Writes `roots.pem`, `below.pem` and `revoked.pem` with the CAs, and `crls.pem` with the CRLs. */
export function createSpecimenFiles({ core, specimens, revoked, crls }: EverythingIssued, shell: Shell): SpecimenFiles {
  const writePem: SpecimenFiles['writePem'] = (file, label, ders) =>
    shell.write(file, ders.map((der) => toPem(label, der)).join(''));
  const writeCas = (file: string, isWanted: (one: Specimen) => boolean) =>
    writePem(
      file,
      'CERTIFICATE',
      specimens.filter(isWanted).map(({ certificate }) => certificate),
    );

  writeCas('roots.pem', ({ kind }) => kind === 'root');
  writeCas('below.pem', (one) => one.kind === 'ca' && !revoked.has(one));
  writeCas('revoked.pem', (one) => one.kind === 'ca' && revoked.has(one));
  writePem(
    'crls.pem',
    'X509 CRL',
    crls.map(({ der }) => der),
  );
  return {
    writePem,
    write: (written) =>
      written.map(({ certificate }, i) => {
        writePem(`${i}.pem`, 'CERTIFICATE', [certificate]);
        return `${i}.pem`;
      }),
    writeChain({ certificate, issuerId }) {
      const above = lineOf(issuerId, core);
      const chain = [certificate, ...above.slice(0, -1).map((generation) => generation.certificate.der)];
      const covering = crls.filter((crl) => {
        const covered = chain[above.findIndex(({ id }) => id === crl.issuerId)];
        return covered !== undefined && faultsOfScope(crl.der, covered).length === 0;
      });
      writePem('chain.pem', 'CERTIFICATE', chain);
      writePem(
        'chain-crls.pem',
        'X509 CRL',
        covering.map(({ der }) => der),
      );
    },
  };
}

/** A generation and those above it, the root last. */
function lineOf(id: string, core: Core): readonly CaGeneration[] {
  const generation = core.generations.find(id);
  if (generation === undefined) return [];
  return [generation, ...(generation.parent === null ? [] : lineOf(generation.parent, core))];
}
