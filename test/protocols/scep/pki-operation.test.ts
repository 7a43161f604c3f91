import { createPublicKey } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { decoyRequest } from '../../../protocols/scep/decoy-request.js';
import { readCertificationRequest } from '../../../protocols/scep/message-data.js';
import { decodeCertsOnly } from '../../../src/cms/certs-only.js';
import type { ContentEncryption } from '../../../src/cms/content-encryption.js';
import { decodeEnvelopedData } from '../../../src/cms/enveloped-data.js';
import { decodeSignedData } from '../../../src/cms/signed-data.js';
import { GatewayError } from '../../../src/errors.js';
import { decodeCertificate, fingerprint } from '../../../src/x509/certificate.js';
import { octetString, printableString, sequence, smallInteger, utf8String } from '../../../src/x509/der-writer.js';
import type { KeyTransport } from '../../../src/x509/key-transport.js';
import { decodeCertificationRequest, verifyCertificationRequest } from '../../../src/x509/pkcs10.js';
import { keyFingerprint } from '../../../src/x509/public-key.js';
import { createIdentity, createOpenSsl } from '../../src/cms/openssl.js';
import { cpuTimeOf } from '../../support/cpu-time.js';
import { makeCsr } from '../../support/make-csr.js';
import {
  createFakeGateway,
  crl,
  earlierRa,
  type FakeOptions,
  intermediateCa,
  issued,
  issuingCa,
  now,
  ra,
  rootCa,
} from './fake-gateway.js';
import {
  attribute,
  certificatesFor,
  type EnvelopeOptions,
  keyPairOf,
  type MessageOptions,
  makeEnvelope,
  makeIdentity,
  makeMessage,
  makeRaKey,
  openForRsa,
  readCertRep,
  senderNonce,
  transactionId,
} from './scep-messages.js';

const device = makeIdentity({ subject: 'CN=device-1', key: 'rsa device' });
const enrolled = makeIdentity({ subject: 'CN=device-1', issuer: 'CN=issuing', signer: 'issuing', key: 'rsa device' });
const csr = makeCsr({ key: keyPairOf(device), challengePassword: 'sesame' });
const holder = keyFingerprint(decodeCertificate(device.certificate).subjectPublicKeyInfo);

interface RequestOptions extends Partial<Omit<MessageOptions, 'envelope'>>, Partial<EnvelopeOptions> {
  readonly content?: Uint8Array;
}

function pkcsReq(options: RequestOptions = {}): Uint8Array {
  const { content = csr, to = ra.certificate, ...more } = options;
  return makeMessage({ signer: device, ...more, envelope: makeEnvelope(content, { to, ...more }) });
}

async function answered(body: Uint8Array, options: FakeOptions = {}) {
  const gateway = createFakeGateway(options);
  const reply = await gateway.post(body);
  expect(reply).toMatchObject({
    status: 200,
    headers: { 'Content-Type': 'application/x-pki-message', 'Cache-Control': 'no-store' },
  });
  return { gateway, reply, rep: readCertRep(reply.body) };
}

describe('SCEP PKCSReq (RFC 8894 3.3.1)', () => {
  it('hands the request to the core and answers with certificate and chain for the signer', async () => {
    const { gateway, rep, reply } = await answered(pkcsReq());
    expect(gateway.requests).toHaveLength(1);
    expect(gateway.requests[0]).toMatchObject({
      protocol: 'scep',
      label: 'routers',
      operation: 'either',
      conversation: { id: '4A616D657320426F6E64', holder },
      requested: { extensions: [], requestHash: 'sha256' },
      credentials: [{ kind: 'password', password: 'sesame' }],
      remoteAddress: '192.0.2.1',
      requestId: 'request-1',
    });
    expect(Buffer.from(gateway.requests[0]?.certificationRequest ?? [])).toEqual(Buffer.from(csr));
    // Without signing time a copy of it would never be too old.
    expect(gateway.requests[0]?.replayableUntil?.getTime()).toBe(8.64e15);
    expect(rep).toMatchObject({ pkiStatus: '0', failInfo: undefined, digest: 'sha256' });
    expect(rep.transactionId).toEqual(transactionId);
    expect(rep.recipientNonce).toEqual(senderNonce);
    expect(rep.senderNonce).toHaveLength(16);
    expect(rep.signerCertificate).toEqual(ra.certificate);
    expect(typeof reply.body !== 'string' && decodeCertsOnly(reply.body)).toEqual([ra.certificate]);
    expect(await certificatesFor(rep, device)).toEqual([issued.certificate, issuingCa, intermediateCa, rootCa]);
    expect(gateway.refusals).toEqual([]);
  });

  it('is answered by GET, and under the default policy', async () => {
    const message = Buffer.from(pkcsReq()).toString('base64').replaceAll('=', '%3D');
    const gateway = createFakeGateway();
    const reply = await gateway.get(`operation=PKIOperation&message=${message}`, { params: {} });
    expect(readCertRep(reply.body)).toMatchObject({ pkiStatus: '0' });
    expect(gateway.requests[0]).not.toHaveProperty('label');
  });

  it('is what a POST without operation has (RFC 8894 4.3)', async () => {
    const reply = await createFakeGateway().post(pkcsReq(), { query: '' });
    expect(readCertRep(reply.body)).toMatchObject({ pkiStatus: '0' });
  });

  it('is not answered to HEAD', async () => {
    const gateway = createFakeGateway();
    const query = `operation=PKIOperation&message=${Buffer.from(pkcsReq()).toString('base64url')}`;
    expect(await gateway.get(query, { method: 'HEAD' })).toMatchObject({ status: 400 });
    expect(gateway.requests).toEqual([]);
  });

  it.each([
    [{ chain: 'issuer' }, [issued.certificate, issuingCa]],
    [{ chain: 'withoutRoot' }, [issued.certificate, issuingCa, intermediateCa]],
    [{ chainInReply: false }, [issued.certificate]],
  ] as const)('is answered with the CA certificates that the policy says: %j', async (scep, certificates) => {
    const { rep } = await answered(pkcsReq(), { scep });
    expect(await certificatesFor(rep, device)).toEqual(certificates);
  });

  it('presents a certificate that signs it, and what came with it, beside the challenge', async () => {
    const { gateway, rep } = await answered(
      pkcsReq({ signer: enrolled, certificates: [device.certificate, enrolled.certificate] }),
    );
    const { credentials = [] } = gateway.requests[0] ?? {};
    expect(credentials.map(({ kind }) => kind)).toEqual(['certificate', 'password']);
    expect(credentials[0]).toMatchObject({ kind: 'certificate', proof: 'message' });
    expect(credentials[0]?.kind === 'certificate' && credentials[0].chain.map(fingerprint)).toEqual(
      [enrolled.certificate, device.certificate].map(fingerprint),
    );
    expect(await certificatesFor(rep, enrolled)).toContainEqual(issued.certificate);
  });

  it('may renew with another key, as RenewalReq does, without a challenge', async () => {
    const next = makeIdentity({ subject: 'CN=device-1', key: 'rsa next' });
    for (const challenge of [{}, { challengePassword: '' }]) {
      const content = makeCsr({ key: keyPairOf(next), ...challenge });
      const { gateway, rep } = await answered(pkcsReq({ messageType: '17', signer: enrolled, content }));
      expect(gateway.requests[0]).toMatchObject({ operation: 'either', conversation: { holder } });
      expect(gateway.requests[0]?.credentials.map(({ kind }) => kind)).toEqual(['certificate']);
      expect(await certificatesFor(rep, enrolled)).toContainEqual(issued.certificate);
    }
  });

  it('may come from an EC key, which then agrees on the key of the answer (RFC 5753)', async () => {
    const signer = makeIdentity({ subject: 'CN=device-2', key: 'device 2' });
    const content = makeCsr({ key: keyPairOf(signer), challengePassword: 'sesame' });
    const { gateway, rep } = await answered(pkcsReq({ signer, content }));
    expect(gateway.requests).toHaveLength(1);
    expect(decodeEnvelopedData(rep.envelope ?? Buffer.of()).recipients).toMatchObject([{ type: 'keyAgreement' }]);
  });

  it('may come from an Ed25519 key, but not without a challenge to encrypt the answer with', async () => {
    const openssl = createOpenSsl();
    const signer = createIdentity(openssl, 'ed', 'ed25519');
    openssl.remove();
    const key = keyPairOf(signer);
    const good = await answered(
      pkcsReq({ signer, digest: 'sha512', content: makeCsr({ key, challengePassword: 'sesame' }) }),
    );
    expect(good.rep).toMatchObject({ pkiStatus: '0', digest: 'sha512' });
    expect(good.gateway.requests[0]?.requested).not.toHaveProperty('requestHash');
    const bad = await answered(pkcsReq({ signer, digest: 'sha512', content: makeCsr({ key }) }));
    expect(bad.rep).toMatchObject({ pkiStatus: '2', failInfo: '0' });
    expect(bad.gateway.requests).toEqual([]);
  });

  it('is PENDING without content while it waits for approval', async () => {
    const { rep } = await answered(pkcsReq(), {
      result: { outcome: 'pending', requestId: 'r', retryAfterSeconds: 60 },
    });
    expect(rep).toMatchObject({ pkiStatus: '3', failInfo: undefined, envelope: new Uint8Array() });
    expect(rep.recipientNonce).toEqual(senderNonce);
  });

  it('says until when a copy would be fresh, where it is signed with a time', async () => {
    const signingTime = new Date(now.getTime() - 60_000);
    const { gateway } = await answered(pkcsReq({ signingTime }));
    expect(gateway.requests[0]?.replayableUntil).toEqual(new Date(signingTime.getTime() + 3_600_000));
  });

  it.each<[KeyTransport, ContentEncryption, 'sha1' | 'sha256' | 'sha384' | 'sha512', boolean]>([
    ['rsa-pkcs1', 'aes-128-cbc', 'sha256', false],
    ['rsa-pkcs1', 'aes-192-cbc', 'sha384', false],
    ['rsa-oaep-sha1', 'aes-256-cbc', 'sha512', false],
    ['rsa-oaep-sha256', 'aes-256-cbc', 'sha256', false],
    ['rsa-pkcs1', 'des-ede3-cbc', 'sha256', false],
    ['rsa-pkcs1', 'des-ede3-cbc', 'sha1', true],
    ['rsa-pkcs1', 'des-cbc', 'sha1', true],
  ])('is answered with its own algorithms: %s, %s, %s', async (keyTransport, cipher, digest, legacy) => {
    const { rep } = await answered(pkcsReq({ keyTransport, cipher, digest }), { scep: { legacy } });
    expect(rep.digest).toBe(digest);
    expect(await openForRsa(rep, device)).toMatchObject({ contentEncryption: cipher, keyTransport });
  });

  it('is answered with the key that it was encrypted to', async () => {
    const { rep } = await answered(pkcsReq({ to: earlierRa.certificate }));
    expect(rep).toMatchObject({ pkiStatus: '0', signerCertificate: earlierRa.certificate });
  });

  it.each([
    ['an IA5String', Uint8Array.of(0x16, 2, 0x61, 0x62), 'ab'],
    ['a UTF8String beyond ASCII', utf8String('é'), '#0c02c3a9'],
    ['a UTF8String with NUL', utf8String('a\0'), '#0c026100'],
  ])('may have a transactionID that is %s, which comes back as it is', async (_, value, id) => {
    const { gateway, rep } = await answered(pkcsReq({ attributes: { [attribute.transactionId]: value } }));
    expect(rep.transactionId).toEqual(value);
    expect(gateway.requests[0]?.conversation?.id).toBe(id);
  });

  it.each([1, 64])('may have a senderNonce of %d octets', async (length) => {
    const nonce = Uint8Array.from({ length }, () => 7);
    const { rep } = await answered(pkcsReq({ attributes: { [attribute.senderNonce]: octetString(nonce) } }));
    expect(rep).toMatchObject({ pkiStatus: '0', recipientNonce: nonce });
  });
});

describe('SCEP CertPoll (RFC 8894 3.3.3)', () => {
  const unreadable = makeEnvelope(Uint8Array.of(1, 2, 3), { to: ra.certificate, cipher: 'aes-256-cbc' });
  const poll = (envelope = unreadable) => makeMessage({ signer: device, messageType: '20', envelope });

  it('asks by transactionID and key', async () => {
    const { gateway, rep } = await answered(poll());
    expect(gateway.polls).toEqual([
      {
        protocol: 'scep',
        label: 'routers',
        pending: { conversation: { id: '4A616D657320426F6E64', holder } },
        remoteAddress: '192.0.2.1',
        requestId: 'request-1',
      },
    ]);
    expect(await openForRsa(rep, device)).toMatchObject({ contentEncryption: 'aes-256-cbc' });
    expect(await certificatesFor(rep, device)).toEqual([issued.certificate, issuingCa, intermediateCa, rootCa]);
  });

  it('is not opened, but answered with the key that it is for', async () => {
    const openKey = () => Promise.reject(new Error('opened'));
    const envelope = makeEnvelope(Uint8Array.of(1), { to: earlierRa.certificate });
    const { rep } = await answered(poll(envelope), { keys: [ra, { ...earlierRa, openKey }] });
    expect(rep).toMatchObject({ pkiStatus: '0', signerCertificate: earlierRa.certificate });
  });

  it('is answered with the usual algorithms where its content does not show any', async () => {
    const { rep } = await answered(poll(Uint8Array.of(0x30, 0)));
    expect(await openForRsa(rep, device)).toMatchObject({
      contentEncryption: 'aes-128-cbc',
      keyTransport: 'rsa-pkcs1',
    });
  });

  it('of an unknown transaction is badCertId', async () => {
    const { rep } = await answered(poll(), { result: new GatewayError('not-found', 'there is no such request') });
    expect(rep).toMatchObject({ pkiStatus: '2', failInfo: '4', failInfoText: 'there is no such request' });
  });
});

describe('SCEP GetCert and GetCRL (RFC 8894 3.3.4)', () => {
  const { issuer } = decodeCertificate(enrolled.certificate);
  const wanted = sequence(issuer, smallInteger(0x1234));
  const ask = (messageType: string, content = wanted) => pkcsReq({ messageType, signer: enrolled, content });

  it.each([
    ['21', 'GetCert'],
    ['22', 'GetCRL'],
  ])('message type %s is %s, asked with the certificate that signs', async (messageType, operation) => {
    const { gateway, rep } = await answered(ask(messageType));
    expect(gateway.queries).toEqual([
      expect.objectContaining({ protocol: 'scep', label: 'routers', operation, serialNumber: '1234' }),
    ]);
    expect(Buffer.from(gateway.queries[0]?.issuer ?? [])).toEqual(Buffer.from(issuer));
    expect(gateway.queries[0]?.credentials.map(({ kind }) => kind)).toEqual(['certificate']);
    const { content } = await openForRsa(rep, enrolled);
    const { certificates, crls, signers } = decodeSignedData(content);
    expect(signers).toEqual([]);
    expect({ certificates, crls }).toEqual(
      operation === 'GetCert'
        ? { certificates: [issued.certificate, issuingCa, intermediateCa, rootCa], crls: [] }
        : { certificates: [], crls: [crl] },
    );
  });

  it('of an unknown certificate is badCertId', async () => {
    const { rep } = await answered(ask('21'), {
      result: new GatewayError('unknown-certificate', 'no such certificate'),
    });
    expect(rep).toMatchObject({ pkiStatus: '2', failInfo: '4', failInfoText: 'no such certificate' });
  });

  it('with anything else inside asks for a certificate that nobody has: to be refused is all that there is to see', async () => {
    const nameless = sequence(sequence(smallInteger(1)), smallInteger(1));
    for (const content of [csr, Uint8Array.of(1), new Uint8Array(), nameless]) {
      const { gateway } = await answered(ask('22', content));
      expect(gateway.refusals).toEqual([]);
      expect(gateway.queries).toMatchObject([{ operation: 'GetCRL', serialNumber: '00', issuer: sequence() }]);
    }
  });
});

describe('SCEP refusals (RFC 8894 3.3.2.2)', () => {
  const other = makeIdentity({ subject: 'CN=other', key: 'rsa next' });
  const stranger = makeRaKey({ subject: 'CN=stranger', key: 'rsa next' });
  const none: Readonly<Record<string, undefined>> = {};
  const stale = { signingTime: new Date(now.getTime() - 3_601_000) };

  it.each<[string, Uint8Array, string, string, string | RegExp]>([
    ['badMessageCheck', pkcsReq({ signedBy: other.privateKey }), '1', 'invalid-signature', /signature .* not valid/],
    [
      'badMessageCheck for content that was not signed',
      pkcsReq({ attributes: { [attribute.messageDigest]: octetString(new Uint8Array(32)) } }),
      '1',
      'invalid-signature',
      /signature .* not valid/,
    ],
    [
      "badRequest without the signer's certificate",
      pkcsReq({ certificates: [other.certificate] }),
      '2',
      'malformed-request',
      "the signer's certificate is not in the message",
    ],
    [
      'badRequest for a malformed certificate',
      pkcsReq({ certificates: [sequence(smallInteger(1))] }),
      '2',
      'malformed-request',
      /^a certificate of the message is malformed/,
    ],
    ['badAlg for MD5', pkcsReq({ digest: 'md5' }), '0', 'unsupported-algorithm', /^the signature of the message/],
    ['badAlg for SHA-1', pkcsReq({ digest: 'sha1' }), '0', 'unsupported-algorithm', /SHA-1/],
    ['badAlg for DES', pkcsReq({ cipher: 'des-cbc' }), '0', 'unsupported-algorithm', /DES/],
    [
      'badTime',
      pkcsReq(stale),
      '3',
      'stale-message',
      "the message was signed at 2030-01-02T02:04:04Z by the client's clock, too far from 2030-01-02T03:04:05Z by the gateway's",
    ],
    [
      'badTime for the future',
      pkcsReq({ signingTime: new Date(now.getTime() + 3_601_000) }),
      '3',
      'stale-message',
      /^the message was signed at/,
    ],
    [
      'badRequest for a malformed signing time',
      pkcsReq({ attributes: { [attribute.signingTime]: utf8String('noon') } }),
      '2',
      'malformed-request',
      /^the signing time of the message is malformed/,
    ],
    [
      'badRequest for a message to somebody else',
      pkcsReq({ to: stranger.certificate }),
      '2',
      'malformed-request',
      'the message is encrypted to another certificate; get the present ones with GetCACert',
    ],
    [
      'badRequest without content',
      makeMessage({ signer: device, envelope: undefined }),
      '2',
      'malformed-request',
      'the message has no encrypted content',
    ],
    [
      'badRequest for a content that is no envelope',
      makeMessage({ signer: device, envelope: Uint8Array.of(0x30, 0) }),
      '2',
      'malformed-request',
      /^the encrypted content of the message is malformed/,
    ],
    [
      'badRequest for a self-signed certificate of another key',
      pkcsReq({ signer: other }),
      '2',
      'invalid-proof-of-possession',
      'the self-signed certificate that signs the message has another key than the request',
    ],
    [
      'badRequest for an unknown messageType',
      pkcsReq({ messageType: '18' }),
      '2',
      'unsupported-operation',
      /^the messageType must be/,
    ],
    ['badRequest for a CertRep', pkcsReq({ messageType: '3' }), '2', 'unsupported-operation', /^the messageType must/],
    [
      'badRequest without messageType',
      pkcsReq({ attributes: { ...none, [attribute.messageType]: undefined } }),
      '2',
      'unsupported-operation',
      /^the messageType must be/,
    ],
  ])('%s', async (_, body, failInfo, code, text) => {
    const { gateway, reply, rep } = await answered(body);
    expect(rep).toMatchObject({ pkiStatus: '2', failInfo, envelope: new Uint8Array(), recipientNonce: senderNonce });
    expect(rep.failInfoText).toMatch(text instanceof RegExp ? text : new RegExp(`^${text.replaceAll('.', '\\.')}$`));
    expect(rep.transactionId).toEqual(transactionId);
    expect(rep.signerCertificate).toEqual(ra.certificate);
    expect(reply.refusal).toMatchObject({ code });
    expect(gateway.refusals).toMatchObject([{ protocol: 'scep', label: 'routers', code, reason: rep.failInfoText }]);
    expect(gateway.requests).toEqual([]);
  });

  it.each([
    ['none', undefined],
    ['an empty one', octetString()],
    ['65 octets', octetString(new Uint8Array(65))],
    ['text', printableString('1234567890123456')],
  ])('badRequest for a senderNonce that cannot be repeated: %s', async (_, value) => {
    const { gateway, rep } = await answered(pkcsReq({ attributes: { [attribute.senderNonce]: value } }));
    expect(rep).toMatchObject({ failInfo: '2', recipientNonce: undefined });
    expect(gateway.refusals).toMatchObject([{ operation: 'PKCSReq', code: 'malformed-request' }]);
  });

  it.each([
    ['bad-secret', '2'],
    ['untrusted-signer', '1'],
    ['forbidden', '2'],
    ['unsupported-algorithm', '0'],
  ] as const)('of the core are not recorded again: %s', async (code, failInfo) => {
    const { gateway, rep, reply } = await answered(pkcsReq(), { result: new GatewayError(code, 'no') });
    expect(rep).toMatchObject({ pkiStatus: '2', failInfo, failInfoText: 'no' });
    expect(reply.refusal).toMatchObject({ code });
    expect(gateway.refusals).toEqual([]);
  });

  it.each([
    ['rate-limited', 429, { 'Retry-After': '7' }, 'no\n'],
    ['unavailable', 503, { 'Retry-After': '7' }, 'no\n'],
    ['internal', 500, {}, 'the gateway failed; its operator finds the cause under request request-1\n'],
  ] as const)('that are no fault of the request have an HTTP status: %s', async (code, status, headers, body) => {
    const gateway = createFakeGateway({ result: new GatewayError(code, 'no', { retryAfterSeconds: 7 }) });
    expect(await gateway.post(pkcsReq())).toMatchObject({ status, headers, body });
  });

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['text', Buffer.from('hello')],
    ['a certificate', device.certificate],
    ['no transactionID', pkcsReq({ attributes: { [attribute.transactionId]: undefined } })],
    ['an empty transactionID', pkcsReq({ attributes: { [attribute.transactionId]: printableString('') } })],
    [
      'a transactionID of 256 octets',
      pkcsReq({ attributes: { [attribute.transactionId]: printableString('1'.repeat(256)) } }),
    ],
    ['a transactionID that is a number', pkcsReq({ attributes: { [attribute.transactionId]: smallInteger(1) } })],
    ['no signer', pkcsReq({ signers: 0 })],
    ['two signers', pkcsReq({ signers: 2 })],
    ['trailing bytes', Buffer.concat([pkcsReq(), Buffer.of(0)])],
    ['a part of a message', pkcsReq().subarray(0, -1)],
  ])('where there is no transaction to name are 400 with a sentence: %s', async (_, body) => {
    const gateway = createFakeGateway();
    const reply = await gateway.post(body);
    expect(reply).toMatchObject({ status: 400, headers: { 'Content-Type': 'text/plain; charset=utf-8' } });
    expect(reply.body).toMatch(/^the [^\n]+\n$/);
    expect(gateway.refusals).toMatchObject([{ operation: 'PKIOperation', code: 'malformed-request' }]);
  });

  it('are given for every truncated message', async () => {
    const gateway = createFakeGateway();
    const body = pkcsReq();
    for (let length = 0; length < body.length; length += 7) {
      expect((await gateway.post(body.subarray(0, length))).status).toBe(400);
    }
    expect(gateway.requests).toEqual([]);
  });

  it('or the unchanged request are all that a message with a flipped bit can bring', async () => {
    const gateway = createFakeGateway();
    const body = pkcsReq();
    for (let at = 0; at < body.length; at += 5) {
      const flipped = Uint8Array.from(body, (octet, i) => (i === at ? octet ^ (1 << (at % 8)) : octet));
      const reply = await gateway.post(flipped);
      expect([200, 400]).toContain(reply.status);
      if (reply.status === 200) readCertRep(reply.body);
    }
    // The octets of the message that nobody signs, such as those of the self-signed certificate's own signature.
    for (const { certificationRequest } of gateway.requests) {
      expect(Buffer.from(certificationRequest ?? [])).toEqual(Buffer.from(csr));
    }
  });
});

describe('SCEP decryption is no oracle (RFC 3218 2.3)', () => {
  const attacker = makeIdentity({ subject: 'CN=attacker', key: 'rsa next' });
  const captured = makeEnvelope(csr, { to: ra.certificate });

  function changed(at: number, envelope = captured): Uint8Array {
    return Uint8Array.from(envelope, (octet, i) => (i === envelope.length + at ? octet ^ 1 : octet));
  }

  it.each<[string, Uint8Array]>([
    ['a wrong content key', makeEnvelopeWithKeyOf(captured)],
    ['wrong padding', changed(-17)],
    ['padding of another length', changed(-1)],
    ['content that is no DER', makeEnvelope(Buffer.from('hello'), { to: ra.certificate })],
    ['no content', makeEnvelope(new Uint8Array(), { to: ra.certificate })],
    ['trailing bytes', makeEnvelope(Buffer.concat([csr, Buffer.of(0)]), { to: ra.certificate })],
    ['a wrong CSR signature', makeEnvelope(flipLast(csr), { to: ra.certificate })],
    [
      'a CSR with a key that is none',
      makeEnvelope(makeCsr({ subjectPublicKeyInfo: sequence(), key: keyPairOf(device) }), { to: ra.certificate }),
    ],
    ['a CSR whose signature is of an unknown kind', makeEnvelope(withUnknownAlgorithm(csr), { to: ra.certificate })],
  ])('%s is the one refusal', async (_, envelope) => {
    const { gateway, rep, reply } = await answered(makeMessage({ signer: attacker, envelope }));
    expect(rep).toMatchObject({
      pkiStatus: '2',
      failInfo: '2',
      failInfoText: 'what the message has encrypted is no PKCS #10 request with a valid signature',
    });
    expect(reply.refusal).toMatchObject({ code: 'malformed-request' });
    expect(gateway.requests).toEqual([]);
  });

  const unreadable = makeEnvelope(Buffer.from('hello'), { to: ra.certificate });
  const noSuchCertificate = new GatewayError('unknown-certificate', 'there is none');

  it.each<[string, RequestOptions, Uint8Array]>([
    ['PKCSReq that cannot be read', {}, unreadable],
    ['PKCSReq with a wrong CSR signature', {}, makeEnvelope(flipLast(csr), { to: ra.certificate })],
    ['GetCert that cannot be read', { messageType: '21' }, unreadable],
    ['GetCRL that cannot be read', { messageType: '22' }, unreadable],
  ])('a %s is refused no sooner than 20 ms after its decryption began', async (_, options, envelope) => {
    const body = makeMessage({ signer: attacker, ...options, envelope });
    const gateway = createFakeGateway({ result: noSuchCertificate });
    const waits: number[] = [];
    for (let i = 0; i < 3; i++) {
      const from = performance.now();
      expect((await gateway.post(body)).refusal).toBeInstanceOf(GatewayError);
      waits.push(performance.now() - from);
    }
    // A tick of the clock may have begun before the request.
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(19);
  });

  it.each<[string, Uint8Array, (content: Uint8Array) => unknown]>([
    ['what cannot be parsed', Buffer.from('hello'), decodeCertificationRequest],
    [
      'a CSR with a key that is none',
      makeCsr({ subjectPublicKeyInfo: sequence(), key: keyPairOf(device) }),
      (content) => verifyCertificationRequest(decodeCertificationRequest(content)),
    ],
  ])('%s costs a verification too', async (_, content, fail) => {
    const { certificate, privateKey } = attacker;
    const signer = {
      certificate: decodeCertificate(certificate),
      key: createPublicKey(privateKey),
      isSelfIssued: true,
    };
    const refusal = await leastCost(() => readCertificationRequest(content, signer));
    const failure = await leastCost(() => fail(content));
    const verification = await leastCost(() => verifyCertificationRequest(decoyRequest));
    expect(refusal - failure).toBeGreaterThan(verification / 2);
  });

  it('says more only of the unchanged envelope', async () => {
    const { rep } = await answered(makeMessage({ signer: attacker, envelope: captured }));
    expect(rep.failInfoText).toMatch(/another key than the request/);
  });
});

/** Milliseconds of CPU that `work` costs a hundred times, thrown errors included; the least of several rounds. */
async function leastCost(work: () => unknown): Promise<number> {
  const hundred = () => {
    for (let i = 0; i < 100; i++) {
      try {
        work();
      } catch {
        // Failing is its work.
      }
    }
  };
  const rounds: number[] = [];
  for (let i = 0; i < 10; i++) rounds.push(await cpuTimeOf(hundred));
  return Math.min(...rounds);
}

function flipLast(der: Uint8Array): Uint8Array {
  return Uint8Array.from(der, (octet, i) => (i === der.length - 1 ? octet ^ 1 : octet));
}

/** The encrypted key of another envelope for the same recipient has the same length. */
function makeEnvelopeWithKeyOf(envelope: Uint8Array): Uint8Array {
  const donor = makeEnvelope(csr, { to: ra.certificate });
  const at = Buffer.from(donor).indexOf(Buffer.of(0x04, 0x82, 0x01, 0x00)) + 4;
  return Buffer.concat([envelope.subarray(0, at), donor.subarray(at, at + 256), envelope.subarray(at + 256)]);
}

function withUnknownAlgorithm(der: Uint8Array): Uint8Array {
  const at = Buffer.from(der).lastIndexOf(Buffer.from('2a864886f70d01010b', 'hex')) + 8;
  return Uint8Array.from(der, (octet, i) => (i === at ? 0x7f : octet));
}
