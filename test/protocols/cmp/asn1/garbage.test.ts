import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeCertConfirmContent } from '../../../../protocols/cmp/asn1/cert-confirm.js';
import { decodeCertReqMessages, decodeCertRequest } from '../../../../protocols/cmp/asn1/cert-request.js';
import { decodeCertTemplate } from '../../../../protocols/cmp/asn1/cert-template.js';
import { certificationRequestVersion } from '../../../../protocols/cmp/asn1/certification-request.js';
import { decodeChallengeResponses } from '../../../../protocols/cmp/asn1/challenge.js';
import * as controls from '../../../../protocols/cmp/asn1/controls.js';
import { decodeCrlStatusList } from '../../../../protocols/cmp/asn1/crl-status.js';
import * as general from '../../../../protocols/cmp/asn1/general-message.js';
import { decodeLocalKeyId } from '../../../../protocols/cmp/asn1/local-key-id.js';
import { type BodyType, decodePkiMessage, decodePkiMessages } from '../../../../protocols/cmp/asn1/pki-message.js';
import { decodeErrorMessage } from '../../../../protocols/cmp/asn1/pki-status.js';
import { decodePollReqContent } from '../../../../protocols/cmp/asn1/poll.js';
import { decodeRevReqContent, requestedReason } from '../../../../protocols/cmp/asn1/revocation.js';
import { DerError } from '../../../../src/x509/der.js';
import { sequence } from '../../../../src/x509/der-writer.js';
import { recorded, recordedMessage, recordedNames } from './recorded.js';

/** How the content of each body that a client sends is read. */
const bodies = new Map<BodyType, (body: Uint8Array) => unknown>([
  ['ir', decodeCertReqMessages],
  ['cr', decodeCertReqMessages],
  ['kur', decodeCertReqMessages],
  ['p10cr', certificationRequestVersion],
  ['rr', (body) => decodeRevReqContent(body).map(requestedReason)],
  ['genm', general.decodeGeneralMessage],
  ['certConf', decodeCertConfirmContent],
  ['pollReq', decodePollReqContent],
  ['error', decodeErrorMessage],
  ['nested', decodePkiMessages],
]);

const values: ((value: Uint8Array) => unknown)[] = [
  ...bodies.values(),
  decodeCertRequest,
  decodeCertTemplate,
  decodeChallengeResponses,
  decodeCrlStatusList,
  controls.decodeAuthenticator,
  controls.decodeOldCertId,
  controls.decodePkiArchiveOptions,
  controls.decodePkiPublicationInfo,
  controls.decodeUtf8Pairs,
  general.decodeConfirmWaitTime,
  general.decodeRevPassphrase,
  general.decodeUtf8Texts,
  decodeLocalKeyId,
];

/** Whether it is refused; anything but a DerError is thrown on. */
function isRefused(read: () => unknown): boolean {
  try {
    read();
    return false;
  } catch (error) {
    if (error instanceof DerError) return true;
    throw error;
  }
}

function readWhole(der: Uint8Array): void {
  const { bodyType, body } = decodePkiMessage(der);
  bodies.get(bodyType)?.(body);
}

describe('bytes that are no message', () => {
  it('are refused with a DerError, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(isRefused(() => decodePkiMessage(noise))).toBe(true);
        for (const decode of values) isRefused(() => decode(noise));
        for (const decode of values) isRefused(() => decode(sequence(noise)));
      }),
    );
  });

  it.each(recordedNames())('are refused with a DerError when they were one with an octet changed: %s', (name) => {
    const der = recorded(name);
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.nat(255), (at, octet) => {
        const changed = Uint8Array.from(der);
        changed[at] = octet;
        isRefused(() => readWhole(changed));
      }),
    );
  });

  it.each(recordedNames())('are refused with a DerError wherever they end: %s', (name) => {
    const der = recorded(name);
    const ends = Array.from({ length: der.length }, (_, end) => end);
    expect(ends.filter((end) => !isRefused(() => readWhole(der.subarray(0, end))))).toEqual([]);
  });

  it('are refused when nested without end', () => {
    let deep: Uint8Array = sequence();
    for (let i = 0; i < 2000; i++) deep = sequence(deep);
    expect(() => decodePkiMessage(deep)).toThrow(DerError);
    for (const decode of values) isRefused(() => decode(deep));
  });

  it('are read in the body that a message of openssl has', () => {
    for (const name of recordedNames()) {
      const { bodyType, body } = recordedMessage(name);
      expect(() => bodies.get(bodyType)?.(body)).not.toThrow();
    }
  });
});
