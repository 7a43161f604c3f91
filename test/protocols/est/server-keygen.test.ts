import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeCertsOnly } from '../../../src/cms/certs-only.js';
import type { GeneratedKey } from '../../../src/enrollment/result.js';
import type { Reply } from '../../../src/protocol.js';
import { octetString, oid, sequence } from '../../../src/x509/der-writer.js';
import { createIdentity, createOpenSsl, type Identity, type OpenSsl } from '../../src/cms/openssl.js';
import { deviceKey, type KeyPair, makeCsr, rsaKey } from '../../support/make-csr.js';
import { base64, createFakeGateway, type FakeOptions, issued } from './fake-gateway.js';

const decryptKeyIdentifier = '1.2.840.113549.1.9.16.2.37';
const asymmetricDecryptKeyIdentifier = '1.2.840.113549.1.9.16.2.54';
const smimeCapabilities = '1.2.840.113549.1.9.15';
const pkcs8 = Uint8Array.from(
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'der' }),
);

let openssl: OpenSsl;
let generator: Identity;
let recipient: Identity;

beforeAll(() => {
  openssl = createOpenSsl();
  generator = createIdentity(openssl, 'generator', 'P-256');
  recipient = createIdentity(openssl, 'recipient', 'rsa');
});
afterAll(() => openssl.remove());

function optionsFor(generatedKey: GeneratedKey): FakeOptions {
  const { certificate, signer } = generator;
  return {
    result: { ...issued, generatedKey },
    serviceKey: { certificate, chain: [certificate], algorithm: 'ec', sign: (data, hash) => signer.sign(data, hash) },
  };
}

/** Splits a multipart body as RFC 2046 5.1.1 has it. */
function partsOf(reply: Reply): { headers: string[]; body: Buffer }[] {
  const boundary = /^multipart\/mixed; boundary=(\w+)$/.exec(reply.headers['Content-Type'] ?? '')?.[1];
  const sections = String(reply.body).split(`--${boundary}`);
  expect(sections[0]).toBe('');
  expect(sections.at(-1)).toBe('--\r\n');
  return sections.slice(1, -1).map((section) => {
    const [head = '', body = ''] = section.slice(2, -2).split('\r\n\r\n');
    return { headers: head.split('\r\n'), body: Buffer.from(body, 'base64') };
  });
}

describe('EST /serverkeygen (RFC 7030 4.4)', () => {
  it('asks for a key made by the gateway and does not verify the request', async () => {
    const gateway = createFakeGateway(optionsFor({ pkcs8 }));
    const csr = makeCsr({ signedBy: rsaKey });
    expect((await gateway.post('serverkeygen', base64(csr))).status).toBe(200);
    expect(gateway.requests).toMatchObject([{ operation: 'enroll', generateKey: { type: 'ec-p256' } }]);
    expect(gateway.requests[0]?.requested).not.toHaveProperty('subjectPublicKeyInfo');
    expect(gateway.requests[0]?.requested).not.toHaveProperty('requestHash');
  });

  it('does not read a key that it ignores', async () => {
    const gateway = createFakeGateway(optionsFor({ pkcs8 }));
    expect((await gateway.post('serverkeygen', base64(makeCsr({ subjectPublicKeyInfo: sequence() })))).status).toBe(
      200,
    );
    expect(gateway.requests[0]?.generateKey).toEqual({});
  });

  it('has the same transaction whatever the key in the request is', async () => {
    const gateway = createFakeGateway(optionsFor({ pkcs8 }));
    await gateway.post('serverkeygen', base64(makeCsr()));
    await gateway.post('serverkeygen', base64(makeCsr({ key: rsaKey })));
    expect(gateway.requests[0]?.transactionId).toBe(gateway.requests[1]?.transactionId);
  });

  it('has another transaction for another recipient of the key', async () => {
    const gateway = createFakeGateway(optionsFor({ pkcs8 }));
    const recipients = [undefined, ['37', 'a'], ['37', 'b'], ['54', 'a']] as const;
    for (const recipient of recipients) {
      const attribute =
        recipient && ([`1.2.840.113549.1.9.16.2.${recipient[0]}`, octetString(Buffer.from(recipient[1]))] as const);
      await gateway.post('serverkeygen', base64(makeCsr(attribute ? { attributes: [attribute] } : {})));
    }
    expect(new Set(gateway.requests.map(({ transactionId }) => transactionId)).size).toBe(4);
  });

  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' });
  const rsa3072 = generateKeyPairSync('rsa', { modulusLength: 3072 });
  const rsa2100 = generateKeyPairSync('rsa', { modulusLength: 2100 });
  it.each<[string, KeyPair, string | undefined]>([
    ['P-256', deviceKey, 'ec-p256'],
    ['P-384', p384, 'ec-p384'],
    ['RSA 2048', rsaKey, 'rsa-2048'],
    ['RSA 3072', rsa3072, 'rsa-3072'],
    ['P-521, which the policy does not allow,', p521, undefined],
    ['RSA 2100', rsa2100, undefined],
    ['Ed25519, which the policy does not allow,', generateKeyPairSync('ed25519'), undefined],
  ])('takes a %s key in the request for a hint', async (_, key, type) => {
    const gateway = createFakeGateway(optionsFor({ pkcs8 }));
    await gateway.post('serverkeygen', base64(makeCsr({ key })));
    expect(gateway.requests[0]?.generateKey?.type).toBe(type);
  });

  it('answers key and certificate in two parts (RFC 7030 4.4.2)', async () => {
    const reply = await createFakeGateway(optionsFor({ pkcs8 })).post('serverkeygen', base64(makeCsr()));
    expect(reply.headers['Cache-Control']).toBe('no-store');
    const [key, certificate, more] = partsOf(reply);
    expect(key?.headers).toEqual(['Content-Type: application/pkcs8', 'Content-Transfer-Encoding: base64']);
    expect(key?.body.equals(pkcs8)).toBe(true);
    expect(certificate?.headers).toEqual([
      'Content-Type: application/pkcs7-mime; smime-type=certs-only',
      'Content-Transfer-Encoding: base64',
    ]);
    expect(decodeCertsOnly(certificate?.body ?? new Uint8Array())).toEqual([issued.certificate]);
    expect(more).toBeUndefined();
  });

  it('encrypts to the certificate named by AsymmetricDecryptKeyIdentifier (RFC 7030 4.4.1.2)', async () => {
    const identifier = keyIdentifierOf(recipient);
    const generatedKey: GeneratedKey = {
      pkcs8,
      recipient: { kind: 'certificate', certificate: recipient.certificate },
    };
    const gateway = createFakeGateway(optionsFor(generatedKey));
    const csr = makeCsr({ attributes: [[asymmetricDecryptKeyIdentifier, octetString(identifier)]] });
    const reply = await gateway.post('serverkeygen', base64(csr));
    expect(gateway.requests[0]?.generateKey?.recipient).toEqual({
      kind: 'certificate',
      subjectKeyIdentifier: identifier,
    });
    const [key] = partsOf(reply);
    expect(key?.headers[0]).toBe('Content-Type: application/pkcs7-mime; smime-type=server-generated-key');
    openssl.write('key.cms', key?.body ?? new Uint8Array());
    const opened = openssl.run(
      ...['cms', '-decrypt', '-inform', 'DER', '-in', 'key.cms', '-recip', 'recipient.pem', '-inkey', 'recipient.key'],
    );
    expect(opened.includes(Buffer.from(pkcs8))).toBe(true);
  });

  it('encrypts with the key named by DecryptKeyIdentifier (RFC 7030 4.4.1.1)', async () => {
    const identifier = Uint8Array.of(1, 2, 3, 4);
    const secret = Buffer.alloc(32, 0x5a);
    const generatedKey: GeneratedKey = { pkcs8, recipient: { kind: 'key-wrap-key', identifier, key: secret } };
    const gateway = createFakeGateway(optionsFor(generatedKey));
    const aes256Wrap = sequence(sequence(oid('2.16.840.1.101.3.4.1.45')));
    const attributes = [
      [decryptKeyIdentifier, octetString(identifier)],
      [smimeCapabilities, aes256Wrap],
    ] as const;
    const reply = await gateway.post('serverkeygen', base64(makeCsr({ attributes })));
    expect(gateway.requests[0]?.generateKey?.recipient).toEqual({ kind: 'key-wrap-key', identifier });
    openssl.write('key.cms', partsOf(reply)[0]?.body ?? new Uint8Array());
    const opened = openssl.run(
      ...['cms', '-decrypt', '-inform', 'DER', '-in', 'key.cms', '-secretkey', secret.toString('hex')],
      ...['-secretkeyid', Buffer.from(identifier).toString('hex')],
    );
    expect(opened.includes(Buffer.from(pkcs8))).toBe(true);
  });

  it('never sends a key in the clear that was to be encrypted', async () => {
    const gateway = createFakeGateway(optionsFor({ pkcs8 }));
    const csr = makeCsr({ attributes: [[decryptKeyIdentifier, octetString(Uint8Array.of(1))]] });
    const reply = await gateway.post('serverkeygen', base64(csr));
    expect(reply.status).toBe(500);
    expect(reply.body).not.toContain(base64(pkcs8).slice(0, 20));
  });

  it('refuses an identifier that is malformed', async () => {
    const gateway = createFakeGateway(optionsFor({ pkcs8 }));
    const csr = makeCsr({ attributes: [[decryptKeyIdentifier, sequence()]] });
    expect((await gateway.post('serverkeygen', base64(csr))).status).toBe(400);
    expect(gateway.refusals).toMatchObject([{ operation: 'serverkeygen', code: 'malformed-request' }]);
  });
});

function keyIdentifierOf({ name }: Identity): Uint8Array {
  const text = openssl.run('x509', '-in', `${name}.pem`, '-noout', '-ext', 'subjectKeyIdentifier').toString();
  return Uint8Array.from(Buffer.from((/([0-9A-F]{2}:)+[0-9A-F]{2}/.exec(text)?.[0] ?? '').replaceAll(':', ''), 'hex'));
}
