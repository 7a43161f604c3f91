import { createPrivateKey, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { encodeContentInfo } from '../../src/cms/content-info.js';
import { idSignedData } from '../../src/cms/oids.js';
import { decodeCertificate, extension } from '../../src/x509/certificate.js';
import { DerReader } from '../../src/x509/der.js';
import { octetString } from '../../src/x509/der-writer.js';
import { idCeSubjectKeyIdentifier } from '../../src/x509/oids.js';
import { applyYaml } from '../support/fleet.js';
import { describeWith, type GatewayShell, openGatewayShell } from '../support/interop.js';
import { makeCsr } from '../support/make-csr.js';
import { ecKey, enroll, makeKey, makeRequest, passcode, post, rsaKey } from './curl-client.js';

/** Devices whose keys agree on keys, and one that shares a key-wrap key with the gateway. */
const wrappedPolicy = `
profiles:
  - name: key-agreement
    template: basic-device
    subject: [{ attribute: commonName, source: request, required: true }]
    keyUsages: [digitalSignature, keyEncipherment, keyAgreement]
    extendedKeyUsages: [clientAuth]
    validity: 30d
authenticationPolicies:
  - name: wrapped
    division: quickstart
    credentials:
      - { kind: passcode, name: wrapped-passcode, secret: wrapped-secret }
      - { kind: key-wrap-key, name: pump-17, identifier: pump-17, key: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f }
policies:
  - name: quickstart-wrapped
    division: quickstart
    authenticationPolicy: wrapped
    profiles: [{ usage: operational, profile: key-agreement }]
    issuingCa: quickstart-ec
    methods: [est]
    keyGeneration: [device, gateway]
    defaultGroup: devices
`;

let shell: GatewayShell;
beforeAll(async () => {
  shell = await openGatewayShell();
  await applyYaml(shell.test, wrappedPolicy);
});
afterAll(() => shell.close());

const label = '-wrapped';
const wrapped = '-u :wrapped-secret';

interface Part {
  readonly type: string | undefined;
  readonly content: Buffer;
}

/** The parts of the multipart answer in `<name>.p7`, whose media type curl printed. */
function readParts(name: string, status: string): Part[] {
  const boundary = /^200 multipart\/mixed; boundary=(\S+)$/.exec(status)?.[1];
  const text = shell.read(`${name}.p7`).toString();
  expect(boundary ?? text).toMatch(/^[0-9a-f]+$/);
  return text
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => {
      const [head = '', body = ''] = part.split('\r\n\r\n');
      return { type: /^content-type: (.*)\r?$/im.exec(head)?.[1], content: Buffer.from(body, 'base64') };
    });
}

/** The certificate of the second part, as openssl reads it. */
async function certificateOf(part: Part | undefined): Promise<X509Certificate> {
  expect(part?.type).toBe('application/pkcs7-mime; smime-type=certs-only');
  shell.write('certificate.p7', part?.content ?? '');
  return new X509Certificate(
    await shell.succeed('openssl pkcs7 -inform DER -in certificate.p7 -print_certs | openssl x509'),
  );
}

/** Opens both layers with openssl, and returns the private key. */
async function openKey(part: Part | undefined, options: string) {
  expect(part?.type).toBe('application/pkcs7-mime; smime-type=server-generated-key');
  shell.write('key.der', part?.content ?? '');
  await shell.succeed(`openssl cms -decrypt -binary -inform DER -in key.der ${options} -out signed-data`);
  shell.write('signed.der', encodeContentInfo(idSignedData, shell.read('signed-data')));
  await shell.succeed(
    'openssl cms -verify -binary -inform DER -in signed.der -CAfile "$GATEHOUSE_CA_FILE" -purpose any -out package',
  );
  const key = DerReader.decode(shell.read('package'), (reader) => reader.sequence((keys) => keys.element()));
  return createPrivateKey({ key: Buffer.from(key), format: 'der', type: 'pkcs8' });
}

const idAaDecryptKeyId = '1.2.840.113549.1.9.16.2.37';
const idAaAsymmDecryptKeyId = '1.2.840.113549.1.9.16.2.54';

/** `<name>.b64`; openssl req cannot make attributes of OCTET STRING. */
function writeRequest(name: string, type: string, identifier: Uint8Array): void {
  const request = makeCsr({ subject: `CN=${name}`, attributes: [[type, octetString(identifier)]] });
  shell.write(`${name}.b64`, Buffer.from(request).toString('base64'));
}

describeWith(['curl', 'openssl'], 'EST serverkeygen (RFC 7030 4.4) with curl and openssl', () => {
  it.each([
    ['RSA', rsaKey, 'rsa'],
    ['EC', ecKey, 'ec'],
  ])('answers an %s key, like that of the request, and its certificate', async (_kind, key, type) => {
    const name = `made-${type}`;
    const status = await shell.succeed(
      makeKey(name, key),
      makeRequest(name),
      post({ operation: 'serverkeygen', name, options: passcode }),
    );
    const [keyPart, certificatePart] = readParts(name, status);
    expect(keyPart?.type).toBe('application/pkcs8');
    shell.write('made.der', keyPart?.content ?? '');
    const made = createPrivateKey(await shell.succeed('openssl pkey -inform DER -in made.der'));
    expect(made.asymmetricKeyType).toBe(type);
    expect(made.equals(createPrivateKey(shell.read(`${name}.key`)))).toBe(false);
    const certificate = await certificateOf(certificatePart);
    expect(certificate.checkPrivateKey(made)).toBe(true);
    expect(certificate.subject).toBe(`CN=${name}`);
  });

  it('encrypts the key with the key-wrap key that DecryptKeyIdentifier names (4.4.1.1)', async () => {
    const name = 'wrapped';
    writeRequest(name, idAaDecryptKeyId, Buffer.from('pump-17'));
    const status = await shell.succeed(post({ operation: 'serverkeygen', label, name, options: wrapped }));
    const [keyPart, certificatePart] = readParts(name, status);
    const secretKey = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
    const identifier = Buffer.from('pump-17').toString('hex');
    const made = await openKey(keyPart, `-secretkey ${secretKey} -secretkeyid ${identifier}`);
    expect((await certificateOf(certificatePart)).checkPrivateKey(made)).toBe(true);
  });

  it.each([
    ['RSA', 'by-rsa', rsaKey],
    ['EC', 'by-ec', ecKey],
  ])(
    'encrypts the key to the %s certificate that AsymmetricDecryptKeyIdentifier names (4.4.1.2)',
    async (_, recipient, key) => {
      await shell.succeed(...enroll(recipient, { key, label, credential: wrapped }));
      const certificate = decodeCertificate(new X509Certificate(shell.read(`${recipient}.pem`)).raw);
      const identifier = DerReader.decode(
        extension(certificate, idCeSubjectKeyIdentifier) ?? new Uint8Array(),
        (reader) => reader.octetString(),
      );
      const name = `${recipient}-made`;
      writeRequest(name, idAaAsymmDecryptKeyId, identifier);
      const status = await shell.succeed(post({ operation: 'serverkeygen', label, name, options: wrapped }));
      const [keyPart, certificatePart] = readParts(name, status);
      const made = await openKey(keyPart, `-recip ${recipient}.pem -inkey ${recipient}.key`);
      expect((await certificateOf(certificatePart)).checkPrivateKey(made)).toBe(true);
    },
  );

  it.each([
    ['DecryptKeyIdentifier', idAaDecryptKeyId],
    ['AsymmetricDecryptKeyIdentifier', idAaAsymmDecryptKeyId],
  ])('refuses a %s that is unknown', async (_, type) => {
    writeRequest('nobody', type, Buffer.from('nobody'));
    const { output } = await shell.run(post({ operation: 'serverkeygen', label, name: 'nobody', options: wrapped }));
    expect(output).toBe('400 text/plain; charset=utf-8');
  });
});
