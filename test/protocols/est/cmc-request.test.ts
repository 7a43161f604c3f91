import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  idCmcDataReturn,
  idCmcIdentification,
  idCmcIdentityProof,
  idCmcIdentityProofV2,
  idCmcQueryPending,
  idCmcRegInfo,
  idCmcSenderNonce,
  idCmcTransactionId,
} from '../../../protocols/est/cmc.js';
import { type CmcAction, decodeCmcRequest } from '../../../protocols/est/cmc-request.js';
import { GatewayError } from '../../../src/errors.js';
import { Tag } from '../../../src/x509/der.js';
import { nullValue, octetString, oid, sequence, smallInteger, tlv, utf8String } from '../../../src/x509/der-writer.js';
import { createIdentity, createOpenSsl, type Identity, type OpenSsl } from '../../src/cms/openssl.js';
import { control, createCsr, octets, pkiData, signRequest, taggedRequest } from './cmc-messages.js';

let openssl: OpenSsl;
let client: Identity;
let csr: Uint8Array;
const request = () => taggedRequest(7, csr);

beforeAll(() => {
  openssl = createOpenSsl();
  client = createIdentity(openssl, 'client', 'P-256');
  createIdentity(openssl, 'rsa', 'rsa');
  createIdentity(openssl, 'new', 'P-384');
  csr = createCsr(openssl, 'new');
});
afterAll(() => openssl.remove());

function action(controls: readonly Uint8Array[], requests: readonly Uint8Array[]): CmcAction {
  return decodeCmcRequest(signRequest(openssl, 'client', pkiData(controls, requests))).action;
}

function refusal(status: 'failed' | 'noSupport', bodyPartIds: number[], failInfo?: string) {
  const outcome = failInfo === undefined ? { status } : { status, failInfo };
  return { type: 'refused', status: { outcome, bodyPartIds, statusString: expect.any(String) } };
}

const refusalCode = (body: Uint8Array) => {
  try {
    decodeCmcRequest(body);
  } catch (error) {
    return error instanceof GatewayError ? error.code : error;
  }
  return undefined;
};

describe('Full PKI Request (RFC 5272 section 3.2)', () => {
  it('asks for enrollment and says who signed it and what to repeat', () => {
    const content = pkiData(
      [
        control(1, idCmcTransactionId, smallInteger(300)),
        control(2, idCmcSenderNonce, octets('nonce')),
        control(3, idCmcDataReturn, octets('state')),
        control(4, idCmcRegInfo, octets('info')),
        control(5, idCmcIdentification, utf8String('device 7')),
      ],
      [request()],
    );
    expect(decodeCmcRequest(signRequest(openssl, 'client', content))).toEqual({
      echo: {
        transactionId: Uint8Array.of(1, 44),
        senderNonce: Uint8Array.from(Buffer.from('nonce')),
        dataReturn: Uint8Array.from(Buffer.from('state')),
      },
      action: {
        type: 'enroll',
        bodyPartId: 7,
        certificationRequest: csr,
        requester: { type: 'certificate', certificate: client.certificate, certificates: [client.certificate] },
      },
    });
  });

  it.each([
    ['signed by RSA', 'rsa', []],
    ['in BER with indefinite lengths', 'client', ['-stream']],
    ['with the signer named by key identifier', 'client', ['-keyid']],
  ])('is read %s', (_, name, options) => {
    const body = signRequest(openssl, name, pkiData([], [request()]), ...options);
    expect(decodeCmcRequest(body)).toMatchObject({
      echo: {},
      action: { type: 'enroll', requester: { type: 'certificate' } },
    });
  });

  it('asks for a pending request (section 6.13)', () => {
    expect(action([control(9, idCmcQueryPending, octets('token'))], [])).toMatchObject({
      type: 'poll',
      bodyPartId: 9,
      pendToken: Uint8Array.from(Buffer.from('token')),
      requester: { certificate: client.certificate },
    });
  });

  it.each([
    ['by its own identifier', []],
    ['by the identifier in the request', ['-addext', 'subjectKeyIdentifier=0a0b0c0d']],
  ])('may be signed with the key of the request, named %s', (_, extension) => {
    openssl.run('req', '-x509', '-new', '-key', 'new.key', '-subj', '/CN=any', '-out', 'self.pem', ...extension);
    openssl.write('self.key', openssl.read('new.key'));
    const content = pkiData([], [taggedRequest(1, createCsr(openssl, 'new', ...extension))]);
    const body = signRequest(openssl, 'self', content, '-keyid', '-nocerts');
    expect(decodeCmcRequest(body).action).toMatchObject({ type: 'enroll', requester: { type: 'requestKey' } });
  });

  it('is not taken for signed with the key of the request when another key signed it', () => {
    openssl.run(
      'req',
      '-x509',
      '-new',
      '-key',
      'rsa.key',
      '-subj',
      '/CN=any',
      '-out',
      'forged.pem',
      '-addext',
      'subjectKeyIdentifier=0a0b',
    );
    openssl.write('forged.key', openssl.read('rsa.key'));
    const content = pkiData([], [taggedRequest(1, createCsr(openssl, 'new', '-addext', 'subjectKeyIdentifier=0a0b'))]);
    const body = signRequest(openssl, 'forged', content, '-keyid', '-nocerts');
    expect(decodeCmcRequest(body).action).toEqual(refusal('failed', [0], 'badMessageCheck'));
  });
});

describe('Full PKI Requests that are refused', () => {
  it('fail for the whole message when the signature does (section 3.2.1.3.4), and still say what to repeat', () => {
    const content = pkiData([control(1, idCmcTransactionId, smallInteger(5))], [request()]);
    const body = signRequest(openssl, 'client', content);
    body[body.length - 1] = (body[body.length - 1] ?? 0) ^ 1;
    expect(decodeCmcRequest(body)).toEqual({
      echo: { transactionId: Uint8Array.of(5) },
      action: refusal('failed', [0], 'badMessageCheck'),
    });
  });

  it.each([
    ['no certificate', ['-nocerts'], 'badMessageCheck'],
    ['no signed attributes', ['-noattr'], 'badMessageCheck'],
    ['a second signer', ['-signer', 'rsa.pem', '-inkey', 'rsa.key'], 'badMessageCheck'],
    ['a SHA-1 digest', ['-md', 'sha1'], 'badAlg'],
  ])('fail with %s', (_, options, failInfo) => {
    const body = signRequest(openssl, 'client', pkiData([], [request()]), ...options);
    expect(decodeCmcRequest(body).action).toEqual(refusal('failed', [0], failInfo));
  });

  it('fail with the controls that are unknown, malformed or repeated (section 3.2.1.1)', () => {
    const controls = [
      control(1, '1.3.6.1.5.5.7.7.17', octets('a revocation request')),
      control(2, idCmcSenderNonce, octets('nonce')),
      control(3, idCmcSenderNonce, octets('another')),
      control(4, idCmcTransactionId, octets('no number')),
      control(5, idCmcDataReturn, octets('one'), octets('two')),
      control(6, idCmcIdentification, tlv(Tag.utf8String, Uint8Array.of(0xff))),
    ];
    expect(action(controls, [request()])).toEqual(refusal('failed', [1, 3, 4, 5, 6], 'badRequest'));
  });

  it('are not supported with CRMF and other requests (section 3.2.1)', () => {
    const crmf = tlv(Tag.context(1), sequence(smallInteger(8), sequence()));
    const other = tlv(Tag.context(2), smallInteger(9), oid('1.2.3'), nullValue);
    expect(action([], [request(), crmf, other])).toEqual(refusal('noSupport', [8, 9]));
  });

  it('fail with several requests, with none, and with a query beside a request', () => {
    expect(action([], [request(), taggedRequest(8, csr)])).toEqual(refusal('failed', [7, 8], 'badRequest'));
    expect(action([], [])).toEqual(refusal('failed', [0], 'badRequest'));
    const query = control(9, idCmcQueryPending, octets('token'));
    expect(action([query], [request()])).toEqual(refusal('failed', [9], 'badRequest'));
  });
});

describe('messages that are no Full PKI Request', () => {
  it('are malformed: other content, bare PKCS #10, no PKIData inside', () => {
    const data = ['-in', 'csr.der', '-outform', 'DER', '-out', 'data.der'];
    openssl.run('cms', '-sign', '-binary', '-nodetach', '-signer', 'client.pem', '-inkey', 'client.key', ...data);
    expect(refusalCode(openssl.read('data.der'))).toBe('malformed-request');
    expect(refusalCode(csr)).toBe('malformed-request');
    expect(refusalCode(signRequest(openssl, 'client', csr))).toBe('malformed-request');
    openssl.run('cms', '-encrypt', '-in', 'csr.der', '-outform', 'DER', '-out', 'enveloped.der', '-aes128', 'rsa.pem');
    expect(refusalCode(openssl.read('enveloped.der'))).toBe('malformed-request');
  });

  it('name an unknown digest', () => {
    const body = signRequest(openssl, 'rsa', pkiData([], [request()]), '-md', 'md5');
    expect(decodeCmcRequest(body).action).toEqual(refusal('failed', [0], 'badAlg'));
  });

  it('are GatewayErrors or refusals, however they are damaged, and never another request', () => {
    const body = signRequest(openssl, 'client', pkiData([control(1, idCmcSenderNonce, octets('nonce'))], [request()]));
    fc.assert(
      fc.property(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, change, isCut) => {
        const changed = Uint8Array.from(isCut ? body.subarray(0, at) : body);
        if (!isCut) changed[at] = (changed[at] ?? 0) ^ change;
        try {
          const { action: read } = decodeCmcRequest(changed);
          if (read.type !== 'refused') expect(read).toMatchObject({ type: 'enroll', certificationRequest: csr });
        } catch (error) {
          expect(error).toBeInstanceOf(GatewayError);
        }
      }),
      { numRuns: 1_500 },
    );
  });
});

describe('identity proofs (RFC 5272 section 6.2)', () => {
  it.each([
    ['in the first version (section 6.2.2)', control(1, idCmcIdentityProof, octetString(new Uint8Array(20)))],
    ['in the second version (section 6.2.1)', control(1, idCmcIdentityProofV2, sequence(sequence(), sequence()))],
  ])('are refused %s, because no secret is kept that they could be verified with', (_name, proof) => {
    expect(action([proof], [request()])).toEqual(refusal('failed', [1], 'badIdentity'));
  });
});
