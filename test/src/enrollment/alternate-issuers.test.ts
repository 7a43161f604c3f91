/** Chains to the next root for certificates that chain to the present one, and back (RFC 8555 7.4.2). */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { linkAuthority, unlinkAuthority } from '../../../src/authorities/links.js';
import { dropNext, stageNext } from '../../../src/authorities/stage.js';
import { createProtocolServices } from '../../../src/enrollment/protocol-services.js';
import { createServiceKeys } from '../../../src/enrollment/service-keys.js';
import type { ProtocolServices } from '../../../src/protocol.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { certificateOf, createEstClient } from '../../support/est-client.js';
import { fleet, fleetPasscode } from '../../support/fleet.js';
import { makeCsr } from '../../support/make-csr.js';
import { makeRoot, withOpenssl } from '../../support/openssl-folder.js';
import { opensslAccepts } from '../../support/openssl-verify.js';
import { testActor } from '../../support/operator.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';
import { signLink } from '../authorities/foreign-link.js';

let test: TestGateway;
let services: ProtocolServices;
let certificate: Uint8Array;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  const { core } = test.gateway;
  services = createProtocolServices(core, createServiceKeys(core), test.settings);
  const est = createEstClient(test, { label: 'fleet', passcode: fleetPasscode });
  certificate = new Uint8Array(certificateOf(await est.post('simpleenroll', makeCsr())).raw);
  est.close();
});
afterAll(() => test.close());

describe('The alternate chains of a certificate', () => {
  it('are none as long as its root has no other generation', async () => {
    expect(await services.alternateIssuersOf(certificate)).toEqual([]);
  });

  it('lead to the next generation of its root, over the certificate of the old key by the new one', async () => {
    await stageNext('root', testActor, test.gateway.core);
    const usual = await services.issuersOf(certificate);
    const [chain = [], ...others] = await services.alternateIssuersOf(certificate);
    expect(others).toEqual([]);
    expect(chain).toHaveLength(usual.length + 1);
    expect(chain.slice(0, -2)).toEqual(usual.slice(0, -1));
    expect(chain.at(-1)).toEqual(test.gateway.core.authority.generation('root-2')?.certificate.der);
    const [cross, old] = [chain.at(-2), usual.at(-1)].map((der) => new X509Certificate(der ?? new Uint8Array()));
    expect(old && cross?.publicKey.equals(old.publicKey)).toBe(true);
    expect(opensslAccepts([...chain].reverse().concat(certificate), ['-x509_strict'])).toBe(true);
    expect(opensslAccepts([...usual].reverse().concat(certificate), ['-x509_strict'])).toBe(true);
  });

  it('are for other certificates of the hierarchy those that lead there', async () => {
    const { authority } = test.gateway.core;
    const issuing = authority.generation('devices-1')?.certificate.der ?? new Uint8Array();
    const [chain = []] = await services.alternateIssuersOf(issuing);
    expect(opensslAccepts([...chain].reverse().concat(issuing), ['-x509_strict'])).toBe(true);
    expect(chain).toHaveLength(2);
  });

  it('end with a cross-certificate that is revoked, and with a next root that is dropped', async () => {
    await dropNext('root', testActor, test.gateway.core);
    expect(await services.alternateIssuersOf(certificate)).toEqual([]);
    await stageNext('root', testActor, test.gateway.core);
    const [chain = []] = await services.alternateIssuersOf(certificate);
    const { store } = test.gateway.core;
    const { serialNumber } = decodeCertificate(chain.at(-2) ?? new Uint8Array());
    const revoked = { revokedAt: Date.now(), revocationReason: 4, invalidityDate: null };
    await store.commit({
      statements: [store.certificates.revoke({ id: `root-3:${serialNumber}`, ...revoked })],
      audit: [],
    });
    expect(await services.alternateIssuersOf(certificate)).toEqual([]);
  });

  it('lead to a foreign root over what its CA has issued for one here, which the PKCS #7 download has too', async () => {
    const { core } = test.gateway;
    const own = core.authority.generation('root-1')?.certificate.der ?? new Uint8Array();
    const subject = '/O=Plant/CN=Root';
    await withOpenssl(async (openssl) => {
      makeRoot(openssl, 'partner');
      const link = signLink(openssl, { certificate: own, by: 'partner', subject });
      const [partner = new Uint8Array()] = openssl.certificates('partner.pem');
      const linked = await linkAuthority({ ca: 'root', certificates: [link, partner], actor: testActor }, core);
      const chain = (await services.alternateIssuersOf(certificate)).at(-1) ?? [];
      expect(chain.slice(-2).map((der) => Buffer.from(der))).toEqual([link, partner].map((der) => Buffer.from(der)));
      expect(opensslAccepts([...chain].reverse().concat(certificate), ['-x509_strict'])).toBe(true);
      const downloaded = (await services.trustLinksOf('devices')).map((der) => Buffer.from(der));
      expect(downloaded).toContainEqual(Buffer.from(link));
      expect(downloaded).not.toContainEqual(Buffer.from(partner));
      await unlinkAuthority({ ca: 'root', fingerprint: linked.fingerprint, actor: testActor }, core);
      expect(await services.alternateIssuersOf(certificate)).toEqual([]);
    });
  });

  it('are refused for what was not issued here', async () => {
    const { der } = test.gateway.core.authority.generation('root-1')?.certificate ?? {};
    await expect(services.alternateIssuersOf(der ?? new Uint8Array())).rejects.toMatchObject({ code: 'internal' });
  });
});
