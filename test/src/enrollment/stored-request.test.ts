import { describe, expect, it } from '@jest/globals';
import type { DecidedOperation, EnrollmentRequest } from '../../../src/enrollment/request.js';
import { decodeMessage, encodeMessage, type StoredMessage } from '../../../src/enrollment/stored-message.js';
import {
  decodeIdentity,
  decodeRequest,
  encodeIdentity,
  encodeRequest,
  withModifications,
} from '../../../src/enrollment/stored-request.js';
import type { Identity } from '../../../src/policy/identity.js';

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));

const request: EnrollmentRequest & { readonly operation: DecidedOperation } = {
  protocol: 'est',
  label: 'fleet',
  operation: 'enroll',
  transactionId: 't-1',
  requested: {
    subjectPublicKeyInfo: Buffer.from('key'),
    subject: bytes('subject'),
    extensions: [{ id: '2.5.29.17', critical: true, value: bytes('names') }],
    notAfter: new Date('2027-01-02T03:04:05.000Z'),
    requestHash: 'sha256',
  },
  credentials: [{ kind: 'password', username: 'alice', password: 'open-sesame' }],
  remoteAddress: '192.0.2.1',
  requestId: 'r-1',
};

describe('a request that waits', () => {
  it('is kept with its wishes, and without what authenticated it', () => {
    const text = encodeRequest(request);
    expect(text).not.toContain('open-sesame');
    expect(decodeRequest(text)).toEqual({
      protocol: 'est',
      operation: 'enroll',
      remoteAddress: '192.0.2.1',
      requested: { ...request.requested, subjectPublicKeyInfo: bytes('key') },
    });
  });

  it('keeps the wish for a key, but not for whom: the pick-up says that anew', () => {
    const recipient = { kind: 'certificate', subjectKeyIdentifier: bytes('ski') } as const;
    const { generateKey } = decodeRequest(encodeRequest({ ...request, generateKey: { type: 'rsa-2048', recipient } }));
    expect(generateKey).toEqual({ type: 'rsa-2048' });
    expect(decodeRequest(encodeRequest({ ...request, generateKey: {} })).generateKey).toEqual({});
  });

  it('is kept with what its certificate is to be', () => {
    const chosen = { confirmWithin: 300, supplants: true, profileHint: 'device', newKeyOnly: true };
    expect(decodeRequest(encodeRequest({ ...request, ...chosen }))).toMatchObject(chosen);
  });

  it('is told what its certificate differs in, once there is one', () => {
    const text = encodeRequest(request);
    const modified = ['extension 1.2.3.9 is left out'];
    expect(decodeRequest(withModifications(text, modified))).toEqual({ ...decodeRequest(text), modified });
    expect(withModifications(text, [])).toBe(text);
  });

  it('keeps who asked', () => {
    const identity: Identity = {
      requester: 'passcode:c-1',
      certificateSubject: bytes('subject'),
      credentials: [
        {
          id: 'c-1',
          kind: 'passcode',
          name: 'one',
          username: 'alice',
          registeredValues: { device: 'pump-1', subject: { commonName: ['pump-1'] } },
        },
      ],
      issuedCertificate: {
        der: bytes('der'),
        issuerId: 'ca-1',
        serialNumber: '0a',
        policy: 'fleet',
        usage: 'bootstrap',
        deviceId: 'd-1',
        notAfter: new Date('2027-01-02T03:04:05.000Z'),
      },
    };
    expect(decodeIdentity(encodeIdentity(identity))).toEqual(identity);
  });

  it.each(['{}', 'null', '{"protocol":"telnet"}'])('is refused when it is not one: %s', (text) => {
    expect(() => decodeRequest(text)).toThrow();
    expect(() => decodeIdentity(text)).toThrow();
  });
});

describe('a message that waits', () => {
  it('is kept as what it is', () => {
    const revocation: StoredMessage = {
      kind: 'revocation',
      protocol: 'cmp',
      remoteAddress: '192.0.2.1',
      issuerId: 'ca-1',
      serialNumber: '0a',
      subject: 'CN=pump-1',
      reason: 'keyCompromise',
      invalidityDate: new Date('2026-05-06T07:08:09.000Z'),
    };
    const { invalidityDate: _none, ...undated } = { ...revocation, reason: 'removeFromCRL' } as const;
    for (const message of [revocation, undated, { kind: 'message', operation: 'genm' } as const]) {
      expect(decodeMessage(encodeMessage(message))).toEqual(message);
      expect(() => decodeRequest(encodeMessage(message))).toThrow();
    }
  });

  it('is none of the requests for certificates, nor of those that were answered', () => {
    expect(decodeMessage(encodeRequest(request))).toBeUndefined();
    expect(decodeMessage('{}')).toBeUndefined();
  });

  it.each(['null', '[]', '{"kind":"telnet"}', '{"kind":"revocation","reason":"whim"}'])('is not %s', (text) => {
    expect(() => decodeMessage(text)).toThrow();
  });
});
