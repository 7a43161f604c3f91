import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cmcFailInfoNumbers, cmcFailInfos } from '../../../protocols/est/cmc-fail-info.js';
import { type CmcEcho, type CmcStatusInfo, encodeCmcResponse } from '../../../protocols/est/cmc-response.js';
import { decodeSignedData } from '../../../src/cms/signed-data.js';
import { errorCodes } from '../../../src/errors.js';
import { createIdentity, createOpenSsl, type Identity, type OpenSsl } from '../../src/cms/openssl.js';

let openssl: OpenSsl;
let signer: Identity;
let issued: Identity;

beforeAll(() => {
  openssl = createOpenSsl();
  signer = createIdentity(openssl, 'signer', 'P-256');
  issued = createIdentity(openssl, 'issued', 'P-256');
});
afterAll(() => openssl.remove());

async function respond(status: CmcStatusInfo, echo: CmcEcho = {}): Promise<Uint8Array> {
  return encodeCmcResponse({
    echo,
    status,
    nonce: Uint8Array.of(0xaa, 0xbb),
    certificates: [issued.certificate, signer.certificate],
    signer: signer.signer,
    signingTime: new Date(),
  });
}

/** The PKIResponse as openssl takes it out of the signed message, in hex. */
async function opened(status: CmcStatusInfo, echo?: CmcEcho): Promise<string> {
  openssl.write('response.der', await respond(status, echo));
  const verify = [
    'cms',
    '-verify',
    '-inform',
    'DER',
    '-in',
    'response.der',
    '-CAfile',
    'signer.pem',
    '-purpose',
    'any',
  ];
  return openssl.run(...verify, '-binary').toString('hex');
}

const hex = (text: string) => text.replaceAll(/\s/g, '');

describe('Full PKI Response (RFC 5272 section 4.2)', () => {
  it('carries the PKIResponse and the certificates in a SignedData that openssl verifies', async () => {
    const der = await respond({ outcome: { status: 'success' }, bodyPartIds: [7] });
    const { contentType, certificates } = decodeSignedData(der);
    expect(contentType).toBe('1.3.6.1.5.5.7.12.3');
    expect(certificates).toEqual([issued.certificate, signer.certificate]);
  });

  it('says success (section 6.1.1)', async () => {
    expect(await opened({ outcome: { status: 'success' }, bodyPartIds: [7] })).toBe(
      hex('30 21 30 1b 30 19 02 01 01 06 08 2b 06 01 05 05 07 07 19 31 0a 30 08 02 01 00 30 03 02 01 07 30 00 30 00'),
    );
  });

  it('says failed with CMCFailInfo and a sentence (section 6.1.4)', async () => {
    const outcome = { status: 'failed', failInfo: 'badRequest' } as const;
    const response = await opened({ outcome, bodyPartIds: [1, 300], statusString: 'No.' });
    expect(response).toContain(hex('30 14 02 01 02 30 07 02 01 01 02 02 01 2c 0c 03 4e 6f 2e 02 01 02'));
  });

  it('says noSupport without CMCFailInfo (section 6.1.3)', async () => {
    const response = await opened({ outcome: { status: 'noSupport' }, bodyPartIds: [8] });
    expect(response).toContain(hex('31 0a 30 08 02 01 04 30 03 02 01 08'));
  });

  it('says pending with PendInfo', async () => {
    const pendTime = new Date('2026-11-21T08:30:00Z');
    const outcome = { status: 'pending', pendToken: Buffer.from('token'), pendTime } as const;
    expect(await opened({ outcome, bodyPartIds: [7] })).toContain(
      hex(`02 01 03 30 03 02 01 07 30 18 04 05 ${Buffer.from('token').toString('hex')}
        18 0f ${Buffer.from('20261121083000Z').toString('hex')}`),
    );
  });

  it('repeats transaction, nonce and data, and adds its own nonce (sections 6.4 and 6.6)', async () => {
    const echo = {
      transactionId: Uint8Array.of(0xfe),
      senderNonce: Uint8Array.of(1, 2, 3),
      dataReturn: Uint8Array.of(4),
    };
    const response = await opened({ outcome: { status: 'success' }, bodyPartIds: [7] }, echo);
    expect(response).toContain(hex('30 12 02 01 02 06 08 2b 06 01 05 05 07 07 05 31 03 02 01 fe'));
    expect(response).toContain(hex('30 13 02 01 03 06 08 2b 06 01 05 05 07 07 06 31 04 04 02 aa bb'));
    expect(response).toContain(hex('30 14 02 01 04 06 08 2b 06 01 05 05 07 07 07 31 05 04 03 01 02 03'));
    expect(response).toContain(hex('30 12 02 01 05 06 08 2b 06 01 05 05 07 07 04 31 03 04 01 04'));
  });

  it('sends no nonce to a client that sent none', async () => {
    expect(await opened({ outcome: { status: 'success' }, bodyPartIds: [7] })).not.toContain('aabb');
  });
});

describe('CMCFailInfo (RFC 5272 section 6.1.4)', () => {
  it('is known for each of the errors', () => {
    for (const code of errorCodes) expect(cmcFailInfoNumbers[cmcFailInfos[code]]).toBeLessThanOrEqual(13);
    expect(cmcFailInfoNumbers[cmcFailInfos['invalid-proof-of-possession']]).toBe(9);
  });
});
