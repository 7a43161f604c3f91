/** What a CA's configuration makes of the form of its certificates and CRLs. */
import { describe, expect, it } from '@jest/globals';
import { requestCertificate } from '../../../src/authorities/request.js';
import { HierarchyError } from '../../../src/ca/plan-hierarchy.js';
import { certificateAuthoritySchema } from '../../../src/model/certificate-authority.js';
import { decodeCertificate, extension } from '../../../src/x509/certificate.js';
import { decodeCertificateList } from '../../../src/x509/crl.js';
import { decodeCertificatePolicies, encodeQualifiedPolicies } from '../../../src/x509/location-extensions.js';
import { encodeName } from '../../../src/x509/names.js';
import { idCeCertificatePolicies, idCeNameConstraints } from '../../../src/x509/oids.js';
import { parseName } from '../../../src/x509/parse-name.js';
import { decodeCertificationRequest } from '../../../src/x509/pkcs10.js';
import { importPublicKey, keyFingerprint } from '../../../src/x509/public-key.js';
import { decodeSignatureAlgorithm, verifySignature } from '../../../src/x509/signature-algorithms.js';
import { opensslAccepts } from '../../support/openssl-verify.js';
import { operator, withCas } from '../authorities/operated-cas.js';
import { approve, second, start, type TestNode, withHierarchy } from './test-hierarchy.js';

const none = new Uint8Array();

describe('An RSA CA with rsaPadding: pss (RFC 4055)', () => {
  it('signs its own certificate, those of others and CRLs with RSASSA-PSS, as openssl verify accepts', async () => {
    const root = { name: 'root', subject: 'CN=Root', key: 'rsa-2048', rsaPadding: 'pss', signatureHash: 'sha384' };
    const issuing = { name: 'issuing', parent: 'root', subject: 'CN=Issuing', key: 'ec-p521' };
    await withHierarchy([root, issuing], async ({ authority, crls }) => {
      const chain = authority.chain('issuing-1').map(decodeCertificate);
      const names = chain.map(({ signatureAlgorithm }) => decodeSignatureAlgorithm(signatureAlgorithm).name);
      expect(names).toEqual(['rsa-pss-sha384', 'rsa-pss-sha384']);
      const strictly = ['-x509_strict', '-purpose', 'any', '-attime', String(start / second + 60)];
      expect(opensslAccepts(authority.chain('issuing-1').toReversed(), strictly)).toBe(true);
      const crl = decodeCertificateList((await crls.publish('root-1', 0)).der);
      const algorithm = decodeSignatureAlgorithm(crl.signatureAlgorithm);
      const key = importPublicKey(chain.at(-1)?.subjectPublicKeyInfo ?? new Uint8Array());
      expect(algorithm.name).toBe('rsa-pss-sha384');
      expect(verifySignature(algorithm, key, crl.tbs, crl.signature)).toBe(true);
    });
  });
});

describe('certificatePolicies of a CA (RFC 5280 4.2.1.4)', () => {
  it('are in its certificate, with their qualifiers', async () => {
    const policies = [
      { id: '1.3.6.1.4.1.99999.1', cps: 'http://ca.example/cps', notice: 'For plants' },
      { id: '2.5.29.32.0' },
    ];
    await withHierarchy(
      [{ name: 'root', subject: 'CN=Root', key: 'ec-p256', certificatePolicies: policies }],
      async (node) => {
        const [root = new Uint8Array()] = node.authority.chain('root-1');
        const value = extension(decodeCertificate(root), idCeCertificatePolicies);
        expect(decodeCertificatePolicies(value ?? new Uint8Array())).toEqual(policies.map(({ id }) => id));
        const text = Buffer.from(value ?? []).toString('latin1');
        expect(text).toContain('http://ca.example/cps');
        expect(text).toContain('For plants');
        expect(opensslAccepts([root, root], ['-attime', String(start / second + 60)])).toBe(true);
      },
    );
  });

  it.each([
    ['that is served by the gateway', { text: 'We issue to pumps.\n' }, 'http://gate.example:8080/cps/root'],
    ['that is elsewhere', { url: 'https://www.plant.example/cps.pdf' }, 'https://www.plant.example/cps.pdf'],
  ])("lead to the CA's practice statement %s, unless they have one of their own", async (_what, cps, url) => {
    const policies = [{ id: '1.2.3' }, { id: '1.2.4', cps: 'http://own.example' }];
    const root = { name: 'root', subject: 'CN=Root', key: 'ec-p256', certificatePolicies: policies, cps };
    await withHierarchy([root], async ({ authority }) => {
      const value = extension(decodeCertificate(authority.chain('root-1')[0] ?? none), idCeCertificatePolicies);
      expect(value && Buffer.from(value)).toEqual(
        Buffer.from(
          encodeQualifiedPolicies([
            { id: '1.2.3', cps: url },
            { id: '1.2.4', cps: 'http://own.example' },
          ]),
        ),
      );
      expect(authority.issuer('root').cps).toBe(url);
    });
  });

  it.each([
    ['one twice', [{ id: '1.2.3' }, { id: '1.2.3' }]],
    ['no object identifier', [{ id: '3.1' }]],
    ['a URL beyond ASCII', [{ id: '1.2.3', cps: 'http://ca.example/ü' }]],
    ['a notice of more than 200 characters', [{ id: '1.2.3', notice: 'x'.repeat(201) }]],
  ])('cannot be configured with %s', (_what, certificatePolicies) => {
    const written = { name: 'root', subject: 'CN=Root', key: 'ec-p256', certificatePolicies };
    expect(certificateAuthoritySchema.safeParse(written).success).toBe(false);
  });
});

describe('nameConstraints of a CA (RFC 5280 4.2.1.10)', () => {
  const nameConstraints = { permitted: [{ directoryName: 'O=Plant' }], excluded: [{ dns: 'office.example' }] };
  const root = { name: 'root', subject: 'CN=Root,O=Plant', key: 'ec-p256', nameConstraints };
  const issuing = { name: 'issuing', parent: 'root', subject: 'CN=Issuing,O=Plant', key: 'ec-p256' };
  const strictly = ['-x509_strict', '-attime', String(start / second + 60)];

  async function leaf({ authority, generations }: TestNode, subject: string): Promise<Uint8Array> {
    const publicKey = generations.find('root-1')?.certificate.subjectPublicKeyInfo ?? none;
    return (await authority.issue(approve('issuing-1', encodeName(parseName(subject)), publicKey))).der;
  }

  it("are critical in its certificate and in its next root's links, and openssl verify keeps them", async () => {
    await withHierarchy([root, { ...issuing, nameConstraints }], async (node) => {
      await node.stage('root');
      const fingerprints = await node.store.certificates.findByKey({
        keyFingerprint: keyFingerprint(node.generations.find('root-2')?.certificate.subjectPublicKeyInfo ?? none),
      });
      const certificates = [...node.authority.chain('issuing-1'), ...fingerprints.map(({ der }) => der)];
      expect(certificates).toHaveLength(3);
      for (const der of certificates) {
        const found = decodeCertificate(der).extensions.find(({ id }) => id === idCeNameConstraints);
        expect(found?.critical).toBe(true);
      }
      const chain = node.authority.chain('issuing-1').toReversed();
      expect(opensslAccepts([...chain, await leaf(node, 'CN=pump,O=Plant')], strictly)).toBe(true);
      expect(opensslAccepts([...chain, await leaf(node, 'CN=pump,O=Office')], strictly)).toBe(false);
    });
  });

  it('bind what it and the CAs below it issue, and which CAs can be below it', async () => {
    await withHierarchy([root, issuing], async ({ authority, ensure }, world) => {
      const [found] = authority.issuer('issuing').nameConstraints;
      expect(found?.permitted.map(({ form }) => form)).toEqual(['directoryName']);
      expect(found?.excluded.map(({ form }) => form)).toEqual(['dns']);
      world.configs.set('other', certificateAuthoritySchema.parse({ ...issuing, name: 'other', subject: 'CN=Other' }));
      await expect(ensure()).rejects.toThrow(HierarchyError);
      await expect(ensure()).rejects.toThrow(/CA other cannot be below CA root: .* by the name constraints there/);
    });
  });

  it('are asked for where its certificate comes from elsewhere', async () => {
    const outside = { name: 'outside', subject: 'CN=Outside', key: 'external' };
    const asking = { ...issuing, parent: 'outside', nameConstraints };
    await withCas([outside, asking], async (cas) => {
      const { extensions } = decodeCertificationRequest(await requestCertificate('issuing', operator, cas));
      expect(extensions.find(({ id }) => id === idCeNameConstraints)?.critical).toBe(true);
    });
  });
});
