import 'reflect-metadata';
import { createHash, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import {
  AuthorityInfoAccessExtension,
  AuthorityKeyIdentifierExtension,
  CRLDistributionPointsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate as OtherCertificate,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
} from '@peculiar/x509';
import { revokeCertificate } from '../../src/enrollment/revoke.js';
import { describeWith, type GatewayShell, openGatewayShell } from '../support/interop.js';
import { operator } from '../support/operator.js';
import { ecKey, enroll, readChain, readCrls, rsaKey, verifyStrictly } from './curl-client.js';

let shell: GatewayShell;
beforeAll(async () => {
  shell = await openGatewayShell();
});
afterAll(() => shell.close());

const hierarchies = [
  { kind: 'EC', label: '', ca: 'EC CA', generation: 'quickstart-ec-1' },
  { kind: 'RSA', label: '-rsa', ca: 'RSA CA', generation: 'quickstart-rsa-1' },
] as const;
const keys = { ec: ecKey, rsa: rsaKey } as const;
const cases = hierarchies.flatMap((hierarchy) => (['ec', 'rsa'] as const).map((key) => ({ ...hierarchy, key })));

describeWith(['curl', 'openssl'], 'An issued certificate', () => {
  it.each(cases)(
    'for an $key key passes openssl verify -x509_strict with the served CRLs of the $kind hierarchy',
    async ({ label, key }) => {
      const name = `strict-${key}${label}`;
      await shell.succeed(...enroll(name, { key: keys[key], label }), readChain(label), ...readCrls(name));
      expect(shell.read('crls.txt').toString().trim().split('\n')).toHaveLength(2);
      expect(await shell.succeed(verifyStrictly(name))).toBe(`${name}.pem: OK\n`);
    },
  );

  it('no longer passes once it is revoked', async () => {
    const name = 'revoked';
    await shell.succeed(...enroll(name), readChain(), ...readCrls(name));
    const { core } = shell.test.gateway;
    const serialNumber = new X509Certificate(shell.read(`${name}.pem`)).serialNumber.toLowerCase();
    const [record] = await core.store.certificates.findBySerial({ serialNumber });
    const issuerId = record?.issuerId ?? '';
    await revokeCertificate({ issuerId, serialNumber, reason: 'keyCompromise', actor: operator('test') }, core);
    await core.crls.publish(issuerId, record?.crlPartition ?? 0);
    const { errors, status } = await shell.run(...readCrls(name), verifyStrictly(name));
    expect(status).not.toBe(0);
    expect(errors).toMatch(/certificate revoked/);
    expect(await shell.succeed('openssl crl -in crls.pem -noout -text')).toMatch(/Reason Code: *\n *Key Compromise/);
  });

  it.each(cases)(
    'for an $key key of the $kind hierarchy is read alike, field by field, by two other libraries',
    async ({ label, ca, generation, key }) => {
      const name = `fields-${key}${label}`;
      const request = '-addext subjectAltName=DNS:device.example.com,IP:192.0.2.7,email:device@example.com';
      await shell.succeed(...enroll(name, { key: keys[key], label, request }), readChain(label));
      const pem = shell.read(`${name}.pem`);
      const [issuerPem = ''] =
        shell
          .read('chain.pem')
          .toString()
          .match(/-----BEGIN[\s\S]*?END CERTIFICATE-----/g) ?? [];
      const node = new X509Certificate(pem);
      const other = new OtherCertificate(pem.toString());
      const issuer = new X509Certificate(issuerPem);

      // RFC 5280 4.1.2.2: positive, 20 octets at most; 159 random bits.
      expect(BigInt(`0x${node.serialNumber}`)).toBeLessThan(1n << 159n);
      expect(BigInt(`0x${node.serialNumber}`)).toBeGreaterThan(1n << 100n);
      expect(other.serialNumber).toBe(node.serialNumber.toLowerCase());
      expect(other.subject).toBe(`CN=${name}`);
      expect(node.subject).toBe(`CN=${name}`);
      expect(other.issuer).toBe(`O=Gatehouse Quickstart, CN=Gatehouse Quickstart ${ca}`);
      expect(node.issuer).toBe(`O=Gatehouse Quickstart\nCN=Gatehouse Quickstart ${ca}`);
      expect(node.checkIssued(issuer)).toBe(true);
      expect(node.verify(issuer.publicKey)).toBe(true);
      expect(other.notBefore.getTime()).toBe(Date.parse(node.validFrom));
      expect(other.notAfter.getTime()).toBe(Date.parse(node.validTo));
      // 90 days from now, and one minute back for clocks that are behind.
      expect(other.notAfter.getTime() - other.notBefore.getTime()).toBe(90 * 86_400_000 + 60_000);
      const spki = node.publicKey.export({ type: 'spki', format: 'der' });
      expect(Buffer.from(other.publicKey.rawData).equals(spki)).toBe(true);
      expect(node.ca).toBe(false);

      expect(other.extensions.map(({ type, critical }) => `${type}${critical ? '!' : ''}`).sort()).toEqual([
        '1.3.6.1.5.5.7.1.1',
        '2.5.29.14',
        '2.5.29.15!',
        '2.5.29.17',
        '2.5.29.31',
        '2.5.29.35',
        '2.5.29.37',
      ]);
      const usages = KeyUsageFlags.digitalSignature | (key === 'rsa' ? KeyUsageFlags.keyEncipherment : 0);
      expect(other.getExtension(KeyUsagesExtension)?.usages).toBe(usages);
      expect(other.getExtension(ExtendedKeyUsageExtension)?.usages).toEqual(['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1']);
      expect(node.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1']);
      expect(other.getExtension(SubjectAlternativeNameExtension)?.names.toJSON()).toEqual([
        { type: 'dns', value: 'device.example.com' },
        { type: 'ip', value: '192.0.2.7' },
        { type: 'email', value: 'device@example.com' },
      ]);
      expect(node.subjectAltName).toBe('DNS:device.example.com, IP Address:192.0.2.7, email:device@example.com');
      // RFC 5280 4.2.1.2 (1): the SHA-1 of the bits of the key.
      expect(other.getExtension(SubjectKeyIdentifierExtension)?.keyId).toBe(keyIdentifier(node));
      expect(other.getExtension(AuthorityKeyIdentifierExtension)?.keyId).toBe(keyIdentifier(issuer));
      const base = shell.test.settings.publicHttpUrl;
      const points = other.getExtension(CRLDistributionPointsExtension)?.distributionPoints ?? [];
      const locations = points.flatMap((point) => point.distributionPoint?.fullName ?? []);
      expect(locations.map((location) => location.uniformResourceIdentifier)).toEqual([
        `${base}/crl/${generation}/0.crl`,
      ]);
      const access = other.getExtension(AuthorityInfoAccessExtension);
      expect(access?.caIssuers.map(({ value }) => value)).toEqual([`${base}/aia/${generation}.cer`]);
      const served = await fetch(`${base}/aia/${generation}.cer`);
      expect(Buffer.from(await served.arrayBuffer()).equals(issuer.raw)).toBe(true);
    },
  );
});

/** SHA-1 of the BIT STRING of the key, as openssl counts: the whole SubjectPublicKeyInfo ends with it. */
function keyIdentifier({ publicKey }: X509Certificate): string {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const bits =
    publicKey.asymmetricKeyType === 'rsa' ? publicKey.export({ type: 'pkcs1', format: 'der' }) : spki.subarray(-65);
  return createHash('sha1').update(bits).digest('hex');
}
