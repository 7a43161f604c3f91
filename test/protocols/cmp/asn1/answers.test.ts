import { describe, expect, it } from '@jest/globals';
import { encodeCertRepMessage } from '../../../../protocols/cmp/asn1/cert-response.js';
import { decodeChallengeResponses, encodeChallenges, encodeRand } from '../../../../protocols/cmp/asn1/challenge.js';
import { encodeEncryptedValue } from '../../../../protocols/cmp/asn1/encrypted-value.js';
import {
  decodeErrorMessage,
  encodeErrorMessage,
  encodePkiStatusInfo,
  type FailInfo,
  failInfos,
  pkiStatuses,
  readPkiStatusInfo,
} from '../../../../protocols/cmp/asn1/pki-status.js';
import { decodePollReqContent, encodePollRepContent } from '../../../../protocols/cmp/asn1/poll.js';
import { encodeRevRepContent } from '../../../../protocols/cmp/asn1/revocation.js';
import { decodeCertificate } from '../../../../src/x509/certificate.js';
import { DerError, DerReader, Tag } from '../../../../src/x509/der.js';
import {
  explicit,
  implicit,
  namedBits,
  nullValue,
  octetString,
  oid,
  sequence,
  smallInteger,
  tlv,
  utf8String,
} from '../../../../src/x509/der-writer.js';
import { damaged } from '../../../src/x509/fixture.js';
import { bytes, present, recordedMessage } from './recorded.js';

const body = (name: string) => bytes(recordedMessage(name).body);
/** DER, from the answer of openssl. */
const ca = bytes(recordedMessage('openssl-ir-mac/02-ip').extraCerts.at(-1));
const enveloped = sequence(smallInteger(0), octetString(Uint8Array.of(1)));
const readStatus = (der: Uint8Array) => DerReader.decode(der, readPkiStatusInfo);

/** The certificate in a CertRepMessage with caPubs and one response. */
function issuedCertificate(name: string): Uint8Array {
  return DerReader.decode(body(name), (r) =>
    r.sequence((message) => {
      message.element(Tag.context(1));
      return message.sequence((responses) =>
        responses.sequence((response) => {
          response.smallInteger();
          response.element(Tag.sequence);
          return response.sequence((pair) => pair.inside(Tag.context(0), (c) => c.element()));
        }),
      );
    }),
  );
}

describe('PKIStatusInfo (RFC 9810 5.2.3)', () => {
  it('has seven statuses and 27 reasons, each at its number (appendix F)', () => {
    expect(pkiStatuses).toHaveLength(7);
    expect(failInfos).toHaveLength(27);
    const bits: [FailInfo, number][] = [
      ['badAlg', 0],
      ['badMessageCheck', 1],
      ['badRequest', 2],
      ['badTime', 3],
      ['badCertId', 4],
      ['badDataFormat', 5],
      ['wrongAuthority', 6],
      ['badPOP', 9],
      ['certRevoked', 10],
      ['certConfirmed', 11],
      ['wrongIntegrity', 12],
      ['badRecipientNonce', 13],
      ['addInfoNotAvailable', 17],
      ['badSenderNonce', 18],
      ['badCertTemplate', 19],
      ['signerNotTrusted', 20],
      ['transactionIdInUse', 21],
      ['unsupportedVersion', 22],
      ['notAuthorized', 23],
      ['systemUnavail', 24],
      ['systemFailure', 25],
      ['duplicateCertReq', 26],
    ];
    for (const [name, bit] of bits) {
      const der = sequence(smallInteger(2), namedBits([bit]));
      expect(encodePkiStatusInfo({ status: 'rejection', failInfo: [name] })).toEqual(der);
      expect(readStatus(der)).toEqual({ status: 'rejection', failInfo: [name] });
    }
  });

  it('leaves out what is empty', () => {
    expect(encodePkiStatusInfo({ status: 'accepted', statusString: [], failInfo: [] })).toEqual(
      sequence(smallInteger(0)),
    );
    expect(readStatus(sequence(smallInteger(3)))).toEqual({ status: 'waiting' });
  });

  it('passes over bits without a name', () => {
    expect(readStatus(sequence(smallInteger(2), namedBits([9, 31])))).toEqual({
      status: 'rejection',
      failInfo: ['badPOP'],
    });
  });

  it.each([
    ['an unknown status', sequence(smallInteger(7))],
    ['a status below zero', sequence(tlv(Tag.integer, Uint8Array.of(0xff)))],
    ['no status', sequence()],
    ['text that is not in a list', sequence(smallInteger(2), utf8String('no'))],
    ['fields in the wrong order', sequence(smallInteger(2), namedBits([1]), sequence(utf8String('no')))],
    ['malformed bits', sequence(smallInteger(2), tlv(Tag.bitString, Uint8Array.of(9, 1)))],
  ])('is refused with %s', (_, der) => {
    expect(() => readStatus(der)).toThrow(DerError);
  });
});

describe('CertRepMessage (RFC 9810 5.3.4)', () => {
  it('is written to the byte as openssl does: certificate and caPubs', () => {
    const certificate = issuedCertificate('openssl-ir-mac/02-ip');
    const written = encodeCertRepMessage({
      caPubs: [ca],
      responses: [{ certReqId: 0, status: { status: 'accepted' }, certificate }],
    });
    expect(written).toEqual(body('openssl-ir-mac/02-ip'));
  });

  it('is written to the byte as openssl does: rejection', () => {
    const failInfo: FailInfo[] = ['badAlg', 'badMessageCheck', 'badRequest', 'duplicateCertReq'];
    const status = { status: 'rejection', statusString: ['no, thank you'], failInfo } as const;
    expect(encodeCertRepMessage({ responses: [{ certReqId: 0, status }] })).toEqual(body('openssl-rejection/02-ip'));
  });

  it('is written to the byte as openssl does: waiting', () => {
    const status = { status: 'waiting' } as const;
    expect(encodeCertRepMessage({ responses: [{ certReqId: 0, status }] })).toEqual(body('openssl-cr-poll/02-cp'));
  });

  it('answers a p10cr with certReqId -1', () => {
    const written = encodeCertRepMessage({ responses: [{ certReqId: -1, status: { status: 'waiting' } }] });
    const expected = sequence(sequence(sequence(tlv(Tag.integer, Uint8Array.of(0xff)), sequence(smallInteger(3)))));
    expect(written).toEqual(expected);
  });

  it('carries EnvelopedData as EncryptedKey: an IMPLICIT tag of CRMF in an EXPLICIT one of CMP', () => {
    const status = { status: 'accepted' } as const;
    const response = (...pair: Uint8Array[]) =>
      sequence(sequence(sequence(smallInteger(0), sequence(smallInteger(0)), sequence(...pair))));
    const wrapped = implicit(0, enveloped);
    const encryptedCert = { type: 'envelopedData', envelopedData: enveloped } as const;
    expect(encodeCertRepMessage({ responses: [{ certReqId: 0, status, encryptedCert }] })).toEqual(
      response(explicit(1, wrapped)),
    );
    expect(
      encodeCertRepMessage({ responses: [{ certReqId: 0, status, certificate: ca, privateKey: enveloped }] }),
    ).toEqual(response(explicit(0, ca), explicit(0, wrapped)));
  });

  it('carries EncryptedValue without a tag of its own, as version 2 has it', () => {
    const [symmAlg, keyAlg] = [sequence(oid('1.2.3')), sequence(oid('1.2.4'), nullValue)];
    const [encSymmKey, encValue] = [Uint8Array.of(1, 2), Uint8Array.of(3, 4, 5)];
    const encryptedValue = encodeEncryptedValue({ symmAlg, encSymmKey, keyAlg, encValue });
    const symmAlgDer = [0xa1, 0x04, 0x06, 0x02, 0x2a, 0x03];
    const keyAlgDer = [0xa3, 0x06, 0x06, 0x02, 0x2a, 0x04, 0x05, 0x00];
    const keyDer = [0x82, 0x03, 0x00, 0x01, 0x02];
    const valueDer = [0x03, 0x04, 0x00, 0x03, 0x04, 0x05];
    expect(encryptedValue).toEqual(Uint8Array.of(0x30, 25, ...symmAlgDer, ...keyDer, ...keyAlgDer, ...valueDer));
    const encryptedCert = { type: 'encryptedValue', encryptedValue } as const;
    const status = { status: 'accepted' } as const;
    expect(encodeCertRepMessage({ responses: [{ certReqId: 0, status, encryptedCert }] })).toEqual(
      sequence(sequence(sequence(smallInteger(0), sequence(smallInteger(0)), sequence(explicit(1, encryptedValue))))),
    );
  });
});

describe('ErrorMsgContent (RFC 9810 5.3.21)', () => {
  it('is written to the byte as openssl does', () => {
    const read = decodeErrorMessage(body('openssl-error/02-error'));
    expect(read.statusInfo).toEqual({
      status: 'rejection',
      failInfo: ['badRequest'],
      statusString: ['error processing message'],
    });
    expect(read.errorDetails).toEqual(['CMP routines', 'error processing message']);
    expect(encodeErrorMessage(read)).toEqual(body('openssl-error/02-error'));
  });

  it('needs its status only', () => {
    const der = encodeErrorMessage({ statusInfo: { status: 'rejection' } });
    expect(der).toEqual(sequence(sequence(smallInteger(2))));
    expect(decodeErrorMessage(der)).toEqual({ statusInfo: { status: 'rejection' } });
    for (const [, wrong] of damaged(der)) expect(() => decodeErrorMessage(wrong)).toThrow(DerError);
  });
});

describe('RevRepContent (RFC 9810 5.3.10)', () => {
  it('is written to the byte as openssl does', () => {
    const { issuer, serialNumber } = decodeCertificate(present(recordedMessage('openssl-rr/01-rr').extraCerts[0]));
    const written = encodeRevRepContent({ status: [{ status: 'accepted' }], revCerts: [{ issuer, serialNumber }] });
    expect(written).toEqual(body('openssl-rr/02-rp'));
  });

  it('has CRLs with an EXPLICIT tag, and neither list when empty', () => {
    const status = [{ status: 'accepted' }] as const;
    expect(encodeRevRepContent({ status })).toEqual(sequence(sequence(sequence(smallInteger(0)))));
    expect(encodeRevRepContent({ status, crls: [enveloped] })).toEqual(
      sequence(sequence(sequence(smallInteger(0))), explicit(1, sequence(enveloped))),
    );
  });
});

describe('polling (RFC 9810 5.3.22)', () => {
  it('asks for certReqIds', () => {
    expect(decodePollReqContent(body('openssl-cr-poll/03-pollReq'))).toEqual([0]);
    const negative = sequence(sequence(tlv(Tag.integer, Uint8Array.of(0xff))));
    expect(decodePollReqContent(negative)).toEqual([-1]);
    expect(decodePollReqContent(sequence())).toEqual([]);
  });

  it('is refused when damaged or beyond 32', () => {
    for (const [, der] of damaged(body('openssl-cr-poll/03-pollReq'))) {
      expect(() => decodePollReqContent(der)).toThrow(DerError);
    }
    const many = sequence(...Array.from({ length: 33 }, () => sequence(smallInteger(0))));
    expect(() => decodePollReqContent(many)).toThrow(DerError);
    expect(() => decodePollReqContent(sequence(sequence(smallInteger(0), smallInteger(0))))).toThrow(DerError);
  });

  it('is answered with the seconds to wait', () => {
    expect(encodePollRepContent([{ certReqId: -1, checkAfter: 300, reason: ['an operator must approve'] }])).toEqual(
      sequence(
        sequence(
          tlv(Tag.integer, Uint8Array.of(0xff)),
          smallInteger(300),
          sequence(utf8String('an operator must approve')),
        ),
      ),
    );
    expect(encodePollRepContent([{ certReqId: 0, checkAfter: 1 }])).toEqual(
      sequence(sequence(smallInteger(0), smallInteger(1))),
    );
    expect(() => encodePollRepContent([{ certReqId: 0, checkAfter: 1.5 }])).toThrow(RangeError);
  });
});

describe('challenges (RFC 9810 5.2.8.3.3)', () => {
  const owf = sequence(oid('2.16.840.1.101.3.4.2.1'));
  const witness = Uint8Array.of(9);

  it('have the encrypted number in challenge at pvno 2, in encryptedRand at pvno 3', () => {
    const challenge = Uint8Array.of(7, 7);
    expect(
      encodeChallenges([
        { owf, witness, challenge },
        { witness, challenge },
      ]),
    ).toEqual(
      sequence(
        sequence(owf, octetString(witness), octetString(challenge)),
        sequence(octetString(witness), octetString(challenge)),
      ),
    );
    expect(encodeChallenges([{ owf, witness, challenge: new Uint8Array(), encryptedRand: enveloped }])).toEqual(
      sequence(sequence(owf, octetString(witness), octetString(), explicit(0, enveloped))),
    );
  });

  it('are about a number and a name', () => {
    const sender = explicit(4, sequence());
    expect(encodeRand({ int: 'ff01', sender })).toEqual(sequence(tlv(Tag.integer, Uint8Array.of(0, 0xff, 1)), sender));
  });

  it('are answered with the numbers', () => {
    const der = sequence(
      tlv(Tag.integer, Uint8Array.of(0, 0xff, 1)),
      smallInteger(0),
      tlv(Tag.integer, Uint8Array.of(0xff)),
    );
    expect(decodeChallengeResponses(der)).toEqual(['ff01', '00', '-01']);
    for (const [, wrong] of damaged(der)) expect(() => decodeChallengeResponses(wrong)).toThrow(DerError);
    expect(() => decodeChallengeResponses(sequence(nullValue))).toThrow(DerError);
  });
});
