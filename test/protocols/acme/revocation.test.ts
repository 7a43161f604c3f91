import { describe, expect, it } from '@jest/globals';
import type { KeyRequest } from '../../../protocols/acme/context.js';
import { keyThumbprintOf } from '../../../protocols/acme/key-thumbprint.js';
import { revokeByAccount, revokeByKey } from '../../../protocols/acme/revocation.js';
import { GatewayError } from '../../../src/errors.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { makeCertificate } from '../../support/make-chain.js';
import { dns, placeReadyOrder } from './acme-objects.js';
import { certificate, type FakeAcme, withAcme } from './fake-core.js';

const base64Url = (der: Uint8Array) => Buffer.from(der).toString('base64url');
const { serialNumber, issuer: issuerName, subjectPublicKeyInfo } = decodeCertificate(certificate);

function byKey(acme: FakeAcme, payload: unknown, thumbprint: string): KeyRequest {
  const { account: _, kid: __, ...request } = acme.request(payload);
  return { ...request, jwk: { kty: 'OKP', crv: 'Ed25519', x: '' }, thumbprint };
}

describe('ACME revokeCert (RFC 8555 7.6)', () => {
  it('by an account presents it with its authorizations for the names of the certificate', () =>
    withAcme(async (acme) => {
      await placeReadyOrder(acme, dns('a.example', 'b.example'));
      const request = acme.request({ certificate: base64Url(certificate), reason: 4 });
      expect(await revokeByAccount(request, acme.context)).toEqual({ status: 200 });
      expect(acme.revocations).toMatchObject([
        {
          protocol: 'acme',
          label: 'web',
          issuer: issuerName,
          serialNumber,
          reason: 'superseded',
          credentials: [
            {
              kind: 'acme-account',
              account: acme.account.id,
              identifiers: [{ type: 'dns', value: 'a.example' }],
            },
          ],
        },
      ]);
    }));

  it("by the certificate's key presents the certificate", () =>
    withAcme(async (acme) => {
      const request = byKey(acme, { certificate: base64Url(certificate) }, keyThumbprintOf(subjectPublicKeyInfo));
      expect(await revokeByKey(request, acme.context)).toEqual({ status: 200 });
      expect(acme.revocations).toMatchObject([
        {
          reason: 'unspecified',
          credentials: [{ kind: 'certificate', chain: [Buffer.from(certificate)], proof: 'message' }],
        },
      ]);
    }));

  it('of a certificate whose issuer cannot be read is malformed, and asks the core nothing', () =>
    withAcme(async (acme) => {
      const at = Buffer.from(certificate).indexOf(issuerName);
      const wrong = Uint8Array.from(certificate);
      // No SET but a PrintableString.
      wrong[at + 2] = 0x13;
      const request = acme.request({ certificate: base64Url(wrong) });
      await expect(revokeByAccount(request, acme.context)).rejects.toMatchObject({ type: 'malformed' });
      expect(acme.revocations).toEqual([]);
      expect(acme.refusals).toMatchObject([{ operation: 'revokeCert', code: 'malformed-request' }]);
    }));

  it('by another key is refused and recorded', () =>
    withAcme(async (acme) => {
      const request = byKey(acme, { certificate: base64Url(certificate) }, 'another');
      await expect(revokeByKey(request, acme.context)).rejects.toMatchObject({ type: 'unauthorized', status: 403 });
      expect(acme.revocations).toEqual([]);
      expect(acme.refusals).toMatchObject([{ operation: 'revokeCert', code: 'forbidden' }]);
    }));

  it.each([
    [0, 'unspecified'],
    [1, 'keyCompromise'],
    [3, 'affiliationChanged'],
    [4, 'superseded'],
    [5, 'cessationOfOperation'],
  ])('takes reason %d for %s', (reason, name) =>
    withAcme(async (acme) => {
      await revokeByAccount(acme.request({ certificate: base64Url(certificate), reason }), acme.context);
      expect(acme.revocations).toMatchObject([{ reason: name }]);
    }),
  );

  it.each([2, 6, 7, 8, 9, 10, 11, -1, 1.5, '1', null, {}])('refuses reason %p', (reason) =>
    withAcme(async (acme) => {
      const request = acme.request({ certificate: base64Url(certificate), reason });
      await expect(revokeByAccount(request, acme.context)).rejects.toMatchObject({
        type: 'badRevocationReason',
        message: 'the reason must be 0, 1, 3, 4 or 5, or be left out',
      });
    }),
  );

  it.each([
    ['no certificate', {}],
    ['PEM', { certificate: '-----BEGIN' }],
    ['what is no certificate', { certificate: base64Url(Uint8Array.of(0x30, 0)) }],
    ['trailing octets', { certificate: base64Url(Buffer.concat([certificate, Buffer.of(0)])) }],
    ['nothing', undefined],
  ])('refuses %s', (_, payload) =>
    withAcme(async (acme) => {
      await expect(revokeByAccount(acme.request(payload), acme.context)).rejects.toMatchObject({ type: 'malformed' });
      await expect(revokeByKey(byKey(acme, payload, 'x'), acme.context)).rejects.toMatchObject({ type: 'malformed' });
    }),
  );

  it('means no other certificate that has the same issuer and serial number', () =>
    withAcme(async (acme) => {
      const request = acme.request({ certificate: base64Url(makeCertificate({ subject: 'CN=a.example' })) });
      await expect(revokeByAccount(request, acme.context)).rejects.toMatchObject({ code: 'unknown-certificate' });
    }));

  it.each(['already-revoked', 'unknown-certificate', 'forbidden'] as const)("leaves the core's %s as it is", (code) =>
    withAcme(async (acme) => {
      const error = new GatewayError(code, 'no');
      acme.says.revoke = error;
      const request = acme.request({ certificate: base64Url(certificate) });
      await expect(revokeByAccount(request, acme.context)).rejects.toBe(error);
      expect(acme.refusals).toEqual([]);
    }),
  );
});
