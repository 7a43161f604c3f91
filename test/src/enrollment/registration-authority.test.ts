/** What registration authorities ask for others (RFC 9483 5.2), revocation by message (4.2), and what requests may choose. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { authenticateMessage } from '../../../src/enrollment/authenticate-message.js';
import { enroll } from '../../../src/enrollment/enroll.js';
import type { EnrollmentRequest } from '../../../src/enrollment/request.js';
import { GatewayError } from '../../../src/errors.js';
import type { PresentedCredential } from '../../../src/model/presented-credential.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { formatName } from '../../../src/x509/names.js';
import { applyYaml, policyLike, yamlPem } from '../../support/fleet.js';
import { extendedKeyUsage } from '../../support/make-chain.js';
import { newKey } from '../../support/make-csr.js';
import { createManufacturer } from '../../support/manufacturer.js';
import { eventOf } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';
import {
  addCredential,
  confirm,
  device,
  final,
  issued,
  mac,
  recordOf,
  revoke,
  signature,
  startCmpFleet,
  update,
} from './cmp-conversation.js';

const clock = createTestClock();
let test: TestGateway;
const vendor = createManufacturer('Vendor');
const raCertificate = vendor.device('O=Vendor,CN=ra-1', { extensions: [extendedKeyUsage('1.3.6.1.5.5.7.3.28')] });
const ra: PresentedCredential = {
  kind: 'certificate',
  chain: raCertificate.chain,
  proof: 'message',
  chainRequired: true,
};

const bootstrap = `
profiles:
  - name: factory
    template: device
    subject: [{ attribute: commonName, source: request, required: true }]
    keyUsages: [digitalSignature]
    validity: 30d
`;
/** What the policy has that issues to the registration authority of the gateway's own. */
const raTemplate = `
templates:
  - name: ra
    keys: { ec: { curves: [P-256] } }
    keyUsages: [digitalSignature]
    extendedKeyUsages: [cmcRA]
    subjectAttributes: [commonName]
    maximumValidity: 1y
profiles:
  - name: ra
    template: ra
    subject: [{ attribute: commonName, source: request, required: true }]
    keyUsages: [digitalSignature]
    extendedKeyUsages: [cmcRA]
    validity: 90d
`;

beforeAll(async () => {
  test = await startCmpFleet(clock);
  await applyYaml(
    test,
    addCredential(`{ kind: authentication-ca, name: vendor, certificate: ${yamlPem(vendor.certificate)} }`),
  );
  await applyYaml(test, policyLike('cmp', 'methods: [cmp], cmp: { registrationAuthorities: [vendor] }'));
  await applyYaml(test, bootstrap);
  const profiles = '[{ usage: bootstrap, profile: factory }, { usage: operational, profile: device }]';
  await applyYaml(test, policyLike('two-steps', `methods: [cmp], profiles: ${profiles}`));
  await applyYaml(test, raTemplate);
  await applyYaml(test, policyLike('ras', 'methods: [cmp], profiles: [{ usage: operational, profile: ra }]'));
});
afterAll(() => test.close());

const refused = (code: string) => expect.objectContaining({ code });
const ask = (wanted: EnrollmentRequest) => enroll(wanted, test.gateway.core);

function onBehalf(certificate: Uint8Array, commonName: string, changes: Partial<EnrollmentRequest> = {}) {
  const { issuer, serialNumber } = decodeCertificate(certificate);
  const onBehalfOf = { issuer, serialNumber };
  const wanted = { operation: 'reenroll', supplants: true, onBehalfOf, credentials: [ra], commonName } as const;
  return { ...final(wanted), ...changes };
}

describe('A registration authority', () => {
  it('enrolls devices, whose names are not its own', async () => {
    const { certificate } = await issued(test, final({ credentials: [ra], commonName: 'behind-ra' }));
    const { deviceId, requester, subject } = await recordOf(test, certificate);
    expect(requester).toMatch(/^authentication-ca:/);
    expect(subject).toBe('CN=behind-ra');
    expect(await test.gateway.core.store.devices.findById({ id: deviceId ?? '' })).toMatchObject({ name: 'behind-ra' });
  });

  it('renews the certificate of a device', async () => {
    const { certificate } = await device(test, { commonName: 'renewed' });
    const wanted = onBehalf(certificate, 'renewed');
    const renewed = await issued(test, wanted);
    const [before, after] = [await recordOf(test, certificate), await recordOf(test, renewed.certificate)];
    expect(after).toMatchObject({ replaces: before.id, deviceId: before.deviceId });
    expect(after.requester).toMatch(/^authentication-ca:/);
    expect(await recordOf(test, certificate)).toMatchObject({ supplantedBy: after.id });
    await expect(ask(onBehalf(certificate, 'renewed'))).rejects.toEqual(refused('revoked-requester'));
    await expect(ask(onBehalf(renewed.certificate, 'someone else'))).rejects.toEqual(refused('rejected-name'));
  });

  it('confirms what it asked for itself', async () => {
    const { certificate } = await device(test, { commonName: 'confirmed by RA' });
    const renewed = await issued(test, onBehalf(certificate, 'confirmed by RA', { confirmWithin: 60 }));
    await expect(ask(onBehalf(certificate, 'confirmed by RA'))).rejects.toEqual(refused('invalid-state'));
    await confirm(test, renewed.certificate);
    expect(await recordOf(test, renewed.certificate)).toMatchObject({ confirmBy: null });
  });

  it('renews nothing that is revoked, unknown, or a CA’s or the gateway’s own', async () => {
    const { certificate, chain } = await device(test, { commonName: 'lost' });
    await revoke(test, certificate, { credentials: [ra] });
    await expect(ask(onBehalf(certificate, 'lost'))).rejects.toEqual(refused('revoked-requester'));
    await expect(ask(onBehalf(vendor.certificate, 'lost'))).rejects.toEqual(refused('unknown-certificate'));
    await expect(ask(onBehalf(chain[0] ?? new Uint8Array(), 'Devices'))).rejects.toEqual(
      refused('unknown-certificate'),
    );
  });

  it('is nobody else: others ask for themselves alone', async () => {
    const mine = await device(test, { commonName: 'mine' });
    const other = await device(test, { commonName: 'other' });
    for (const credential of [mac(), mine.credential]) {
      const wanted = onBehalf(other.certificate, 'other', { credentials: [credential] });
      await expect(ask(wanted)).rejects.toEqual(refused('forbidden'));
    }
    const plain = vendor.device('O=Vendor,CN=no-ra');
    const credential: PresentedCredential = { kind: 'certificate', chain: plain.chain, proof: 'message' };
    const wanted = onBehalf(other.certificate, 'other', { credentials: [credential] });
    await expect(ask(wanted)).rejects.toEqual(refused('forbidden'));
  });

  it('may have its certificate from here, if the operator has registered that', async () => {
    const own = await issued(test, final({ label: 'ras', commonName: 'ra-2' }));
    const credential = signature(own.certificate, own.chain);
    await applyYaml(
      test,
      addCredential(`{ kind: authentication-certificate, name: ra-2, certificate: ${yamlPem(own.certificate)} }`),
    );
    await applyYaml(test, policyLike('cmp', 'methods: [cmp], cmp: { registrationAuthorities: [vendor, ra-2] }'));
    const { certificate } = await issued(test, final({ credentials: [credential], commonName: 'behind-ra-2' }));
    expect(await recordOf(test, certificate)).toMatchObject({ subject: 'CN=behind-ra-2', replaces: null });
    await issued(test, onBehalf(certificate, 'behind-ra-2', { credentials: [credential] }));
    // What it asks for is not by its own certificate, as for others of its kind.
    const asked = { ...final({ credentials: [credential] }), operation: 'genm' };
    expect(await authenticateMessage(asked, test.gateway.core)).not.toHaveProperty('certificateUsage');
    const elsewhere = { ...asked, label: 'two-steps' };
    expect(await authenticateMessage(elsewhere, test.gateway.core)).toMatchObject({ certificateUsage: 'operational' });
  });
});

describe('Revocation by message (RFC 9483 4.2)', () => {
  it('is for the holder and for registration authorities', async () => {
    const mine = await device(test, { commonName: 'revoked by itself' });
    const other = await device(test, { commonName: 'revoked by RA' });
    await expect(revoke(test, other.certificate, { credentials: [mine.credential] })).rejects.toEqual(
      refused('forbidden'),
    );
    await expect(revoke(test, mine.certificate, { credentials: [mac()] })).rejects.toEqual(refused('forbidden'));
    const requestId = await revoke(test, mine.certificate, { credentials: [mine.credential] });
    const { requester, ...record } = await recordOf(test, mine.certificate);
    expect(record).toMatchObject({ status: 'revoked', revocationReason: 1 });
    expect(requester).toMatch(/^cmp-secret:/);
    expect(await eventOf(test, { requestId })).toMatchObject({
      action: 'certificate.revoked',
      requestedBy: `certificate:${record.id}`,
      protocol: 'cmp',
    });
    await revoke(test, other.certificate, { credentials: [ra], reason: 'affiliationChanged' });
    expect(await recordOf(test, other.certificate)).toMatchObject({ status: 'revoked', revocationReason: 3 });
    await expect(revoke(test, other.certificate, { credentials: [ra] })).rejects.toEqual(refused('already-revoked'));
    await expect(revoke(test, mine.certificate, { credentials: [mine.credential] })).rejects.toEqual(
      refused('revoked-requester'),
    );
  });

  it('puts on hold and revives, also by the certificate that is on hold, which speaks for nothing else', async () => {
    const { certificate, credential } = await device(test, { commonName: 'on hold' });
    const other = await device(test, { commonName: 'on hold too' });
    await revoke(test, certificate, { credentials: [credential], reason: 'certificateHold' });
    expect(await recordOf(test, certificate)).toMatchObject({ status: 'held' });
    await expect(revoke(test, certificate, { credentials: [credential] })).rejects.toEqual(
      refused('revoked-requester'),
    );
    await revoke(test, other.certificate, { credentials: [ra], reason: 'certificateHold' });
    await expect(
      revoke(test, other.certificate, { credentials: [credential], reason: 'removeFromCRL' }),
    ).rejects.toEqual(refused('forbidden'));
    const requestId = await revoke(test, certificate, { credentials: [credential], reason: 'removeFromCRL' });
    expect(await recordOf(test, certificate)).toMatchObject({ status: 'valid', revocationReason: null });
    expect(await eventOf(test, { requestId })).toMatchObject({ action: 'certificate.released' });
    await expect(revoke(test, certificate, { credentials: [ra], reason: 'removeFromCRL' })).rejects.toEqual(
      refused('unknown-certificate'),
    );
  });

  it('finds nothing for another issuer or number, and looks at what else the message says', async () => {
    const { certificate, credential } = await device(test);
    const { subject } = decodeCertificate(certificate);
    const credentials = [credential];
    await expect(revoke(test, certificate, { credentials, serialNumber: '0a' })).rejects.toEqual(
      refused('unknown-certificate'),
    );
    await expect(revoke(test, certificate, { credentials, issuer: subject })).rejects.toEqual(
      refused('unknown-certificate'),
    );
    const requireDescribed = (der: Uint8Array) => {
      expect(der).toEqual(certificate);
      throw new GatewayError('unknown-certificate', `not ${formatName(subject)}`);
    };
    await expect(revoke(test, certificate, { credentials, requireDescribed })).rejects.toEqual(
      refused('unknown-certificate'),
    );
    expect(await recordOf(test, certificate)).toMatchObject({ status: 'valid' });
  });

  it('is too late for a certificate that has expired', async () => {
    const { certificate, credential } = await device(test);
    clock.advance(91 * 86_400);
    await expect(revoke(test, certificate, { credentials: [ra] })).rejects.toEqual(refused('already-revoked'));
    await expect(revoke(test, certificate, { credentials: [credential] })).rejects.toEqual(
      refused('revoked-requester'),
    );
  });
});

describe('A profile that the requester has chosen', () => {
  it('is one of the policy’s that it may have', async () => {
    const label = 'two-steps';
    const first = await issued(test, final({ label, profileHint: 'device', commonName: 'chosen' }));
    expect(await recordOf(test, first.certificate)).toMatchObject({ profile: 'device', usage: 'operational' });
    const usual = await issued(test, final({ label }));
    expect(await recordOf(test, usual.certificate)).toMatchObject({ profile: 'factory' });
    await expect(ask(final({ label, profileHint: 'nonsense' }))).rejects.toEqual(refused('rejected-profile'));
    const credential = signature(first.certificate, first.chain);
    const wanted = update(credential, 'chosen', { label, profileHint: 'factory' });
    await expect(ask(wanted)).rejects.toEqual(refused('rejected-profile'));
  });
});

describe('A request that needs a new key', () => {
  it('is refused while the key is in a certificate, be it its own', async () => {
    const key = newKey();
    const commonName = 'one key';
    const { certificate, credential } = await device(test, { key, commonName });
    const again = { key, commonName, newKeyOnly: true };
    await expect(ask(final(again))).rejects.toEqual(refused('unacceptable-key'));
    await expect(ask(update(credential, commonName, again))).rejects.toEqual(refused('unacceptable-key'));
    await issued(test, final({ key, commonName }));
    await revoke(test, certificate, { credentials: [ra], reason: 'superseded' });
    await expect(ask(final(again))).rejects.toEqual(refused('unacceptable-key'));
  });

  it('is refused when two come with one key at the same time', async () => {
    const again = { key: newKey(), commonName: 'parallel', newKeyOnly: true };
    const answers = await Promise.allSettled([ask(final(again)), ask(final(again))]);
    const codes = answers.map((answer) => (answer.status === 'rejected' ? answer.reason.code : 'issued'));
    expect(codes.toSorted()).toEqual(['issued', 'unacceptable-key']);
  });
});
