import { describe, expect, it } from '@jest/globals';
import type { Attestation } from '../../../protocols/acme/attestation/attestation.js';
import { attest } from '../../../protocols/acme/device-attestation.js';
import { AcmeError } from '../../../protocols/acme/problem.js';
import { GatewayError } from '../../../src/errors.js';
import { keyFingerprint } from '../../../src/x509/public-key.js';
import { deviceKey, spkiOf } from '../../support/make-csr.js';
import { authorizationOf, orderOf, placeOrder, respond } from './acme-objects.js';
import { type FakeAcme, issuer, withAcme } from './fake-core.js';

const device = { identifiers: [{ type: 'permanent-identifier', value: 'SN1' }] };
const said: Attestation = {
  chain: [issuer],
  attestedKey: spkiOf(deviceKey),
  permanentIdentifiers: ['SN0', 'SN1'],
  hardwareModules: ['1.2.3:0a'],
};
const trusted = {
  id: 'certificate:tpm',
  credentials: ['tpm-vendor'],
  isByRevocationPassphrase: false,
  isRegistrationAuthority: false,
  isCrossCertifiable: false,
};
const response = {
  keyAuthorization: 'token.thumbprint',
  accountUrl: 'https://gate.example/account',
  network: '192.0.2.1',
};

async function attesting(
  acme: FakeAcme,
  id: string,
  verify: () => Attestation,
  payload: unknown = { attObj: 'AQID' },
): Promise<void> {
  const request = acme.request(payload, { id });
  const record = await acme.context.authorizations.find({ id, accountId: acme.account.id });
  if (record === undefined) throw new Error('no such authorization');
  await attest({ record, type: 'device-attest-01' }, response, request, acme.context, verify);
}

describe('ACME device-attest-01 (draft-ietf-acme-device-attest)', () => {
  it('makes the authorization valid for the attested key, by the name of the authentication CA', () =>
    withAcme(async (acme) => {
      acme.says.authenticate = trusted;
      const { id, authorizations } = await placeOrder(acme, device);
      const [authorization = ''] = authorizations;
      await attesting(acme, authorization, () => said);
      expect((await orderOf(acme, id)).status).toBe('ready');
      expect(await acme.context.authorizations.find({ id: authorization, accountId: acme.account.id })).toMatchObject({
        status: 'valid',
        attestedKey: keyFingerprint(spkiOf(deviceKey)),
        attestedBy: 'tpm-vendor',
      });
      expect(acme.authentications).toMatchObject([
        { operation: 'attestation', credentials: [{ kind: 'certificate', chain: [issuer], proof: 'message' }] },
      ]);
      expect(acme.events).toMatchObject([{ action: 'authorization.validated', details: { attestedBy: 'tpm-vendor' } }]);
      // The next order may be for another key.
      expect((await placeOrder(acme, device)).order.status).toBe('pending');
    }));

  it('takes a hardware module for one only', () =>
    withAcme(async (acme) => {
      acme.says.authenticate = trusted;
      const module = { identifiers: [{ type: 'hardware-module', value: '1.2.3:0A' }] };
      const { id, authorizations } = await placeOrder(acme, module);
      await attesting(acme, authorizations[0] ?? '', () => said);
      expect((await orderOf(acme, id)).status).toBe('ready');
    }));

  const refuse = (error: Error) => () => {
    throw error;
  };

  it.each<[string, () => Attestation, FakeAcme['says']['authenticate'], string]>([
    [
      'a statement that is wrong',
      refuse(new AcmeError('badAttestationStatement', 'the key can be exported')),
      trusted,
      'the key can be exported',
    ],
    [
      'another device',
      () => ({ ...said, permanentIdentifiers: ['SN2'] }),
      trusted,
      'the attestation does not say that the device is SN1',
    ],
    [
      'a hardware module of that name',
      () => ({ ...said, permanentIdentifiers: [], hardwareModules: ['SN1'] }),
      trusted,
      'the attestation does not say that the device is SN1',
    ],
    [
      'a key that is none',
      () => ({ ...said, attestedKey: new Uint8Array([0x30, 0]) }),
      trusted,
      'the attested key cannot be certified: truncated value',
    ],
    [
      'an unknown authority',
      () => said,
      new GatewayError('untrusted-signer', 'the certificate is not trusted here'),
      'the certificate is not trusted here',
    ],
    [
      'a certificate issued here',
      () => said,
      { ...trusted, certificateUsage: 'operational' },
      'the attestation is by no authentication CA of the policy',
    ],
    [
      'a certificate that no credential stands for',
      () => said,
      { ...trusted, credentials: [] },
      'the attestation is by no authentication CA of the policy',
    ],
  ])('ends the authorization and its orders for %s', (_, verify, authenticate, detail) =>
    withAcme(async (acme) => {
      if (authenticate !== undefined) acme.says.authenticate = authenticate;
      const { id, authorizations } = await placeOrder(acme, device);
      await attesting(acme, authorizations[0] ?? '', verify);
      const { status, challenges } = await authorizationOf(acme, authorizations[0]);
      expect(status).toBe('invalid');
      expect(challenges).toMatchObject([
        { status: 'invalid', error: { type: 'urn:ietf:params:acme:error:badAttestationStatement' } },
      ]);
      expect(challenges[0]?.error?.detail).toContain(detail.slice(0, 40));
      expect((await orderOf(acme, id)).status).toBe('invalid');
      expect(acme.events).toMatchObject([{ action: 'authorization.failed' }]);
    }),
  );

  it.each([
    ['no attObj', {}],
    ['an empty one', { attObj: '' }],
    ['base64 with padding', { attObj: 'AQ==' }],
    ['base64url with odd bits', { attObj: 'AR' }],
    ['a number', { attObj: 1 }],
  ])('refuses %s and leaves the challenge as it is', (_, payload) =>
    withAcme(async (acme) => {
      const { authorizations } = await placeOrder(acme, device);
      await expect(respond(acme, authorizations[0], 'device-attest-01', payload)).rejects.toMatchObject({
        type: 'malformed',
      });
      expect((await authorizationOf(acme, authorizations[0])).status).toBe('pending');
      expect(acme.refusals).toMatchObject([{ operation: 'challenge' }]);
    }),
  );

  it.each([
    ['cannot be read', refuse(new AcmeError('malformed', 'no CBOR')), trusted],
    ['cannot be judged now', () => said, new GatewayError('unavailable', 'try again later')],
  ])('leaves the challenge as it is for what %s', (_, verify, authenticate) =>
    withAcme(async (acme) => {
      acme.says.authenticate = authenticate;
      const { authorizations } = await placeOrder(acme, device);
      await expect(attesting(acme, authorizations[0] ?? '', verify)).rejects.toBeInstanceOf(GatewayError);
      expect((await authorizationOf(acme, authorizations[0])).status).toBe('pending');
    }),
  );

  it('makes it valid once when two statements come at once', () =>
    withAcme(async (acme) => {
      acme.says.authenticate = trusted;
      const { authorizations } = await placeOrder(acme, device);
      const outcomes = await Promise.allSettled(
        Array.from({ length: 5 }, () => attesting(acme, authorizations[0] ?? '', () => said)),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(acme.events).toHaveLength(1);
    }));
});
