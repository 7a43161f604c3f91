import { verify, type X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CertificateRevocationList } from 'pkijs';
import { findCertificate, findCrl } from '../../../src/enrollment/find-certificate.js';
import type { RequestedReason } from '../../../src/enrollment/revocation-reason.js';
import { revokeCertificate } from '../../../src/enrollment/revoke.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { sequence, unsignedInteger } from '../../../src/x509/der-writer.js';
import { octetsOf } from '../../support/asn1-values.js';
import { publishChanges } from '../../support/crls.js';
import type { TlsIdentity } from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode, policyLike, yamlPem } from '../../support/fleet.js';
import { newKey, rsaKey } from '../../support/make-csr.js';
import { createManufacturer } from '../../support/manufacturer.js';
import { operator } from '../../support/operator.js';
import { countRecords, recordOf } from '../../support/records.js';
import { createScepClient, issuedBy, type ScepClient } from '../../support/scep-client.js';
import { selfSigned } from '../../support/scep-message.js';
import { expectFailure } from '../../support/scep-refusals.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let scep: ScepClient;
let own: Device;
let issuer: X509Certificate;
let root: X509Certificate;
const clock = createTestClock();
const manufacturer = createManufacturer('Acme');

interface Device {
  readonly certificate: X509Certificate;
  readonly identity: TlsIdentity;
}

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet, clock });
  await applyYaml(
    test,
    'certificateAuthorities: [{ name: other, subject: "CN=Other", key: ec-p256, validity: 10y }]\n',
  );
  await applyYaml(test, policyLike('other', 'issuingCa: other'));
  await applyYaml(test, policyLike('bare', 'scep: { chainInReply: false }'));
  await applyYaml(
    test,
    `authenticationPolicies: [{ name: factory, division: plant, credentials: [{ kind: authentication-ca, name: acme, certificate: ${yamlPem(manufacturer.certificate)} }] }]\n`,
  );
  await applyYaml(test, policyLike('factory', 'authenticationPolicy: factory'));
  scep = createScepClient(test, { label: 'fleet' });
  own = await enroll('CN=own');
  const { chain } = await scep.getCaCert();
  const [first, second] = chain;
  if (first === undefined || second === undefined) throw new Error('no chain');
  [issuer, root] = [first, second];
});
afterAll(async () => {
  scep.close();
  await test.close();
});

async function enroll(subject: string, key = newKey(), client = scep): Promise<Device> {
  const certificate = issuedBy(await client.enroll({ key, subject, challenge: fleetPasscode }));
  return { certificate, identity: { chain: [certificate.raw], privateKey: key.privateKey } };
}

async function revoke({ certificate }: Device, reason: RequestedReason): Promise<void> {
  const { issuerId, serialNumber } = await recordOf(test, certificate);
  await revokeCertificate({ issuerId, serialNumber, reason, actor: operator('test') }, test.gateway.core);
}

const unknown = { failInfo: 'badCertId', code: 'unknown-certificate' } as const;
const refusedSigner = { failInfo: 'badMessageCheck', code: 'untrusted-signer' } as const;
const refusedRequester = { failInfo: 'badRequest', code: 'revoked-requester' } as const;

describe('SCEP GetCert (RFC 8894 3.3.4)', () => {
  it.each(['POST', 'GET'] as const)(
    "by %s has the device's own certificate, and the CA certificates",
    async (method) => {
      const before = await countRecords(test);
      const { reply } = await scep.getCert({ certificate: own.certificate.raw, identity: own.identity, method });
      expect(reply).toMatchObject({ pkiStatus: 'SUCCESS', crls: [], signer: { isValid: true } });
      expect(reply?.certificates.map(({ raw }) => raw)).toEqual(
        [own, { certificate: issuer }, { certificate: root }].map(({ certificate }) => certificate.raw),
      );
      expect(await countRecords(test)).toEqual(before);
    },
  );

  it("has another device's certificate, revoked ones as well", async () => {
    const other = await enroll('CN=other');
    await revoke(other, 'superseded');
    const { reply } = await scep.getCert({ certificate: other.certificate.raw, identity: own.identity });
    expect(reply?.certificates[0]?.raw).toEqual(other.certificate.raw);
  });

  it("has the certificates of the CA and of the gateway's own RA, once", async () => {
    const { ra } = await scep.getCaCert();
    const answered = async (wanted: X509Certificate) => {
      const { reply } = await scep.getCert({ certificate: wanted.raw, identity: own.identity });
      return reply?.certificates.map(({ raw }) => raw);
    };
    expect(await answered(issuer)).toEqual([issuer.raw, root.raw]);
    expect(await answered(root)).toEqual([root.raw, issuer.raw]);
    expect(await answered(ra)).toEqual([ra.raw, issuer.raw, root.raw]);
  });

  it('has no CA certificates where the policy leaves them out', async () => {
    const client = createScepClient(test, { label: 'bare' });
    const { reply } = await client.getCert({ certificate: own.certificate.raw, identity: own.identity });
    expect(reply?.certificates.map(({ raw }) => raw)).toEqual([own.certificate.raw]);
    client.close();
  });

  it('is answered to an RSA key by the key transport of the request', async () => {
    const device = await enroll('CN=rsa', rsaKey);
    const message = { cipher: 'aes-256-cbc', keyTransport: 'rsa-oaep-sha256', digest: 'sha384' } as const;
    const { reply } = await scep.getCert({ certificate: own.certificate.raw, identity: device.identity, message });
    expect(reply).toMatchObject({
      signer: { digest: 'sha384' },
      envelope: { cipher: 'aes-256-cbc', recipient: 'rsa-oaep-sha256' },
    });
  });
});

describe('SCEP GetCRL (RFC 8894 3.3.4)', () => {
  it('has the CRL of the CA alone, which verifies, and has what was revoked', async () => {
    const revoked = await enroll('CN=listed');
    await revoke(revoked, 'keyCompromise');
    await publishChanges(test);
    const { reply } = await scep.getCrl({ certificate: own.certificate.raw, identity: own.identity });
    expect(reply).toMatchObject({ pkiStatus: 'SUCCESS', certificates: [] });
    const [crl, second] = reply?.crls ?? [];
    if (crl === undefined || second !== undefined) throw new Error('not one CRL');
    const { tbsView, signatureValue, revokedCertificates = [] } = CertificateRevocationList.fromBER(crl);
    expect(verify('sha256', tbsView, issuer.publicKey, octetsOf(signatureValue))).toBe(true);
    const serials = revokedCertificates.map(({ userCertificate }) =>
      Buffer.from(userCertificate.valueBlock.valueHexView).toString('hex').replace(/^00/, ''),
    );
    expect(serials).toContain(revoked.certificate.serialNumber.toLowerCase());
    expect(serials).not.toContain(own.certificate.serialNumber.toLowerCase());
  });

  it("of the CA's own certificate, and of the root's, is the root's", async () => {
    for (const { raw } of [issuer, root]) {
      const { reply } = await scep.getCrl({ certificate: raw, identity: own.identity });
      const { tbsView, signatureValue } = CertificateRevocationList.fromBER(reply?.crls[0] ?? Buffer.of());
      expect(verify('sha384', tbsView, root.publicKey, octetsOf(signatureValue))).toBe(true);
    }
  });
});

describe.each(['getCert', 'getCrl'] as const)('SCEP %s', (operation) => {
  it('of an unknown serial number is badCertId', async () => {
    const content = sequence(decodeCertificate(own.certificate.raw).issuer, unsignedInteger(Buffer.alloc(16, 0x5a)));
    const query = { certificate: own.certificate.raw, identity: own.identity, message: { content } };
    await expectFailure(test, await scep[operation](query), unknown);
  });

  it('of a certificate of another CA is badCertId, although the gateway has it', async () => {
    const client = createScepClient(test, { label: 'other' });
    const other = await enroll(`CN=of-other-${operation}`, newKey(), client);
    client.close();
    await expectFailure(
      test,
      await scep[operation]({ ...other, identity: own.identity, certificate: other.certificate.raw }),
      unknown,
    );
    await expectFailure(
      test,
      await scep[operation]({ certificate: manufacturer.certificate, identity: own.identity }),
      unknown,
    );
  });

  it('is refused to a self-signed certificate with badMessageCheck', async () => {
    const key = newKey();
    const { certificate } = selfSigned(key, 'CN=own', clock.now());
    const identity = { chain: [certificate], privateKey: key.privateKey };
    await expectFailure(test, await scep[operation]({ certificate: own.certificate.raw, identity }), refusedSigner);
  });

  it('is refused to a good passcode alone', async () => {
    const { issuer: name, serialNumber } = decodeCertificate(own.certificate.raw);
    const credentials = [{ kind: 'password', password: fleetPasscode }] as const;
    const origin = { label: 'fleet', remoteAddress: '127.0.0.1', requestId: `passcode-${operation}` };
    const query = { ...origin, protocol: 'scep', operation, issuer: name, serialNumber, credentials } as const;
    const find = operation === 'getCert' ? findCertificate : findCrl;
    await expect(find(query, test.gateway.core)).rejects.toMatchObject({ code: 'untrusted-signer' });
  });

  it('is refused to who has no certificate that counts at this policy', async () => {
    const identity = manufacturer.device('O=Acme,CN=unit');
    await expectFailure(test, await scep[operation]({ certificate: own.certificate.raw, identity }), refusedSigner);
    const client = createScepClient(test, { label: 'factory' });
    await expectFailure(
      test,
      await client[operation]({ certificate: own.certificate.raw, identity: own.identity }),
      refusedSigner,
    );
    expect((await client[operation]({ certificate: own.certificate.raw, identity })).reply?.pkiStatus).toBe('SUCCESS');
    client.close();
  });

  it.each(['superseded', 'certificateHold'] as const)('is refused to a signer revoked as %s', async (reason) => {
    const device = await enroll(`CN=${operation} ${reason}`);
    await revoke(device, reason);
    const query = { certificate: own.certificate.raw, identity: device.identity };
    await expectFailure(test, await scep[operation](query), refusedRequester);
  });

  it('with anything else inside, or damaged, is as if it asked for what is unknown', async () => {
    const key = newKey();
    const { certificate } = selfSigned(key, 'CN=own', clock.now());
    const stranger = { chain: [certificate], privateKey: key.privateKey };
    for (const [identity, refusal] of [
      [own.identity, unknown],
      [stranger, refusedSigner],
    ] as const) {
      const query = { certificate: own.certificate.raw, identity };
      const outcomes = [
        await scep[operation]({ ...query, message: { content: own.certificate.raw } }),
        await scep[operation]({ ...query, message: { content: new Uint8Array() } }),
        await scep[operation]({ ...query, message: { damage: 'encryptedContent' } }),
        await scep[operation]({ ...query, message: { damage: 'encryptedKey' } }),
      ];
      for (const outcome of outcomes) await expectFailure(test, outcome, refusal);
      expect(new Set(outcomes.map(({ reply }) => reply?.failInfoText)).size).toBe(1);
    }
  });
});

describe('SCEP GetCert after the end of the signer’s certificate', () => {
  it('is refused, also within the grace of a renewal', async () => {
    clock.advance(92 * daySeconds);
    await expectFailure(test, await scep.getCert({ certificate: own.certificate.raw, identity: own.identity }), {
      ...refusedRequester,
      says: 'expired',
    });
  });
});
