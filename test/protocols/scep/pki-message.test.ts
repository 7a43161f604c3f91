import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodePkiMessage } from '../../../protocols/scep/pki-message.js';
import { DerReader, Tag } from '../../../src/x509/der.js';
import { printableString } from '../../../src/x509/der-writer.js';
import { toPem } from '../../../src/x509/pem.js';
import { createOpenSsl, type OpenSsl } from '../../src/cms/openssl.js';
import { makeCsr } from '../../support/make-csr.js';
import { createFakeGateway, ra } from './fake-gateway.js';
import {
  attribute,
  certificatesFor,
  keyPairOf,
  makeEnvelope,
  makeIdentity,
  makeMessage,
  readCertRep,
  senderNonce,
  transactionId,
} from './scep-messages.js';

const device = makeIdentity({ subject: 'CN=device-1', key: 'rsa device' });
const csr = makeCsr({ key: keyPairOf(device), challengePassword: 'sesame' });
let openssl: OpenSsl;

beforeAll(() => {
  openssl = createOpenSsl();
});
afterAll(() => openssl.remove());

/** The outer frames of a message in BER of indefinite length, its content in segments. */
function withIndefiniteLengths(der: Uint8Array): Uint8Array {
  return DerReader.decode(der, (reader) =>
    reader.sequence((info) => {
      const type = info.element();
      const signedData = info.inside(Tag.context(0), (c) =>
        c.sequence((s) => {
          const head = [s.element(), s.element()];
          const content = s.sequence((e) => {
            const contentType = e.element();
            const octets = e.inside(Tag.context(0), (o) => o.octetString());
            const segments = [octets.subarray(0, 100), octets.subarray(100)].map(longSegment);
            return indefinite(0x30, contentType, indefinite(0xa0, indefinite(0x24, ...segments)));
          });
          const rest: Uint8Array[] = [];
          while (s.more) rest.push(s.element());
          return indefinite(0x30, ...head, content, ...rest);
        }),
      );
      return indefinite(0x30, type, indefinite(0xa0, signedData));
    }),
  );
}

function indefinite(tag: number, ...parts: Uint8Array[]): Uint8Array {
  return Buffer.concat([Buffer.of(tag, 0x80), ...parts, Buffer.of(0, 0)]);
}

/** A length in more octets than it needs, which DER forbids. */
function longSegment(octets: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.of(0x04, 0x83, 0, octets.length >> 8, octets.length & 0xff), octets]);
}

describe('pkiMessage (RFC 8894 3.2)', () => {
  it('has transactionID, senderNonce and messageType among its signed attributes', () => {
    const message = decodePkiMessage(makeMessage({ signer: device, envelope: Uint8Array.of(1) }));
    expect(message).toMatchObject({ transactionId: { name: '4A616D657320426F6E64' }, type: 'PKCSReq' });
    expect(Buffer.from(message.transactionId.der)).toEqual(Buffer.from(transactionId));
    expect(Buffer.from(message.senderNonce ?? [])).toEqual(Buffer.from(senderNonce));
  });

  it.each([
    ['17', 'RenewalReq'],
    ['19', 'PKCSReq'],
    ['20', 'CertPoll'],
    ['21', 'GetCert'],
    ['22', 'GetCRL'],
    ['3', undefined],
    ['019', undefined],
  ])('of messageType %s is a %s', (messageType, type) => {
    expect(decodePkiMessage(makeMessage({ signer: device, messageType })).type).toBe(type);
  });

  it('may have a transactionID of 255 characters', () => {
    const value = printableString('1'.repeat(255));
    const body = makeMessage({ signer: device, attributes: { [attribute.transactionId]: value } });
    expect(decodePkiMessage(body).transactionId.name).toBe('1'.repeat(255));
  });

  it('may be BER, as old clients send it', async () => {
    const body = withIndefiniteLengths(
      makeMessage({ signer: device, envelope: makeEnvelope(csr, { to: ra.certificate }) }),
    );
    const gateway = createFakeGateway();
    const rep = readCertRep((await gateway.post(body)).body);
    expect(rep).toMatchObject({ pkiStatus: '0' });
    expect(Buffer.from(gateway.requests[0]?.certificationRequest ?? [])).toEqual(Buffer.from(csr));
  });

  it.each([
    ['AES-256 in BER', ['-aes256', '-stream']],
    ['3DES in BER', ['-des3', '-stream']],
    ['AES-128 with OAEP', ['-aes128', '-keyopt', 'rsa_padding_mode:oaep', '-keyopt', 'rsa_oaep_md:sha256']],
    ['AES-192', ['-aes192']],
  ])('may hold an envelope that openssl has made: %s', async (_, options) => {
    openssl.write('csr', csr);
    openssl.write('ra.pem', Buffer.from(toPem('CERTIFICATE', ra.certificate)));
    openssl.run(
      'cms',
      '-encrypt',
      '-binary',
      '-in',
      'csr',
      '-outform',
      'DER',
      '-out',
      'envelope',
      '-recip',
      'ra.pem',
      ...options,
    );
    const gateway = createFakeGateway();
    const reply = await gateway.post(makeMessage({ signer: device, envelope: openssl.read('envelope') }));
    expect(await certificatesFor(readCertRep(reply.body), device)).toHaveLength(4);
  });
});
