import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodePkiData, idCmcSenderNonce, idCmcTransactionId } from '../../../protocols/est/cmc.js';
import { DerError, Tag } from '../../../src/x509/der.js';
import { nullValue, oid, sequence, smallInteger, tlv } from '../../../src/x509/der-writer.js';
import { control, octets, pkiData, taggedRequest } from './cmc-messages.js';

const csr = sequence(smallInteger(0));
const crmf = (certReqId: number) => tlv(Tag.context(1), sequence(smallInteger(certReqId), sequence()), nullValue);
const other = (bodyPartId: number) => tlv(Tag.context(2), smallInteger(bodyPartId), oid('1.2.3'), nullValue);
const message = (bodyPartId: number) => sequence(smallInteger(bodyPartId), nullValue);

describe('PKIData (RFC 5272 section 3.2.1)', () => {
  it('is read with its controls and all three kinds of requests', () => {
    const der = pkiData(
      [control(1, idCmcTransactionId, smallInteger(300)), control(2, idCmcSenderNonce, octets('nonce'))],
      [taggedRequest(3, csr), crmf(4), other(0xffffffff)],
    );
    expect(decodePkiData(der)).toEqual({
      controls: [
        { bodyPartId: 1, type: '1.3.6.1.5.5.7.7.5', values: [smallInteger(300)] },
        { bodyPartId: 2, type: '1.3.6.1.5.5.7.7.6', values: [octets('nonce')] },
      ],
      requests: [
        { type: 'pkcs10', bodyPartId: 3, der: csr },
        { type: 'crmf', bodyPartId: 4 },
        { type: 'other', bodyPartId: 0xffffffff },
      ],
    });
  });

  it('may hold other messages, which are ignored', () => {
    const der = sequence(sequence(), sequence(), sequence(message(1)), sequence(message(2)));
    expect(decodePkiData(der)).toMatchObject({ controls: [], requests: [] });
  });

  it.each([
    ['a body part identifier twice', pkiData([control(1, idCmcSenderNonce)], [taggedRequest(1, csr)])],
    ['the reserved body part identifier 0 (section 3.2.2)', pkiData([control(0, idCmcSenderNonce)], [])],
    ['a body part identifier of 33 bits', pkiData([control(2 ** 32, idCmcSenderNonce)], [])],
    [
      'an identifier twice among other messages',
      sequence(sequence(), sequence(), sequence(message(1)), sequence(message(1))),
    ],
    ['a missing sequence', sequence(sequence(), sequence(), sequence())],
    ['another kind of request', pkiData([], [tlv(Tag.context(3), smallInteger(1))])],
    [
      '101 controls',
      pkiData(
        Array.from({ length: 101 }, (_, i) => control(i + 1, idCmcSenderNonce)),
        [],
      ),
    ],
    [
      '101 requests',
      pkiData(
        [],
        Array.from({ length: 101 }, (_, i) => taggedRequest(i + 1, csr)),
      ),
    ],
  ])('is refused with %s', (_, der) => {
    expect(() => decodePkiData(der)).toThrow(DerError);
  });

  it('fails only with DerError, however it is damaged', () => {
    const der = pkiData(
      [control(1, idCmcTransactionId, smallInteger(300))],
      [taggedRequest(3, csr), crmf(4), other(5)],
    );
    const attempt = (bytes: Uint8Array) => {
      try {
        decodePkiData(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(DerError);
      }
    };
    for (let length = 0; length < der.length; length++) attempt(der.subarray(0, length));
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.integer({ min: 0, max: 255 }), (at, octet) => {
        const changed = Uint8Array.from(der);
        changed[at] = octet;
        attempt(changed);
      }),
      { numRuns: 3_000 },
    );
  });
});
