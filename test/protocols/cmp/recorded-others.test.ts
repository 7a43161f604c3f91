/** What OpenSSL 3.5 and 4 and Bouncy Castle sent, recorded. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { infoTypes } from '../../support/cmp/identifiers.js';
import { recordedMessage, replay, startRecordedGateway } from '../../support/cmp-recordings.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
beforeAll(async () => {
  test = await startRecordedGateway('other-clients/gateway');
});
afterAll(() => test.close());

const replayed = (name: string, label = 'recorded') =>
  replay(test, recordedMessage(`other-clients/${name}`), { label });

describe('What OpenSSL 3.5 and 4 and Bouncy Castle sent', () => {
  it.each([
    ['openssl35-ir-ed25519/01-ir', 'ip', 'O=Gatehouse Test\nCN=pump-36', 'ed'],
    ['openssl35-ir-ed448-vendor/01-ir', 'ip', 'O=Gatehouse Test\nCN=station-448'],
    ['openssl35-ir-profile/01-ir', 'ip', 'O=Gatehouse Test\nCN=pump-35'],
    ['openssl35-popo-ra/01-cr', 'cp', 'O=Gatehouse Test\nCN=pump-40'],
    ['openssl41-ir-ta-in-extracerts/01-ir', 'ip', 'O=Gatehouse Test\nCN=station-4712'],
    ['bc-ir-pbm-pvno-2/01-ir', 'ip', 'CN=bc-pbm-2'],
    ['bc-ir-pbm-pvno-3/01-ir', 'ip', 'CN=bc-pbm-3'],
    ['bc-ir-pbmac1/01-ir', 'ip', 'CN=bc-pbmac1'],
    ['bc-ir-rsa/01-ir', 'ip', 'CN=bc-rsa'],
    ['bc-cr-ed25519/01-cr', 'cp', 'CN=bc-ed'],
  ])(
    '%s gets its certificate, and the same one when it comes again',
    async (name, type, subject, label = 'recorded') => {
      const outcome = await replayed(name, label);
      expect(outcome).toMatchObject({ body: { type }, pkiStatus: 'accepted', isImplicitlyConfirmed: false });
      expect(outcome.certificate?.subject).toBe(subject);
      expect((await replayed(name, label)).certificate?.raw).toEqual(outcome.certificate?.raw);
    },
  );

  it('openssl35-ir-profile names a profile, which must be one that it may have', async () => {
    const { header } = recordedMessage('other-clients/openssl35-ir-profile/01-ir');
    expect(header.generalInfo.map(({ type }) => type)).toContain(infoTypes.certProfile);
  });

  it('openssl41-ir-ta-in-extracerts finds the root in extraCerts, too (3GPP TS 33.310)', async () => {
    const { message } = await replayed('openssl41-ir-ta-in-extracerts/01-ir');
    const root = message?.extraCerts.find(({ subject, issuer }) => subject === issuer);
    expect(root?.subject).toBe('O=Gatehouse Test\nCN=Recorded Root CA');
  });

  it.each([
    ['openssl35-kur-ed448/01-kur', 'kup', 'signerNotTrusted'],
    ['bc-kur-ec/01-kur', 'kup', 'signerNotTrusted'],
    ['bc-kur-ec-no-oldcertid/01-kur', 'kup', 'signerNotTrusted'],
    ['bc-kur-rsa-pss/01-kur', 'kup', 'signerNotTrusted'],
    ['bc-rr/01-rr', 'rp', 'badCertId'],
  ])('%s is read and its signature taken; the certificate was not issued here', async (name, type, failInfo) => {
    expect(await replayed(name)).toMatchObject({ body: { type }, pkiStatus: 'rejection', failInfo: [failInfo] });
  });

  it.each([
    ['openssl35-genm-certreqtemplate', infoTypes.certReqTemplate],
    ['openssl35-genm-crlstatus-current', infoTypes.crls],
    ['openssl35-genm-sha3', infoTypes.currentCRL],
    ['bc-genm-cacerts', infoTypes.caCerts],
  ])('%s gets what it asks for', async (name, type) => {
    const { body } = await replayed(`${name}/01-genm`);
    expect(body).toEqual({ type: 'genp', infos: [{ type, value: expect.any(Uint8Array) }] });
  });

  // The distribution points and roots are those of the recording.
  it.each([
    ['openssl35-genm-crlstatus', infoTypes.crls],
    ['openssl35-genm-crlstatus-issuer', infoTypes.crls],
    ['openssl35-genm-rootcacert', infoTypes.rootCaKeyUpdate, 'next'],
    ['openssl35-genm-rootcacert-none', infoTypes.rootCaKeyUpdate],
  ])('%s gets no value, for it asks about what is not here', async (name, type, label = 'recorded') => {
    const { body } = await replayed(`${name}/01-genm`, label);
    expect(body).toEqual({ type: 'genp', infos: [{ type }] });
  });
});
