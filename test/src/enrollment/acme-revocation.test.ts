/** Revocation over ACME (RFC 8555 7.6): by the account that got the certificate, by one that has proved its names, and by its key. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { revokeByMessage } from '../../../src/enrollment/revoke-by-message.js';
import { createIdentifier } from '../../../src/identifier.js';
import type { PresentedCredential } from '../../../src/model/presented-credential.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import type { GeneralName } from '../../../src/x509/general-names.js';
import { applyYaml, fleetPasscode, policyLike } from '../../support/fleet.js';
import { eventOf } from '../../support/records.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';
import {
  account,
  accountKey,
  acmePolicy,
  authenticationPolicy,
  credentialId,
  dns,
  dnsIdentifiers,
  issued,
  remoteAddress,
  revoke,
  revokeCredential,
  startAcmeFleet,
} from './acme-conversation.js';
import { recordOf } from './cmp-conversation.js';

const clock = createTestClock();
let test: TestGateway;

beforeAll(async () => {
  test = await startAcmeFleet(clock);
  await applyYaml(test, authenticationPolicy([accountKey('ended')], 'acceptIssuedCertificates: false'));
  await applyYaml(test, acmePolicy('other', 'challenges'));
  await applyYaml(test, acmePolicy('asking', 'challenges', 'cmp: { approve: [rr] }'));
  await applyYaml(test, policyLike('mixed', 'methods: [est, acme]'));
});
afterAll(() => test.close());

const refused = (code: string, says = '') => expect.objectContaining({ code, message: expect.stringContaining(says) });

const ip: GeneralName = { type: 'ip', value: '192.0.2.1' };
const proof = [...dnsIdentifiers('a.example', '*.b.example'), { type: 'ip', value: '192.0.2.1' }] as const;

const password = { kind: 'password', password: fleetPasscode } as const;

/** A certificate with all names of {@link proof}, and the account that got it. */
async function make(label = 'challenges', subject = '') {
  const owner = account({ identifiers: proof });
  const names = [...dns('a.example', '*.b.example'), ip];
  return { owner, certificate: await issued(test, { label, subject, names, credentials: [owner] }) };
}

function byKey(certificate: Uint8Array, proof: 'tls' | 'message' = 'message'): PresentedCredential {
  return { kind: 'certificate', chain: [certificate], proof };
}

async function expectRefused(
  certificate: Uint8Array,
  credential: PresentedCredential,
  [code, says]: readonly [code: string, says?: string],
  label = 'challenges',
): Promise<void> {
  const before = await recordOf(test, certificate);
  await expect(revoke(test, label, certificate, credential)).rejects.toEqual(refused(code, says));
  expect(await recordOf(test, certificate)).toEqual(before);
}

describe('An account', () => {
  it('revokes what it has got, whatever it has proved since', async () => {
    const { owner, certificate } = await make();
    const requestId = await revoke(test, 'challenges', certificate, { ...owner, identifiers: [] });
    expect(await recordOf(test, certificate)).toMatchObject({ status: 'revoked', revocationReason: 1 });
    expect(await eventOf(test, { requestId })).toMatchObject({
      action: 'certificate.revoked',
      protocol: 'acme',
      reason: 'keyCompromise',
      requestedBy: `acme-account:${owner.account}`,
    });
  });

  it('revokes what another one has got, when it has proved all of its names', async () => {
    for (const subject of ['', 'CN=a.example', 'CN=192.0.2.1']) {
      const { certificate } = await make('challenges', subject);
      await revoke(test, 'challenges', certificate, account({ identifiers: proof }));
      expect(await recordOf(test, certificate)).toMatchObject({ status: 'revoked' });
    }
  });

  it.each([
    ['nothing', []],
    ['one of them', dnsIdentifiers('a.example')],
    ['all but one', proof.slice(0, 2)],
    ['the name below the wildcard', [...dnsIdentifiers('a.example', 'b.example'), ...proof.slice(2)]],
    ['a name of another kind', [...proof.slice(0, 2), ...dnsIdentifiers('192.0.2.1')]],
  ])('has no say in it when it has proved %s', async (_, identifiers) => {
    const { certificate } = await make();
    await expectRefused(certificate, account({ identifiers }), ['forbidden', 'has not proved all of its names']);
  });

  it('has none in a certificate with a common name that is not proved, or without alternative names', async () => {
    for (const wish of [
      { subject: 'CN=pump-9', names: dns('a.example') },
      { subject: 'CN=a.example', names: [] },
    ]) {
      const certificate = await issued(test, { protocol: 'est', label: 'mixed', credentials: [password], ...wish });
      await expectRefused(certificate, account({ identifiers: proof }), ['forbidden'], 'mixed');
    }
  });

  it('proves nothing by authorizations that an external account alone made valid', async () => {
    const externalAccount = await credentialId(test, 'many');
    const owner = account({ externalAccount, identifiers: proof });
    const certificate = await issued(test, { label: 'external', credentials: [owner], names: dns('a.example') });
    const other = account({ externalAccount, identifiers: proof });
    await expectRefused(certificate, other, ['forbidden', 'issued to another account'], 'external');
    await revoke(test, 'external', certificate, owner);
  });

  it('has no say in certificates of other policies', async () => {
    const { owner, certificate } = await make();
    // Of the same authentication policy, and of another one.
    await expectRefused(certificate, owner, ['forbidden'], 'other');
    await expectRefused(certificate, owner, ['unknown-certificate'], 'mixed');
  });

  it('has one in what another protocol issued under its policy, when it has proved all of its names', async () => {
    const certificate = await issued(test, {
      protocol: 'est',
      label: 'mixed',
      credentials: [password],
      subject: 'CN=a.example',
      names: dns('a.example'),
    });
    await expectRefused(certificate, account(), ['forbidden'], 'mixed');
    await revoke(test, 'mixed', certificate, account({ identifiers: dnsIdentifiers('a.example') }));
  });

  it('has none any more once its external account was revoked', async () => {
    const owner = account({ externalAccount: await credentialId(test, 'ended'), identifiers: proof });
    const certificate = await issued(test, { label: 'challenges', credentials: [owner], names: dns('a.example') });
    await revokeCredential(test, 'ended');
    await expectRefused(certificate, owner, ['bad-secret', 'was revoked']);
  });
});

describe('The key of a certificate', () => {
  it('revokes it, also where certificates that were issued here open nothing', async () => {
    const { certificate } = await make();
    const requestId = await revoke(test, 'challenges', certificate, byKey(certificate));
    const record = await recordOf(test, certificate);
    expect(record).toMatchObject({ status: 'revoked' });
    expect(await eventOf(test, { requestId })).toMatchObject({
      action: 'certificate.revoked',
      requestedBy: `certificate:${record.id}`,
    });
  });

  it('revokes no other one, and opens nothing else', async () => {
    const { certificate } = await make();
    const { certificate: other } = await make();
    await expectRefused(certificate, byKey(other), ['forbidden', 'only the key of the certificate']);
    const names = dns('a.example');
    await expect(issued(test, { label: 'challenges', credentials: [byKey(other)], names })).rejects.toEqual(
      refused('untrusted-signer'),
    );
  });

  it('has to have signed the message: a TLS connection is nothing to ACME', async () => {
    const { certificate } = await make();
    await expectRefused(certificate, byKey(certificate, 'tls'), ['forbidden']);
  });

  it('revokes it over ACME alone where it opens nothing else', async () => {
    await applyYaml(test, acmePolicy('with-cmp', 'challenges').replace('[acme]', '[acme, cmp]'));
    const { certificate } = await make('with-cmp');
    const { issuer, serialNumber } = decodeCertificate(certificate);
    const message = { protocol: 'cmp', label: 'with-cmp', issuer, serialNumber, reason: 'keyCompromise' } as const;
    const credentials = [byKey(certificate)];
    const requestId = createIdentifier();
    await expect(
      revokeByMessage({ ...message, credentials, remoteAddress, requestId }, test.gateway.core),
    ).rejects.toEqual(refused('untrusted-signer'));
    await revoke(test, 'with-cmp', certificate, byKey(certificate));
  });

  it('has no say in certificates of other authentication policies', async () => {
    const { certificate } = await make();
    await expectRefused(certificate, byKey(certificate), ['unknown-certificate'], 'mixed');
  });
});

describe('A certificate', () => {
  it('is revoked once: who comes later is told that it is', async () => {
    const { owner, certificate } = await make();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) =>
        revoke(test, 'challenges', certificate, i % 2 === 0 ? owner : byKey(certificate)),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toEqual(refused('already-revoked'));
    }
    await expectRefused(certificate, owner, ['already-revoked']);
    await expectRefused(certificate, byKey(certificate), ['already-revoked']);
    await expectRefused(certificate, account({ identifiers: proof }), ['already-revoked']);
    await expectRefused(certificate, account(), ['forbidden']);
  });

  it('waits for nobody: what CMP’s revocations wait for is CMP’s', async () => {
    const { owner, certificate } = await make('asking');
    await revoke(test, 'asking', certificate, owner);
    expect(await recordOf(test, certificate)).toMatchObject({ status: 'revoked' });
  });

  it('that nobody knows is unknown to whoever asks', async () => {
    const { certificate } = await make();
    const unknown = Uint8Array.from(certificate);
    // The serial number follows version and its own tag and length.
    const at = Buffer.from(certificate).indexOf(Buffer.from('a003020102', 'hex')) + 8;
    unknown[at] = (unknown[at] ?? 0) ^ 1;
    await expect(revoke(test, 'challenges', unknown, byKey(unknown))).rejects.toEqual(refused('unknown-certificate'));
    await expect(revoke(test, 'challenges', unknown, account({ identifiers: proof }))).rejects.toEqual(
      refused('unknown-certificate'),
    );
  });

  it('that has expired is past revoking', async () => {
    const { owner, certificate } = await make();
    clock.advance(91 * daySeconds);
    await expectRefused(certificate, owner, ['already-revoked', 'has expired']);
    await expectRefused(certificate, byKey(certificate), ['already-revoked', 'has expired']);
  });
});
