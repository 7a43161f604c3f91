/** What a CA's configuration makes of the form of its certificates and CRLs. */
import { describe, expect, it } from '@jest/globals';
import { certificateAuthoritySchema } from '../../../src/model/certificate-authority.js';
import { decodeCertificate, extension } from '../../../src/x509/certificate.js';
import { decodeCertificateList } from '../../../src/x509/crl.js';
import { decodeCertificatePolicies } from '../../../src/x509/location-extensions.js';
import { idCeCertificatePolicies } from '../../../src/x509/oids.js';
import { importPublicKey } from '../../../src/x509/public-key.js';
import { decodeSignatureAlgorithm, verifySignature } from '../../../src/x509/signature-algorithms.js';
import { opensslAccepts } from '../../support/openssl-verify.js';
import { second, start, withHierarchy } from './test-hierarchy.js';

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
    ['one twice', [{ id: '1.2.3' }, { id: '1.2.3' }]],
    ['no object identifier', [{ id: '3.1' }]],
    ['a URL beyond ASCII', [{ id: '1.2.3', cps: 'http://ca.example/ü' }]],
    ['a notice of more than 200 characters', [{ id: '1.2.3', notice: 'x'.repeat(201) }]],
  ])('cannot be configured with %s', (_what, certificatePolicies) => {
    const written = { name: 'root', subject: 'CN=Root', key: 'ec-p256', certificatePolicies };
    expect(certificateAuthoritySchema.safeParse(written).success).toBe(false);
  });
});
