/** Keys and certificates of CAs that GnuTLS and Java have made, as files for `gatehouse ca import`. */
import { expect, it } from '@jest/globals';
import { importAuthority } from '../../src/authorities/import-authority.js';
import { decodeCertificateList } from '../../src/x509/crl.js';
import { fromPem } from '../../src/x509/pem.js';
import { withCas } from '../src/authorities/operated-cas.js';
import { describeWith, openShell } from '../support/interop.js';
import { testActor as actor } from '../support/operator.js';

const passphrase = 'correct horse';

/** Runs lines that leave a key in a file, and takes over what is in it, with the certificates in another. */
async function expectImport(key: string, certificates: string | undefined, lines: readonly string[]): Promise<void> {
  const shell = openShell({ PASSPHRASE: passphrase });
  try {
    await shell.succeed(...lines);
    await withCas([{ name: 'old', subject: 'CN=Old CA,O=Example', key: 'external' }], async (cas) => {
      // After what was made just now has begun.
      cas.world.clock.at = Date.now() + 60_000;
      const content = shell.read(key);
      const others =
        certificates === undefined ? [] : fromPem(shell.read(certificates).toString('latin1'), 'CERTIFICATE');
      const take = importAuthority(
        { ca: 'old', key: { content, passphrase }, certificates: others, crls: [], actor },
        cas,
      );
      expect(await take).toMatchObject({ generation: 'old-1' });
      const crl = await cas.store.crls.find({ issuerId: 'old-1', partition: 0 });
      expect(decodeCertificateList(crl?.der ?? new Uint8Array()).issuer).toEqual(
        cas.generations.find('old-1')?.certificate.subject,
      );
    });
  } finally {
    shell.remove();
  }
}

describeWith(['certtool'], 'A CA of GnuTLS', () => {
  const make = [
    `printf '%s\\n' 'cn = "Old CA"' 'organization = "Example"' 'ca' 'cert_signing_key' 'crl_signing_key' 'expiration_days = 1000' > ca.cfg`,
    'certtool --generate-privkey --key-type ecdsa --curve secp256r1 --outfile ca.key 2>&1',
    'certtool --generate-self-signed --load-privkey ca.key --template ca.cfg --outfile ca.pem 2>&1',
  ];

  // It derives each key in 600,000 rounds, which take the schemes of PKCS #12 itself ten times as long as PBKDF2.
  it('is taken over from PKCS #12', async () => {
    await expectImport('ca.p12', undefined, [
      ...make,
      'certtool --to-p12 --load-privkey ca.key --load-certificate ca.pem --p12-name old --password "$PASSPHRASE" --outder --outfile ca.p12 2>&1',
    ]);
  });

  it('is taken over from PKCS #8 with triple DES (RFC 8018 B.2.2)', async () => {
    await expectImport('ca.p8', 'ca.pem', [
      ...make,
      'certtool --to-p8 --load-privkey ca.key --pkcs-cipher 3des --password "$PASSPHRASE" --outfile ca.p8 2>&1',
    ]);
  });
});

describeWith(['keytool'], 'A CA of Java', () => {
  it('is taken over from its key store, which is PKCS #12', async () => {
    await expectImport('ca.p12', undefined, [
      `keytool -genkeypair -alias old -keyalg EC -groupname secp384r1 -dname 'CN=Old CA,O=Example' -validity 1000 -ext bc:c -ext ku:c=keyCertSign,cRLSign -storetype PKCS12 -keystore ca.p12 -storepass "$PASSPHRASE" 2>&1`,
    ]);
  });
});
