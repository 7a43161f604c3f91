/** The test client against `openssl cmp` as the server, and its primitives against openssl and published vectors. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fromBER } from 'asn1js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import {
  explicit,
  implicit,
  nullValue,
  octetString,
  oid,
  sequence,
  smallInteger,
  utf8String,
} from '../../../src/x509/der-writer.js';
import { toPem } from '../../../src/x509/pem.js';
import { originalOf, partsOf } from '../../support/asn1-values.js';
import {
  certStatus,
  challengeAnswers,
  encodeStatus,
  errorContent,
  pollRequest,
  revDetails,
} from '../../support/cmp/bodies.js';
import { integer, makeCertReqMsg, oldCertId, publicationInfo, textControl } from '../../support/cmp/cert-request.js';
import { keyWish } from '../../support/cmp/cert-template.js';
import { type Check, problemsOf } from '../../support/cmp/check.js';
import type { CmpClient, CmpClientOptions, CmpPeer, EnrollWish } from '../../support/cmp/client.js';
import { certProfile, encodeInfo, generalName, implicitConfirm } from '../../support/cmp/header.js';
import type { BodyType, Digest, FailInfo } from '../../support/cmp/identifiers.js';
import { openKeyPackage } from '../../support/cmp/key-package.js';
import { kmac } from '../../support/cmp/kmac.js';
import { computeMac, type MacWish, macIdentifier } from '../../support/cmp/macs.js';
import { type CmpCredential, type MessageOptions, makeMessage, type SentMessage } from '../../support/cmp/message.js';
import { openEnvelopedData } from '../../support/cmp/open-envelope.js';
import type { CmpOutcome } from '../../support/cmp/outcome.js';
import { createPeerClient } from '../../support/cmp/peer-client.js';
import type { PossessionWish } from '../../support/cmp/possession.js';
import { type CmpMessage, readMessage } from '../../support/cmp/read-message.js';
import { encKeyWithId, encryptedKey, sealEnvelope } from '../../support/cmp/seal-envelope.js';
import { isSignedWith, type SignatureName, signatureIdentifier, signWith } from '../../support/cmp/signatures.js';
import { openShell, type Shell } from '../../support/interop.js';
import { ca, keyUsage, leaf, makeChain, privateKeyOf, subjectKeyId } from '../../support/make-chain.js';
import { type KeyPair, makeCsr, newKey, spkiOf } from '../../support/make-csr.js';
import { freePorts } from '../../support/test-gateway.js';

const hasServer = spawnSync('openssl', ['cmp', '-help']).status === 0;
if (!hasServer) process.stderr.write('skipped: the CMP test client against openssl (it has no cmp command)\n');

const secret = 'a secret of theirs';
const byMac: CmpCredential = { kind: 'mac', reference: 'their-reference', secret };
/** The server of openssl calls itself nothing when it shares a secret. */
const nameless: readonly Check[] = ['sender', 'senderKid'];
const years = { notBefore: '2020-01-01T00:00:00Z', notAfter: '2049-01-01T00:00:00Z' };

const [root, server] = chain(subjectKeyId('0102030405'), 'CN=cmp-server');
const [, device] = chain(subjectKeyId('0607080910'), 'CN=device-1');
const deviceKey: KeyPair = {
  privateKey: privateKeyOf('CN=device-1'),
  publicKey: new X509Certificate(device).publicKey,
};
const byCertificate: CmpCredential = { kind: 'certificate', chain: [device, root], privateKey: deviceKey.privateKey };

(hasServer ? describe : describe.skip)('the CMP test client, with `openssl cmp` as its server', () => {
  const macServer = startServer('-srv_ref', 'their-reference', '-srv_secret', `pass:${secret}`);
  const signingServer = startServer(
    ...['-srv_cert', 'server.pem', '-srv_key', 'server.key', '-srv_trusted', 'root.pem', '-grant_implicitconf'],
  );
  beforeAll(async () => {
    await Promise.all([macServer.ready, signingServer.ready]);
  });
  afterAll(() => {
    macServer.stop();
    signingServer.stop();
  });

  it('enrolls with ir, cr and p10cr under a secret, and confirms', async () => {
    const client = macServer.client({ credential: byMac, unchecked: nameless });
    const requests = [
      ['ip', () => client.ir({ key: deviceKey })],
      ['cp', () => client.cr({ key: deviceKey })],
      ['cp', () => client.p10cr(makeCsr({ key: deviceKey }))],
    ] as const;
    for (const [body, request] of requests) {
      const outcome = await request();
      expect(outcome).toMatchObject({ status: 200, pkiStatus: 'accepted', failInfo: [], body: { type: body } });
      expect(outcome.certificate?.raw).toEqual(Buffer.from(device));
      expect((await client.confirm(outcome)).body).toEqual({ type: 'pkiconf' });
    }
    client.close();
  });

  it('takes implicit confirmation where it is granted, and enrolls with its certificate', async () => {
    const client = signingServer.client({ credential: byCertificate });
    const ir = await client.ir({ key: deviceKey, implicitConfirm: true });
    expect(ir).toMatchObject({ pkiStatus: 'accepted', isImplicitlyConfirmed: true });
    const certificate = await client.issue('kur', { key: deviceKey });
    expect(certificate.raw).toEqual(Buffer.from(device));
    client.close();
  });

  it('revokes, asks in general messages, and reads what error messages say', async () => {
    const client = signingServer.client({ credential: byCertificate });
    const rp = await client.revoke({ certificate: device, reason: 1 });
    expect(rp).toMatchObject({ pkiStatus: 'accepted', body: { type: 'rp' } });
    const genp = await client.genm('signKeyPairTypes');
    expect(genp.body).toMatchObject({ type: 'genp', infos: [{ type: '1.3.6.1.5.5.7.4.2' }] });
    const error = await client.exchange('pollReq', sequence(), { unchecked: allChecks });
    expect(error).toMatchObject({ pkiStatus: 'rejection', body: { type: 'error' } });
    client.close();
  });

  it.each<[string, FailInfo, EnrollWish]>([
    ['a damaged signature', 'badRequest', { isDamaged: true }],
    ['no protection', 'badRequest', { omit: ['protection'] }],
    ['a header changed afterwards', 'badRequest', { afterwards: { header: { freeText: ['other'] } } }],
    ['a proof of possession that does not hold', 'badPOP', { possession: { kind: 'signature', isDamaged: true } }],
    ['a proof by another key', 'badPOP', { possession: { kind: 'signature', signedBy: newKey() } }],
  ])('is refused with %s', async (_what, failInfo, wish) => {
    const client = signingServer.client({ credential: byCertificate });
    const outcome = await client.ir({ key: deviceKey, ...wish, unchecked: allChecks });
    expect(outcome.certificate).toBeUndefined();
    expect(outcome).toMatchObject({ pkiStatus: 'rejection', failInfo: [failInfo] });
    client.close();
  });

  it('finds fault with an answer that another secret protects', async () => {
    const credential = { ...byMac, secret: 'another' };
    const client = macServer.client({ credential, unchecked: nameless });
    await expect(client.ir({ key: deviceKey })).rejects.toThrow('an answer that no client should take');
    client.close();
  });

  it('polls', async () => {
    const pending = ['-poll_count', '2', '-check_after', '1'];
    const polled = startServer('-srv_ref', 'x', '-srv_secret', `pass:${secret}`, ...pending);
    await polled.ready;
    const client = polled.client({ credential: byMac, unchecked: nameless });
    try {
      const waiting = await client.ir({ key: deviceKey });
      expect(waiting.pkiStatus).toBe('waiting');
      const again = await client.poll(waiting);
      expect(again.body).toMatchObject({ type: 'pollRep', polls: [{ certReqId: 0, checkAfter: 1 }] });
      expect((await client.poll(again)).pkiStatus).toBe('accepted');
    } finally {
      client.close();
      polled.stop();
    }
  });

  it('checks everything of an answer that a client must', async () => {
    const client = signingServer.client({ credential: byCertificate });
    const outcome = await client.ir({ key: deviceKey, implicitConfirm: true });
    const other = await client.ir({ key: deviceKey, implicitConfirm: true });
    const bare = (sent: CmpOutcome['sent'], more: Partial<Parameters<typeof problemsOf>[1]> = {}) => {
      const trustAnchors = [new X509Certificate(root)];
      const usual = { trustAnchors, now: new Date(), seenNonces: new Set<string>(), unchecked: [] };
      if (outcome.message === undefined) throw new Error('no message');
      return problemsOf(outcome.message, { ...usual, sent, ...more }).map((problem) => problem.split(':')[0]);
    };
    const nonce = outcome.message?.header.senderNonce?.toString('hex') ?? '';
    expect(bare(outcome.sent)).toEqual([]);
    expect(bare(other.sent)).toEqual(['transactionId', 'recipNonce']);
    expect(bare(outcome.sent, { seenNonces: new Set([nonce]) })).toEqual(['senderNonce']);
    expect(bare(outcome.sent, { now: new Date(Date.now() + 120_000) })).toEqual(['messageTime']);
    expect(bare(outcome.sent, { trustAnchors: [new X509Certificate(device)] })).toEqual(['chain']);
    expect(bare({ ...outcome.sent, pvno: 3, sender: nullValue })).toEqual(['pvno', 'recipient']);
    expect(bare({ ...outcome.sent, credential: byMac })).toEqual(['protectionKind']);
    client.close();
  });

  it('computes the MAC that `openssl cmp` does', async () => {
    const client = `openssl cmp -cmd ir -server ${macServer.origin} -ref r -secret 'pass:${secret}' -subject /CN=device-1`;
    await macServer.shell.succeed(
      `${client} -newkey device.key -certout new.pem -recipient /CN=ca -implicit_confirm -reqout ir.der || true`,
    );
    const { header, protectedPart, protection } = readMessage(macServer.shell.read('ir.der'));
    const mac = computeMac(header.protectionAlg ?? nullValue, Buffer.from(secret), protectedPart);
    expect(protection).toEqual(mac);
  });
});

describe("the CMP test client's primitives", () => {
  const shell = openShell();
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const data = Buffer.from('data to protect');
  beforeAll(() => {
    shell.write('data', data);
    shell.write('kga.key', pemOf(newKey().privateKey));
  });
  afterAll(() => shell.remove());

  // The samples of NIST SP 800-185.
  const kmacKey = Buffer.from(Array.from({ length: 32 }, (_, i) => 0x40 + i));
  it.each([
    [128, '', 'e5780b0d3ea6f7d3a429c5706aa43a00fadbd7d49628839e3187243f456ee14e'],
    [128, 'My Tagged Application', '3b1fba963cd8b0b59e8c1a6d71888b7143651af8ba0a7070c0979e2811324aa5'],
    [
      256,
      'My Tagged Application',
      '20c570c31346f703c9ac36c61c03cb64c3970d0cfc787e9b79599d273a68d2f7f69d4cc3de9d104a351689f27cf6f5951f0103f33f4f24871024d9c27773a8dd',
    ],
  ] as const)('has KMAC%i of the published samples (%s)', (strength, custom, mac) => {
    expect(kmac(strength, kmacKey, Buffer.of(0, 1, 2, 3), mac.length / 2, custom).toString('hex')).toBe(mac);
  });

  it.each<[string, MacWish, string]>([
    ['KMAC256', { type: 'kmac', strength: 256 }, '-macopt hexkey:KEY -macopt size:64 KMAC256'],
    [
      'GMAC',
      { type: 'gmac', keyBits: 256, nonce: Buffer.alloc(12, 7), length: 16 },
      `-cipher AES-256-GCM -macopt hexkey:KEY -macopt hexiv:${'07'.repeat(12)} GMAC`,
    ],
    ['HMAC', { type: 'hmac', digest: 'sha384' }, '-digest SHA384 -macopt hexkey:KEY HMAC'],
    ['HMAC with SHA-3', { type: 'hmac', digest: 'sha3-256' }, '-digest SHA3-256 -macopt hexkey:KEY HMAC'],
  ])('computes %s as openssl does', async (_name, wish, options) => {
    const key = Buffer.alloc(32, 5);
    const identifier = macIdentifier(wish);
    const said = await shell.succeed(`openssl mac -in data ${options.replace('KEY', key.toString('hex'))}`);
    expect(computeMac(identifier, key, data).toString('hex')).toBe(said.trim().toLowerCase());
  });

  it('computes PBMAC1 as openssl does from the derived key', async () => {
    const identifier = macIdentifier({ type: 'pbmac1', salt: Buffer.alloc(8, 1), iterations: 2000, mac: 'sha512' });
    const derived = await shell.succeed(
      'openssl kdf -keylen 32 -binary -kdfopt digest:SHA256 -kdfopt pass:secret -kdfopt iter:2000 ' +
        '-kdfopt hexsalt:0101010101010101 PBKDF2 | od -An -v -tx1 | tr -d " \\n"',
    );
    const said = await shell.succeed(`openssl mac -digest SHA512 -in data -macopt hexkey:${derived} HMAC`);
    expect(computeMac(identifier, Buffer.from('secret'), data).toString('hex')).toBe(said.trim().toLowerCase());
  });

  const digests: readonly Digest[] = ['sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'sha3-224', 'sha3-512'];
  const names: readonly SignatureName[] = [
    ...digests.flatMap((digest) => [`rsa-${digest}` as const, `ecdsa-${digest}` as const]),
    ...(['rsa-pss-sha256', 'rsa-pss-sha512', 'rsa-pss-shake128', 'rsa-pss-shake256'] as const),
    ...(['ecdsa-shake128', 'ecdsa-shake256', 'ed25519', 'ed448'] as const),
  ];
  it.each(names)('signs and verifies with %s', (name) => {
    const key = edwards.get(name) ?? (name.startsWith('rsa') ? rsa : newKey());
    const identifier = signatureIdentifier(name);
    const signature = signWith(identifier, key.privateKey, data);
    expect(isSignedWith(identifier, key.publicKey, data, signature)).toBe(true);
    expect(isSignedWith(identifier, key.publicKey, Buffer.from('other'), signature)).toBe(false);
  });

  it.each(['P-256', 'P-384', 'P-521'])('signs with SHAKE on %s what openssl verifies', async (namedCurve) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
    const digest = createHash('shake256', { outputLength: 64 }).update(data).digest();
    const identifier = signatureIdentifier('ecdsa-shake256');
    const signature = signWith(identifier, privateKey, data);
    shell.write('digest', digest);
    shell.write('signature', signature);
    shell.write('ec.key', pemOf(privateKey));
    await shell.succeed('openssl pkeyutl -verify -inkey ec.key -in digest -sigfile signature');
    await shell.succeed('openssl pkeyutl -sign -inkey ec.key -in digest -out theirs');
    expect(isSignedWith(identifier, publicKey, data, shell.read('theirs'))).toBe(true);
  });

  it.each([
    ['key transport', rsa, ''],
    ['key agreement', newKey(), '-keyopt ecdh_kdf_md:sha256'],
  ])('seals by %s what openssl opens, and opens what openssl seals', async (_kind, key, options) => {
    shell.write('recipient.key', pemOf(key.privateKey));
    await shell.succeed(
      'openssl req -x509 -key recipient.key -subj /CN=r -outform DER -out r.der',
      'openssl x509 -inform DER -in r.der -out r.pem',
    );
    const certificate = shell.read('r.der');
    const sealed = sealEnvelope({ content: data, recipient: { kind: 'certificate', certificate } });
    shell.write('sealed', sequence(oid('1.2.840.113549.1.7.3'), explicit(0, sealed)));
    await shell.succeed('openssl cms -decrypt -inform DER -in sealed -recip r.pem -inkey recipient.key -out opened');
    expect(shell.read('opened')).toEqual(data);
    await shell.succeed(
      `openssl cms -encrypt -binary -in data -aes256 -keyid -outform DER -out theirs -recip r.pem ${options}`,
    );
    const { content } = openEnvelopedData(insideOfContentInfo(shell.read('theirs')), { privateKey: key.privateKey });
    expect(content).toEqual(data);
  });

  it.each(['x25519', 'x448'] as const)('opens what it seals for a key of %s', (type) => {
    const key = type === 'x25519' ? generateKeyPairSync('x25519') : generateKeyPairSync('x448');
    const certificate = certificateFor(key.publicKey);
    const sealed = sealEnvelope({ content: data, recipient: { kind: 'certificate', certificate } });
    const opened = openEnvelopedData(sealed, { privateKey: key.privateKey });
    expect(opened).toMatchObject({ recipient: 'kari', originator: 'ephemeral', content: data });
  });

  it('opens what it seals for a password, and for nobody else', () => {
    const sealed = sealEnvelope({ content: data, recipient: { kind: 'password', password: 'right' } });
    expect(openEnvelopedData(sealed, { secret: 'right' })).toMatchObject({ recipient: 'pwri', content: data });
    expect(() => openEnvelopedData(sealed, { secret: 'wrong' })).toThrow();
  });

  it('takes a key out of a package that openssl has signed, with cmKGA alone', async () => {
    const key = newKey();
    const [, algorithm, octets] = partsOf(fromBER(key.privateKey.export({ type: 'pkcs8', format: 'der' })).result);
    const [, bits] = partsOf(fromBER(spkiOf(key)).result);
    if (algorithm === undefined || octets === undefined || bits === undefined) throw new Error('no key');
    const one = sequence(smallInteger(1), originalOf(algorithm), originalOf(octets), implicit(1, originalOf(bits)));
    shell.write('package', sequence(one));
    const sign = async (usage: string) => {
      await shell.succeed(
        `openssl req -x509 -key kga.key -subj /CN=kga -addext extendedKeyUsage=${usage} -out kga.pem`,
        'openssl cms -sign -binary -nodetach -keyid -nosmimecap -econtent_type 2.16.840.1.101.2.1.2.78.5 ' +
          '-in package -signer kga.pem -inkey kga.key -outform DER -out signed',
      );
      return insideOfContentInfo(shell.read('signed'));
    };
    const { privateKey } = openKeyPackage(await sign('1.3.6.1.5.5.7.3.32'));
    expect(privateKey.equals(key.privateKey)).toBe(true);
    const other = await sign('clientAuth');
    expect(() => openKeyPackage(other)).toThrow('cmKGA');
  });
});

describe("the CMP test client's messages", () => {
  const now = new Date();
  const make = (type: BodyType, content: Uint8Array, wish: Partial<MessageOptions> = {}) =>
    makeMessage({ credential: byMac, now, ...wish, bodyType: type, content });

  it('have every field that is wished, and none that is left out', () => {
    const octets = Buffer.alloc(16, 9);
    const header = {
      ...{ pvno: 3, sender: 'CN=s', recipient: 'CN=r', recipKid: octets, transactionId: octets, senderNonce: octets },
      ...{ recipNonce: octets, freeText: ['text'], generalInfo: [implicitConfirm, certProfile('p')] },
    };
    const read = readMessage(make('genm', sequence(), { header }).der).header;
    expect(read).toMatchObject({ pvno: 3, recipKid: octets, transactionId: octets, recipNonce: octets });
    expect(read).toMatchObject({ freeText: ['text'], messageTime: new Date(Math.floor(now.getTime() / 1000) * 1000) });
    expect(read.generalInfo.map(({ type }) => type)).toEqual(['1.3.6.1.5.5.7.4.13', '1.3.6.1.5.5.7.4.21']);
    const fields = ['messageTime', 'protectionAlg', 'senderKid', 'transactionId', 'senderNonce', 'recipNonce'] as const;
    for (const field of fields) {
      const without = make('genm', sequence(), { header, omit: [field] });
      expect(readMessage(without.der).header[field]).toBeUndefined();
    }
    const raw = make('genm', sequence(), { rawHeader: { senderNonce: octetString(Buffer.of(1)) } });
    expect(readMessage(raw.der).header.senderNonce).toEqual(Buffer.of(1));
  });

  it('are DER that openssl parses, in every kind of body and proof of possession', () => {
    const certificate = { kind: 'certificate', certificate: device } as const;
    const envelope = sealEnvelope({ content: encKeyWithId(deviceKey.privateKey), recipient: certificate });
    const proofs: readonly PossessionWish[] = [
      { kind: 'none' },
      { kind: 'raVerified' },
      { kind: 'signature', input: { sender: 'CN=device-1' } },
      { kind: 'signature', input: { publicKeyMac: { secret } } },
      { kind: 'subsequent', use: 'keyEncipherment', message: 'encrCert' },
      { kind: 'subsequent', use: 'keyAgreement', message: 'challengeResp' },
      { kind: 'agreeMac', caKey: newKey().publicKey },
      { kind: 'encryptedKey', use: 'keyAgreement', envelope },
    ];
    const template = { version: 2, serialNumber: '0a', issuer: 'CN=ca', notBefore: now, notAfter: now };
    const controls = [oldCertId(device), textControl('regToken', 'token'), publicationInfo(1, 0)];
    const regInfo = [{ type: 'utf8Pairs', value: utf8String('version?1%') }];
    const requests = proofs.map((possession) => ({ key: deviceKey, template, controls, regInfo, possession }));
    const central = makeCertReqMsg({ template: { publicKey: keyWish(deviceKey.publicKey) } });
    const inner = [make('pollReq', pollRequest(0, -1)), make('certConf', sequence(certStatus(device)))];
    const messages = [
      ...requests.map((request) => make('ir', sequence(makeCertReqMsg(request)))),
      make('kur', sequence(central)),
      make('rr', sequence(revDetails({ certificate: device, reason: null, omitFromTemplate: ['issuer'] }))),
      make('certConf', sequence(certStatus(device, { hashAlg: 'sha512', status: { status: 'rejection' } }))),
      make('popdecr', challengeAnswers(Buffer.of(0, 200))),
      make('error', errorContent({ status: 'rejection', failInfo: ['badPOP'], text: 'no' }, 5, 'detail')),
      make('genm', sequence(encodeInfo({ type: 'revPassphrase', value: encryptedKey(envelope) }))),
      make('nested', sequence(...inner.map(({ der }) => der)), { credential: byCertificate }),
    ];
    for (const { der, bodyType } of messages) {
      const parsed = spawnSync('openssl', ['asn1parse', '-inform', 'DER'], { input: der });
      expect([bodyType, parsed.status]).toEqual([bodyType, 0]);
      expect(readMessage(der)).toMatchObject({ body: { type: bodyType } });
    }
    expect(readMessage(messages.at(-1)?.der ?? nullValue).body).toMatchObject({
      messages: [{ body: { type: 'pollReq' } }, { body: { type: 'certConf' } }],
    });
  });
});

describe('the CMP test client, with a server that answers what it is told', () => {
  const now = new Date();
  const answers: ((request: CmpMessage) => SentMessage)[] = [];
  const http = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const answer = answers.shift()?.(readMessage(Buffer.concat(chunks)));
      response.setHeader('content-type', 'application/pkixcmp').end(answer?.der);
    });
  });
  let client: CmpClient;
  beforeAll(async () => {
    const [port = 0] = await freePorts(1);
    await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
    const peer = { origin: `http://127.0.0.1:${port}`, path: '/', trustAnchors: [], now: () => now };
    client = createPeerClient(peer, { credential: byMac });
  });
  afterAll(() => void http.close());

  const reply = (type: BodyType, content: Uint8Array, { header }: CmpMessage): SentMessage => {
    const { transactionId = Buffer.alloc(0), senderNonce: recipNonce = Buffer.alloc(0), pvno } = header;
    const fields = { pvno, recipient: header.sender, transactionId, recipNonce };
    return makeMessage({ credential: byMac, now, bodyType: type, content, header: fields });
  };
  const refusal = (certReqId: number) =>
    sequence(sequence(sequence(integer(certReqId), encodeStatus({ status: 'rejection', failInfo: ['badPOP'] }))));
  const ir = () => client.makeRequest('ir', { key: deviceKey });

  it('takes the answer to the message that it added protection to', async () => {
    const request = ir();
    answers.push((outer) => {
      if (outer.body.type !== 'nested' || outer.body.messages[0] === undefined) throw new Error('no nested message');
      expect(outer.header.transactionId).toEqual(outer.body.messages[0].header.transactionId);
      return reply('ip', refusal(0), outer.body.messages[0]);
    });
    const outcome = await client.nested([request]);
    expect(outcome).toMatchObject({ body: { type: 'ip' }, failInfo: ['badPOP'] });
  });

  it('finds the answer to each message of a batch, whatever their order', async () => {
    answers.push((outer) => {
      if (outer.body.type !== 'nested') throw new Error('no nested message');
      const [first, second] = outer.body.messages.map((one, i) => reply('ip', refusal(i), one).der);
      return reply('nested', sequence(second, first), outer);
    });
    const { inner } = await client.nested([ir(), ir()]);
    expect(inner.map(({ response }) => response?.certReqId)).toEqual([0, 1]);
  });

  it('answers challenges, and opens a certificate that is encrypted to its key', async () => {
    const key = newKey();
    const recipient = { kind: 'certificate', certificate: certificateFor(key.publicKey) } as const;
    const number = smallInteger(123_456_789);
    answers.push((request) => {
      const envelope = sealEnvelope({ content: sequence(number, generalName('CN=x')), recipient });
      const owf = sequence(oid('2.16.840.1.101.3.4.2.1'));
      const witness = octetString(createHash('sha256').update(number).digest());
      return reply('popdecc', sequence(sequence(owf, witness, octetString(), explicit(0, envelope))), request);
    });
    answers.push((request) => {
      expect(request.body).toEqual({ type: 'popdecr', content: Buffer.from(sequence(number)) });
      const envelope = sealEnvelope({ content: device, recipient });
      const pair = sequence(explicit(1, encryptedKey(envelope)));
      const response = sequence(smallInteger(0), encodeStatus({ status: 'accepted' }), pair);
      return reply('ip', sequence(sequence(response)), request);
    });
    const possession = { kind: 'subsequent', use: 'keyAgreement', message: 'challengeResp' } as const;
    const challenged = await client.ir({ key, possession, header: { pvno: 3 } });
    const outcome = await client.answerChallenges(challenged, key.privateKey);
    expect(outcome.certificate).toBeUndefined();
    expect(client.openCertificate(outcome, { privateKey: key.privateKey }).raw).toEqual(Buffer.from(device));
  });
});

const edwards: ReadonlyMap<string, KeyPair> = new Map([
  ['ed25519', generateKeyPairSync('ed25519')],
  ['ed448', generateKeyPairSync('ed448')],
]);

/** A certificate (DER) of the device for another key, which nobody signed. */
function certificateFor(publicKey: KeyObject): Uint8Array {
  const [tbs, ...signature] = partsOf(fromBER(device).result).map(originalOf);
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const old = decodeCertificate(device).subjectPublicKeyInfo;
  const parts = partsOf(fromBER(tbs ?? nullValue).result).map(originalOf);
  return sequence(sequence(...parts.map((part) => (part.equals(old) ? spki : part))), ...signature);
}

function insideOfContentInfo(der: Uint8Array): Uint8Array {
  const [inside] = partsOf(partsOf(fromBER(der).result)[1]);
  if (inside === undefined) throw new Error('no ContentInfo');
  return originalOf(inside);
}

const allChecks: readonly Check[] = [
  ...(['http', 'pvno', 'messageTime', 'transactionId', 'recipNonce', 'senderNonce', 'recipient'] as const),
  ...(['sender', 'senderKid', 'protectionKind', 'protection', 'chain'] as const),
];

function chain(keyId: ReturnType<typeof subjectKeyId>, subject: string): [Uint8Array, Uint8Array] {
  const usage = keyUsage('digitalSignature');
  const [first, last] = makeChain([
    { ...ca('CN=ca'), ...years },
    { ...leaf(subject, usage, keyId), ...years },
  ]);
  if (first === undefined || last === undefined) throw new Error('no chain');
  return [first, last];
}

/** A server of openssl's in a folder with the certificates and keys, which answers everything with the device's. */
function startServer(...options: readonly string[]) {
  let origin = '';
  let process: ReturnType<typeof spawn> | undefined;
  const shell = openShell();
  const files: readonly [string, string][] = [
    ['root.pem', toPem('CERTIFICATE', root)],
    ['server.pem', toPem('CERTIFICATE', server)],
    ['device.pem', toPem('CERTIFICATE', device)],
    ['server.key', pemOf(privateKeyOf('CN=cmp-server'))],
    ['device.key', pemOf(deviceKey.privateKey)],
  ];
  return {
    shell,
    get origin() {
      return origin;
    },
    ready: start(shell, files, options).then((started) => {
      ({ origin, process } = started);
    }),
    client(more: CmpClientOptions) {
      const peer: CmpPeer = {
        origin: `http://${origin}`,
        path: '/',
        trustAnchors: [new X509Certificate(root)],
        now: () => new Date(),
      };
      return createPeerClient(peer, more);
    },
    stop() {
      process?.kill();
      shell.remove();
    },
  };
}

async function start(shell: Shell, files: readonly [string, string][], options: readonly string[]) {
  for (const [name, content] of files) shell.write(name, content);
  const [port = 0] = await freePorts(1);
  const always = ['-rsp_cert', 'device.pem', '-rsp_extracerts', 'root.pem'];
  const process = spawn('openssl', ['cmp', '-port', String(port), ...always, ...options], { cwd: shell.directory });
  await new Promise<void>((resolve, reject) => {
    let said = '';
    const hear = (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('ACCEPT')) resolve();
    };
    process.stdout.on('data', hear);
    process.stderr.on('data', hear);
    process.on('exit', () => reject(new Error(`no server: ${said}`)));
  });
  return { origin: `127.0.0.1:${port}`, process };
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
