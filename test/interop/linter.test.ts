/** Everything that is issued, before our own check by RFC 5280, openssl, GnuTLS, zlint, and another reader. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fromBER } from 'asn1js';
import { builtInTemplates } from '../../src/catalog/built-in-templates.js';
import { type EverythingIssued, issueEverything } from '../support/everything-issued.js';
import { describeWith, openShell, requireTool, type Shell } from '../support/interop.js';
import type { Specimen } from '../support/issue-everything.js';
import { faultsOfCertificate } from '../support/rfc5280-certificate.js';
import { faultsOfCrl, faultsOfDelta, faultsOfScope } from '../support/rfc5280-crl.js';
import { createSpecimenFiles, type SpecimenFiles } from '../support/specimen-files.js';

let shell: Shell;
let issued: EverythingIssued;
let folder: SpecimenFiles;

beforeAll(async () => {
  shell = openShell({}, 60_000);
  issued = await issueEverything(shell);
  folder = createSpecimenFiles(issued, shell);
}, 120_000);
afterAll(async () => {
  shell.remove();
  await issued.close();
});

function issuerOf(issuerId: string): Uint8Array {
  const { certificate } = issued.core.authority.generation(issuerId) ?? {};
  if (certificate === undefined) throw new Error(`there is no ${issuerId}`);
  return certificate.der;
}

/** All that a CRL can be asked about. */
function checkable(): readonly Specimen[] {
  return issued.specimens.filter((one) => !/root|responder/.test(one.kind) && !issued.revoked.has(one));
}

function leavesOf(issuerId: string): readonly Specimen[] {
  const leaves = checkable().filter((one) => one.issuerId === issuerId && one.kind === 'end-entity');
  expect(leaves.length).toBeGreaterThan(2);
  return leaves;
}

describe('What is issued', () => {
  it('is of every built-in template, every configuration that comes with the gateway, every service and every kind of CA', () => {
    const { specimens, crls, core } = issued;
    const names = specimens.map(({ name }) => name).join('\n');
    for (const { name } of builtInTemplates()) expect(names).toContain(`${name}.full`);
    for (const part of [
      'quickstart.yaml',
      'examples/minimal.yaml',
      'tls-server of pss',
      'OCSP responder of root-p256-1',
      'cross-certificate of root-p256-2 by root-p256-1',
    ]) {
      expect(names).toContain(part);
    }
    expect(new Set(specimens.map(({ kind }) => kind)).size).toBe(4);
    expect(specimens.length).toBeGreaterThan(150);
    const byIssuer = (kind: Specimen['kind']) =>
      new Set(specimens.filter((one) => one.kind === kind).map(({ issuerId }) => issuerId));
    const issuing = ['pss-1', 'p384-1', 'p521-1', 'rsa-4096-1', 'imported-1', 'plant-1', 'sealed-2'];
    const rolled = ['edwards-1', 'edwards-2', 'p256-1', 'p256-2'];
    expect([...byIssuer('end-entity')].sort()).toEqual([...issuing, ...rolled].sort());
    const online = core.generations.all().filter((generation) => generation.online);
    expect(byIssuer('ocsp-responder')).toEqual(new Set(online.map(({ id }) => id)));
    expect(new Set(crls.map(({ issuerId }) => issuerId))).toEqual(new Set(core.generations.all().map(({ id }) => id)));
    expect(crls.length).toBeGreaterThan(core.generations.all().length);
  });

  it('is a certificate by RFC 5280, field by field', () => {
    const faults = issued.specimens.flatMap(({ name, kind, certificate, issuer }) =>
      faultsOfCertificate(certificate, { issuer, kind }).map((fault) => `${name}: ${fault}`),
    );
    expect(faults).toEqual([]);
  });

  it('is a CRL or a delta by RFC 5280, field by field, with entries and without', () => {
    const { bases, crls, deltas } = issued;
    const faults = [...bases, ...crls, ...deltas].flatMap(({ issuerId, der }) =>
      faultsOfCrl(der, { issuer: issuerOf(issuerId) }).map((fault) => `${issuerId}: ${fault}`),
    );
    expect(faults).toEqual([]);
  });

  it('has deltas that can be combined with the CRLs before them and with them (RFC 5280 5.2.4)', () => {
    const { bases, crls, deltas } = issued;
    expect(new Set(deltas.map(({ issuerId }) => issuerId))).toEqual(new Set(['pss-1', 'p384-1']));
    const faults = deltas.flatMap(({ issuerId, partition, der }) =>
      [...bases, ...crls]
        .filter((crl) => crl.issuerId === issuerId && crl.partition === partition)
        .flatMap((base) => faultsOfDelta(der, base.der).map((fault) => `${issuerId}/${partition}: ${fault}`)),
    );
    expect(faults).toEqual([]);
  });

  it('has for each certificate a CRL that covers it (RFC 5280 6.3.3 (b))', () => {
    const checked = issued.specimens.filter(({ kind }) => kind === 'ca' || kind === 'end-entity');
    const uncovered = checked.filter(({ issuerId, certificate }) =>
      issued.crls.every((crl) => crl.issuerId !== issuerId || faultsOfScope(crl.der, certificate).length > 0),
    );
    expect(uncovered.map(({ name }) => name)).toEqual([]);
  });

  it('is the same when another library has read it and written it again', () => {
    const all = [...issued.specimens.map(({ certificate }) => certificate), ...issued.crls.map(({ der }) => der)];
    for (const der of all) {
      const { result, offset } = fromBER(Uint8Array.from(der).buffer);
      expect(offset).toBe(der.length);
      expect(Buffer.from(result.toBER()).equals(der)).toBe(true);
    }
  });
});

describeWith(['openssl'], 'openssl verify -x509_strict', () => {
  const strictly = 'openssl verify -x509_strict -no-CApath -no-CAstore -untrusted below.pem';
  const verify = `${strictly} -CAfile roots.pem`;

  async function expectAccepted(command: string, files: readonly string[]): Promise<void> {
    expect(await shell.succeed(`${command} ${files.join(' ')}`)).toBe(files.map((file) => `${file}: OK\n`).join(''));
  }

  it('accepts each that is not revoked, with its CRL', async () => {
    await expectAccepted(`${verify} -crl_check -CRLfile crls.pem`, folder.write(checkable()));
  });

  it('accepts the whole chain with its CRLs, that of the root included', async () => {
    const files = folder.write(checkable());
    expect(files.length).toBeGreaterThan(100);
    await expectAccepted(`${verify} -crl_check_all -CRLfile crls.pem`, files);
  });

  it('accepts what five CAs are above, with keys for RSASSA-PSS, of P-521, of Ed25519, of P-384 and for RSASSA-PSS, with all CRLs and under their policy alone', async () => {
    expect(issued.core.authority.chain('pss-1')).toHaveLength(5);
    const files = folder.write(leavesOf('pss-1'));
    folder.writePem('pss.pem', 'CERTIFICATE', [issuerOf('root-pss-1')]);
    const ofRoot = `${strictly} -CAfile pss.pem -crl_check_all -CRLfile crls.pem`;
    await expectAccepted(ofRoot, files);
    const [full = ''] = folder.write(leavesOf('pss-1').filter(({ name }) => name.includes('.full')));
    const explicitly = `${ofRoot} -policy_check -explicit_policy`;
    await expectAccepted(`${explicitly} -policy 1.3.6.1.4.1.99999.2`, [full]);
    const { status, errors } = await shell.run(`${explicitly} -policy 1.3.6.1.4.1.99999.3 ${full}`);
    expect({ status, errors }).toEqual({ status: 2, errors: expect.stringMatching(/no explicit policy/) });
  });

  it('accepts what later generations of a root and a CA have issued by way of the link, where the earlier root alone is trusted', async () => {
    const files = folder.write(leavesOf('p256-2'));
    folder.writePem('earlier.pem', 'CERTIFICATE', [issuerOf('root-p256-1')]);
    await expectAccepted(`${strictly} -CAfile earlier.pem -crl_check -CRLfile crls.pem`, files);
  });

  it('accepts responders, which no CRL is asked about', async () => {
    const files = folder.write(issued.specimens.filter(({ kind }) => kind === 'ocsp-responder'));
    await expectAccepted(`${verify} -untrusted revoked.pem -purpose ocsphelper`, files);
  });

  it('refuses those that are revoked by a delta to CRLs from before, and nothing else', async () => {
    const { specimens, revoked, bases, deltas } = issued;
    const hasDelta = ({ issuerId }: Specimen) => deltas.some((delta) => delta.issuerId === issuerId);
    const ofCas = specimens.filter((specimen) => specimen.kind === 'end-entity' && hasDelta(specimen));
    const files = folder.write(ofCas);
    folder.writePem(
      'before.pem',
      'X509 CRL',
      [...bases, ...deltas].map(({ der }) => der),
    );
    const { output, errors } = await shell.run(
      `${verify} -crl_check -use_deltas -CRLfile before.pem ${files.join(' ')}`,
    );
    const refused = ofCas.flatMap((specimen, i) => (revoked.has(specimen) ? [files[i]] : []));
    expect(refused).toHaveLength(6);
    expect(output.match(/: OK$/gm)).toHaveLength(files.length - refused.length);
    expect(
      [...errors.matchAll(/^error 23 at 0 .*\nerror (.*): verification failed/gm)].map(([, file]) => file),
    ).toEqual(refused);
  });

  it('refuses those that are revoked, also a CA by a CRL that was signed in a ceremony', async () => {
    const refused = [...issued.revoked].filter(({ name }) => !name.startsWith('cross-certificate'));
    expect(refused.map(({ name }) => name)).toContain('CA sealed-1');
    for (const file of folder.write(refused)) {
      const { status, errors } = await shell.run(`${verify} -crl_check_all -CRLfile crls.pem ${file}`);
      expect({ status, errors }).toEqual({ status: 2, errors: expect.stringMatching(/certificate revoked/) });
    }
  });
});

describeWith(['certtool'], 'certtool --verify of GnuTLS', () => {
  // Of several CRLs of one issuer it keeps the latest alone, so that it gets those that it needs.
  const verify = 'certtool --verify --load-ca-certificate roots.pem --load-crl chain-crls.pem --infile chain.pem';

  it.each(['pss-1', 'edwards-1', 'edwards-2', 'rsa-4096-1', 'p256-2', 'imported-1', 'plant-1', 'sealed-2'])(
    'accepts chains of %s, with their CRLs',
    async (issuerId) => {
      const leaves = leavesOf(issuerId).slice(0, 3);
      for (const leaf of leaves) {
        folder.writeChain(leaf);
        expect(await shell.succeed(verify)).toMatch(/Chain verification output: Verified\. The certificate is trusted/);
      }
    },
  );

  it('refuses those that are revoked', async () => {
    for (const name of ['service cmc of pss', 'service cmp of p384', 'CA sealed-1']) {
      folder.writeChain(issued.find(name));
      const { status, output, errors } = await shell.run(verify);
      expect({ name, status, said: output + errors }).toEqual({
        name,
        status: 1,
        said: expect.stringMatching(/Not verified\..*revoked/),
      });
    }
  });

  it('accepts each CRL', async () => {
    for (const { issuerId, der } of issued.crls) {
      folder.writePem('crl.pem', 'X509 CRL', [der]);
      folder.writePem('issuer.pem', 'CERTIFICATE', [issuerOf(issuerId)]);
      const output = await shell.succeed('certtool --verify-crl --load-ca-certificate issuer.pem --infile crl.pem');
      expect(output).toMatch(/Verification output: Verified/);
    }
  });
});

const hasZlint = requireTool('zlint', 'certificates are linted');

(hasZlint ? describe : describe.skip)('zlint', () => {
  it('finds no error by RFC 5280 and its companions', async () => {
    const files = folder.write(issued.specimens);
    const sources = 'RFC3279,RFC5280,RFC5480,RFC5891';
    const output = await shell.succeed(`zlint -includeSources ${sources} ${files.join(' ')}`);
    const lines = output.trim().split('\n');
    expect(lines).toHaveLength(files.length);
    const faults = lines.flatMap((line, i) =>
      [...line.matchAll(/"([a-z0-9_]+)":\{"result":"(error|fatal)"/g)].map(
        ([, lint]) => `${issued.specimens[i]?.name}: ${lint}`,
      ),
    );
    expect(faults).toEqual([]);
  });
});
