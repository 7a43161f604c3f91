import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { idItImplicitConfirm, idPasswordBasedMac } from '../../../../protocols/cmp/asn1/oids.js';
import {
  directoryName,
  encodePkiHeader,
  type PkiHeader,
  readPkiHeader,
} from '../../../../protocols/cmp/asn1/pki-header.js';
import { salvageHeader } from '../../../../protocols/cmp/asn1/salvage-header.js';
import { DerError, DerReader, Tag } from '../../../../src/x509/der.js';
import {
  explicit,
  ia5String,
  implicit,
  nullValue,
  octetString,
  oid,
  sequence,
  smallInteger,
  tlv,
  utf8String,
} from '../../../../src/x509/der-writer.js';
import { encodeName } from '../../../../src/x509/names.js';
import { parseName } from '../../../../src/x509/parse-name.js';
import { bytes, recorded, recordedMessage, recordedNames } from './recorded.js';

const decode = (der: Uint8Array) => DerReader.decode(der, readPkiHeader);
const name = encodeName(parseName('CN=device'));
const sender = explicit(4, name);
const nullDn = explicit(4, sequence());
const octets = (number: number, ...values: number[]) => explicit(number, octetString(Uint8Array.from(values)));
const time = (text: string) => explicit(0, tlv(Tag.generalizedTime, Buffer.from(text)));
const header = (...fields: Uint8Array[]) => sequence(smallInteger(2), sender, nullDn, ...fields);

const full: PkiHeader = {
  pvno: 3,
  sender,
  recipient: nullDn,
  senderDirectoryName: name,
  messageTime: new Date('2026-03-04T05:06:07Z'),
  protectionAlg: sequence(oid(idPasswordBasedMac)),
  senderKid: Uint8Array.of(1),
  recipKid: Uint8Array.of(2),
  transactionId: Uint8Array.of(3),
  senderNonce: Uint8Array.of(4),
  recipNonce: Uint8Array.of(),
  freeText: ['grüß dich'],
  generalInfo: [{ id: idItImplicitConfirm, value: nullValue }, { id: '1.2.3.4' }],
};

describe('PKIHeader (RFC 9810 5.1.1)', () => {
  it.each(recordedNames())('is written back to the byte: %s', (file) => {
    const { header: read, headerDer } = recordedMessage(file);
    expect(encodePkiHeader(read)).toEqual(bytes(headerDer));
  });

  it('has all the fields that openssl writes', () => {
    const { header: read } = recordedMessage('openssl-genm/01-genm');
    expect(read.pvno).toBe(2);
    expect(read.senderDirectoryName).toEqual(directoryName(read.sender));
    expect(read.transactionId).toHaveLength(16);
    expect(read.senderNonce).toHaveLength(16);
    expect(read.senderKid).toHaveLength(20);
    expect(read.recipNonce).toBeUndefined();
    expect(read.messageTime?.getUTCFullYear()).toBeGreaterThan(2024);
    expect(read.generalInfo).toEqual([{ id: '1.2.3.4', value: smallInteger(56789) }]);
  });

  it('is written and read with every field', () => {
    expect(decode(encodePkiHeader(full))).toEqual(full);
  });

  it('is written and read with the mandatory fields alone', () => {
    const read = decode(header());
    expect(read).toEqual({ pvno: 2, sender, recipient: nullDn, senderDirectoryName: name, generalInfo: [] });
    expect(encodePkiHeader(read)).toEqual(header());
  });

  it.each([
    ['1', smallInteger(1), 1],
    ['99', smallInteger(99), 99],
    ['-1', tlv(Tag.integer, Uint8Array.of(0xff)), -1],
    ['-32768', tlv(Tag.integer, Uint8Array.of(0x80, 0)), -32768],
    ['of 20 octets', tlv(Tag.integer, new Uint8Array(20).fill(1)), Number.MAX_SAFE_INTEGER],
    ['of 20 octets below zero', tlv(Tag.integer, new Uint8Array(20).fill(0x81)), Number.MIN_SAFE_INTEGER],
  ])('leaves a pvno %s to the caller', (_, pvno, expected) => {
    expect(decode(sequence(pvno, sender, nullDn)).pvno).toBe(expected);
  });

  it('leaves a sender that is no directoryName to the caller', () => {
    const email = implicit(1, ia5String('ra@example.com'));
    expect(decode(sequence(smallInteger(2), email, nullDn))).toMatchObject({
      sender: email,
      senderDirectoryName: undefined,
    });
  });

  it.each([
    ['20260304050607Z', '2026-03-04T05:06:07.000Z'],
    ['20260304050607.5Z', '2026-03-04T05:06:07.500Z'],
    ['20260304050607.123456Z', '2026-03-04T05:06:07.123Z'],
  ])('reads a messageTime of %s', (text, expected) => {
    expect(decode(header(time(text))).messageTime?.toISOString()).toBe(expected);
  });

  it.each([
    ['a messageTime without Z', header(time('20260304050607'))],
    ['a messageTime with an offset', header(time('20260304050607+0100'))],
    ['a messageTime with a dot alone', header(time('20260304050607.Z'))],
    ['a messageTime on no calendar', header(time('20260230050607.5Z'))],
    ['a messageTime with a fraction without end', header(time(`20260304050607.${'1'.repeat(40)}Z`))],
    ['a messageTime as UTCTime', header(explicit(0, tlv(Tag.utcTime, Buffer.from('260304050607Z'))))],
    ['fields in the wrong order', header(octets(5, 1), octets(4, 1))],
    ['a field twice', header(octets(4, 1), octets(4, 1))],
    ['a field that is unknown', header(explicit(9, nullValue))],
    ['a nonce that is no OCTET STRING', header(explicit(5, nullValue))],
    ['freeText beyond UTF-8', header(explicit(7, sequence(tlv(Tag.utf8String, Uint8Array.of(0xff)))))],
    ['freeText of another string type', header(explicit(7, sequence(ia5String('x'))))],
    ['101 generalInfo', header(explicit(8, sequence(...Array.from({ length: 101 }, () => sequence(oid('1.2.3'))))))],
    ['generalInfo with two values', header(explicit(8, sequence(sequence(oid('1.2.3'), nullValue, nullValue))))],
    ['no recipient', sequence(smallInteger(2), sender)],
    ['a sender that is no GeneralName', sequence(smallInteger(2), utf8String('x'), nullDn)],
    ['a sender of an unknown form', sequence(smallInteger(2), implicit(9, nullValue), nullDn)],
    ['a directoryName that is no Name', sequence(smallInteger(2), explicit(4, nullValue), nullDn)],
    ['no pvno', sequence(sender, nullDn)],
  ])('refuses %s', (_, der) => {
    expect(() => decode(der)).toThrow(DerError);
  });

  it('takes 100 generalInfo and an empty one', () => {
    const infos = Array.from({ length: 100 }, () => sequence(oid('1.2.3')));
    expect(decode(header(explicit(8, sequence(...infos)))).generalInfo).toHaveLength(100);
    expect(decode(header(explicit(8, sequence()))).generalInfo).toEqual([]);
  });
});

describe('what is left of the header of a malformed message', () => {
  const whole = encodePkiHeader(full);
  const other = tlv(0xbb, Uint8Array.of(5, 0));

  it.each([
    ['whole', sequence(whole, explicit(19, nullValue))],
    ['with an unknown body', sequence(whole, other)],
    ['with a truncated body', sequence(whole, explicit(19, nullValue)).subarray(0, -1)],
    ['without body', sequence(whole)],
    ['with trailing bytes', Buffer.concat([sequence(whole, explicit(19, nullValue)), Buffer.of(1, 2, 3)])],
    ['longer than it says', Buffer.concat([Uint8Array.of(0x30, 0x03), whole])],
  ])('is all of it when the message is %s', (_, message) => {
    expect(salvageHeader(message)).toEqual(full);
  });

  it('is what every recorded message has', () => {
    for (const file of recordedNames()) {
      expect(salvageHeader(recorded(file).subarray(0, -1))).toEqual(recordedMessage(file).header);
    }
  });

  it('is the fields beside one that is malformed', () => {
    const broken = header(
      time('yesterday'),
      octets(4, 7),
      explicit(5, nullValue),
      octets(6, 8),
      explicit(8, nullValue),
    );
    expect(salvageHeader(sequence(broken))).toEqual({
      pvno: 2,
      sender,
      recipient: nullDn,
      senderDirectoryName: name,
      transactionId: Uint8Array.of(7),
      recipNonce: Uint8Array.of(8),
      generalInfo: [],
    });
  });

  it('is the rest when a name or the version is malformed', () => {
    const broken = sequence(tlv(Tag.integer), explicit(4, nullValue), sender, octets(4, 7));
    expect(salvageHeader(sequence(broken))).toEqual({
      recipient: sender,
      transactionId: Uint8Array.of(7),
      generalInfo: [],
    });
  });

  it('is the first of a field that is there twice', () => {
    const found = salvageHeader(sequence(header(octets(4, 7), octets(4, 8), octets(2, 9))));
    expect(found).toMatchObject({ transactionId: Uint8Array.of(7) });
    expect(found?.senderKid).toBeUndefined();
  });

  it.each([
    ['nothing', new Uint8Array()],
    ['text', Buffer.from('GET / HTTP/1.1')],
    ['a PKCS #10 request', recordedMessage('openssl-p10cr/01-p10cr').body],
    ['a certificate', recordedMessage('openssl-cr-implicit/01-cr').extraCerts[0] ?? new Uint8Array()],
    ['a header alone', whole],
    ['an indefinite length', Uint8Array.of(0x30, 0x80, ...whole, 0, 0)],
    ['a header that is cut short', sequence(whole).subarray(0, -1)],
    ['lengths without end', Uint8Array.of(0x30, 0xff, 0x30)],
  ])('is nothing for %s', (_, message) => {
    expect(salvageHeader(message)).toBeUndefined();
  });

  it('is found without errors in any bytes', () => {
    const message = recorded('openssl-cr-implicit/01-cr');
    fc.assert(
      fc.property(fc.nat(message.length - 1), fc.nat(255), fc.nat(message.length), (at, octet, end) => {
        const changed = Uint8Array.from(message);
        changed[at] = octet;
        salvageHeader(changed.subarray(0, end));
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (noise) => void salvageHeader(noise)));
  });
});
