/** Requests of protocols whose messages are all signed by one key (decision 0015), as the core sees them. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest, rejectRequest } from '../../../src/enrollment/approve.js';
import { enroll } from '../../../src/enrollment/enroll.js';
import { poll } from '../../../src/enrollment/poll.js';
import type { EnrollmentRequest } from '../../../src/enrollment/request.js';
import type { EnrollmentResult } from '../../../src/enrollment/result.js';
import { revokeCertificate } from '../../../src/enrollment/revoke.js';
import { createIdentifier } from '../../../src/identifier.js';
import type { PresentedCredential } from '../../../src/model/presented-credential.js';
import { encodeName } from '../../../src/x509/names.js';
import { parseName } from '../../../src/x509/parse-name.js';
import { keyFingerprint } from '../../../src/x509/public-key.js';
import { applyYaml, fleet, fleetPasscode, makePasscode, policyLike } from '../../support/fleet.js';
import { type KeyPair, newKey, spkiOf } from '../../support/make-csr.js';
import { by, operator } from '../../support/operator.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
const clock = createTestClock();

const bootstrap = `
profiles:
  - name: factory
    template: device
    subject: [{ attribute: commonName, source: request, required: true }]
    keyUsages: [digitalSignature]
    validity: 30d
`;
const both = `
authenticationPolicies:
  - name: both
    division: plant
    require: certificate-and-secret
    credentials: [{ kind: passcode, name: both, secret: both-passcode }]
`;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet, clock });
  await applyYaml(test, policyLike('manual', 'approval: manual'));
  await applyYaml(test, policyLike('replace', 'duplicates: revoke-previous'));
  await applyYaml(test, bootstrap);
  const profiles = '[{ usage: bootstrap, profile: factory }, { usage: operational, profile: device }]';
  await applyYaml(test, policyLike('two-steps', `profiles: ${profiles}`));
  await applyYaml(test, both + policyLike('both', 'authenticationPolicy: both'));
});
afterAll(() => test.close());

let requests = 0;

interface Wish {
  readonly key?: KeyPair;
  readonly commonName?: string;
  readonly passcode?: string;
  readonly label?: string;
  /** The certificate that signs, and the key that belongs to it. */
  readonly signer?: { readonly certificate: Uint8Array; readonly key: KeyPair };
  readonly replayableUntil?: Date;
}

/** The same wish twice is the same request again, as a protocol would hand it on. */
function makeRequest(wish: Wish): EnrollmentRequest & { conversation: { id: string; holder: string } } {
  const { key = newKey(), commonName = `device-${++requests}`, passcode, signer, label = 'fleet' } = wish;
  const credentials: PresentedCredential[] = [];
  if (signer) credentials.push({ kind: 'certificate', chain: [signer.certificate], proof: 'message' });
  if (passcode !== undefined) credentials.push({ kind: 'password', password: passcode });
  return {
    protocol: 'scep',
    label,
    operation: 'either',
    // Who signs is part of what makes a message the same request.
    transactionId: signer ? `t-${commonName}-by-certificate` : `t-${commonName}`,
    conversation: { id: `t-${commonName}`, holder: keyFingerprint(spkiOf(signer?.key ?? key)) },
    requested: {
      subjectPublicKeyInfo: spkiOf(key),
      subject: encodeName(parseName(`CN=${commonName}`)),
      extensions: [],
    },
    credentials,
    remoteAddress: '192.0.2.7',
    requestId: createIdentifier(),
    ...(wish.replayableUntil ? { replayableUntil: wish.replayableUntil } : {}),
  };
}

const ask = (request: EnrollmentRequest): Promise<EnrollmentResult> =>
  enroll({ ...request, requestId: createIdentifier() }, test.gateway.core);

async function issued(request: EnrollmentRequest): Promise<Extract<EnrollmentResult, { outcome: 'issued' }>> {
  const result = await ask(request);
  if (result.outcome !== 'issued') throw new Error('not issued');
  return result;
}

const look = ({ conversation, label = 'fleet' }: ReturnType<typeof makeRequest>): Promise<EnrollmentResult> =>
  poll(
    { protocol: 'scep', label, pending: { conversation }, remoteAddress: '192.0.2.7', requestId: createIdentifier() },
    test.gateway.core,
  );

async function recordOf(serialNumber: string) {
  return await test.gateway.core.store.certificates.findByIssuerAndSerial('devices-1', serialNumber);
}

describe('a repeat in a conversation', () => {
  it('has the same answer although its one-time passcode is used up, or has expired since', async () => {
    const passcode = await makePasscode(test, { usageLimit: 1, expiresInSeconds: 60 });
    const request = makeRequest({ passcode });
    const first = await issued(request);
    expect((await issued(request)).serialNumber).toBe(first.serialNumber);
    clock.advance(120);
    expect((await issued(request)).serialNumber).toBe(first.serialNumber);
  });

  it('is nobody else’s: another key with the same id has to have its own credential', async () => {
    const passcode = await makePasscode(test, { usageLimit: 1 });
    const request = makeRequest({ passcode, commonName: 'shared-id' });
    await issued(request);
    const other = makeRequest({ passcode, commonName: 'shared-id' });
    await expect(ask(other)).rejects.toMatchObject({ code: 'bad-secret' });
  });

  it('is refused when its certificate was revoked meanwhile: it may be a copy that somebody has captured', async () => {
    const request = makeRequest({ passcode: fleetPasscode });
    const { serialNumber } = await issued(request);
    const revocation = { issuerId: 'devices-1', serialNumber, actor: operator('test'), reason: 'superseded' } as const;
    await revokeCertificate(revocation, test.gateway.core);
    await expect(ask(request)).rejects.toMatchObject({ code: 'revoked-requester' });
    await expect(look(request)).rejects.toMatchObject({ code: 'revoked-requester' });
  });

  it('cannot bring back a certificate that another one has superseded', async () => {
    const wish = { label: 'replace', commonName: 'captured', passcode: fleetPasscode };
    const captured = makeRequest(wish);
    await issued(captured);
    clock.advance(1);
    const { serialNumber } = await issued({ ...makeRequest(wish), transactionId: 'later' });
    await expect(ask(captured)).rejects.toMatchObject({ code: 'revoked-requester' });
    expect(await recordOf(serialNumber)).toMatchObject({ status: 'valid' });
  });

  it('has the same answer as long as a copy of the message could be sent again, and an hour in any case', async () => {
    const short = makeRequest({ passcode: fleetPasscode });
    const replayableUntil = new Date(clock.now().getTime() + daySeconds * 1000);
    const long = makeRequest({ passcode: fleetPasscode, replayableUntil });
    const [first, second] = [await issued(short), await issued(long)];
    clock.advance(7_200);
    expect((await issued(short)).serialNumber).not.toBe(first.serialNumber);
    expect((await issued(long)).serialNumber).toBe(second.serialNumber);
    clock.advance(daySeconds);
    expect((await issued(long)).serialNumber).not.toBe(second.serialNumber);
  });
});

describe('a one-time passcode', () => {
  it('opens one enrollment to fifty devices that show it at the same time', async () => {
    const passcode = await makePasscode(test, { usageLimit: 1 });
    const answers = await Promise.allSettled(Array.from({ length: 50 }, () => ask(makeRequest({ passcode }))));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const codes = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason.code] : []));
    expect(new Set(codes)).toEqual(new Set(['bad-secret']));
  });

  it('gives one certificate to a device that sends its request fifty times at the same time', async () => {
    const passcode = await makePasscode(test, { usageLimit: 1 });
    const request = makeRequest({ passcode });
    const answers = await Promise.all(Array.from({ length: 50 }, () => issued(request)));
    expect(new Set(answers.map(({ serialNumber }) => serialNumber)).size).toBe(1);
  });

  it('with a user name is found without one where the protocol has none', async () => {
    const passcode = await makePasscode(test, { username: 'alice' });
    await issued(makeRequest({ passcode }));
    const credentials = [{ kind: 'password', username: 'bob', password: passcode }] as const;
    await expect(ask({ ...makeRequest({}), credentials })).rejects.toMatchObject({ code: 'bad-secret' });
  });
});

describe('a poll by conversation', () => {
  it('waits until a person has decided, and then has the certificate', async () => {
    const request = makeRequest({ label: 'manual', passcode: await makePasscode(test, { usageLimit: 1 }) });
    const first = await ask(request);
    if (first.outcome !== 'pending') throw new Error('not pending');
    expect(await look(request)).toMatchObject({ outcome: 'pending', requestId: first.requestId });
    expect(await ask(request)).toMatchObject({ outcome: 'pending', requestId: first.requestId });
    test = await test.restart();
    expect(await look(request)).toMatchObject({ outcome: 'pending', requestId: first.requestId });
    await approveRequest(first.requestId, by('alice'), test.gateway.core);
    const answer = await look(request);
    expect(answer).toMatchObject({ outcome: 'issued' });
    expect(await ask(request)).toMatchObject({ outcome: 'issued' });
  });

  it('learns that the request was rejected, and why', async () => {
    const request = makeRequest({ label: 'manual', passcode: fleetPasscode });
    const first = await ask(request);
    if (first.outcome !== 'pending') throw new Error('not pending');
    await rejectRequest(first.requestId, by('alice', 'unknown device'), test.gateway.core);
    await expect(look(request)).rejects.toMatchObject({ code: 'forbidden', message: /unknown device/ });
  });

  it('finds nothing for another key, another id, another policy or an expired request', async () => {
    const request = makeRequest({ label: 'manual', passcode: fleetPasscode });
    await ask(request);
    const { conversation } = request;
    const stranger = keyFingerprint(spkiOf(newKey()));
    for (const wrong of [
      { ...request, conversation: { ...conversation, holder: stranger } },
      { ...request, conversation: { ...conversation, id: 'other' } },
      { ...request, label: 'fleet' },
    ]) {
      await expect(look(wrong)).rejects.toMatchObject({ code: 'not-found' });
    }
    clock.advance(8 * daySeconds);
    await expect(look(request)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('means the latest of several requests', async () => {
    const key = newKey();
    const one = makeRequest({ label: 'manual', key, passcode: fleetPasscode, commonName: 'first name' });
    const { conversation } = one;
    await ask(one);
    clock.advance(1);
    const two = makeRequest({ label: 'manual', key, passcode: fleetPasscode, commonName: 'second name' });
    const second = await ask({ ...two, conversation });
    expect(await look(one)).toEqual(second);
  });
});

describe('a request that does not say whether it renews', () => {
  it('renews the certificate that signs it, whatever challenge comes with it', async () => {
    const key = newKey();
    const first = await issued(makeRequest({ key, passcode: fleetPasscode, commonName: 'renewing' }));
    const signer = { certificate: first.certificate, key };
    const renewed = await issued(makeRequest({ signer, commonName: 'renewing', passcode: 'used up long ago' }));
    expect(await recordOf(renewed.serialNumber)).toMatchObject({ replaces: `devices-1:${first.serialNumber}` });
  });

  it('may not take another name by it', async () => {
    const key = newKey();
    const { certificate } = await issued(makeRequest({ key, passcode: fleetPasscode }));
    const request = makeRequest({ signer: { certificate, key }, passcode: fleetPasscode, commonName: 'someone else' });
    await expect(ask(request)).rejects.toMatchObject({ code: 'rejected-name' });
  });

  it('renews nothing when the certificate is revoked while its successor is being signed', async () => {
    const [key, next] = [newKey(), newKey()];
    const { core } = test.gateway;
    const first = await issued(makeRequest({ key, passcode: fleetPasscode, commonName: 'overtaken' }));
    const { certificate, serialNumber } = first;
    const issue: typeof core.authority.issue = async (issuance) => {
      await revokeCertificate(
        { issuerId: 'devices-1', serialNumber, reason: 'keyCompromise', actor: operator('test') },
        core,
      );
      return await core.authority.issue(issuance);
    };
    const request = makeRequest({ signer: { certificate, key }, commonName: 'overtaken', key: next });
    const renewal = enroll(request, { ...core, authority: { ...core.authority, issue } });
    await expect(renewal).rejects.toMatchObject({ code: 'revoked-requester' });
    expect(await core.store.certificates.findByKey({ keyFingerprint: keyFingerprint(spkiOf(next)) })).toEqual([]);
  });

  it('renews in the time of grace, and not after it', async () => {
    const key = newKey();
    const { certificate } = await issued(makeRequest({ key, passcode: fleetPasscode, commonName: 'late' }));
    clock.advance(93 * daySeconds);
    await issued(makeRequest({ signer: { certificate, key }, commonName: 'late' }));
    clock.advance(5 * daySeconds);
    const tooLate = makeRequest({ signer: { certificate, key }, commonName: 'late', key: newKey() });
    await expect(ask(tooLate)).rejects.toMatchObject({ code: 'revoked-requester' });
  });

  it('gets the operational certificate for the bootstrap one, as long as that is valid', async () => {
    const key = newKey();
    const label = 'two-steps';
    const wish = { key, label, commonName: 'two steps' };
    const first = await issued(makeRequest({ ...wish, passcode: fleetPasscode }));
    expect(await recordOf(first.serialNumber)).toMatchObject({ usage: 'bootstrap' });
    const signer = { certificate: first.certificate, key };
    const second = await issued(makeRequest({ ...wish, signer }));
    expect(await recordOf(second.serialNumber)).toMatchObject({ usage: 'operational', replaces: null });
    clock.advance(31 * daySeconds);
    await expect(ask(makeRequest({ ...wish, signer, key: newKey() }))).rejects.toMatchObject({
      code: 'revoked-requester',
    });
  });

  it('needs both where the policy wants certificate and secret', async () => {
    const key = newKey();
    const wish = { label: 'both', commonName: 'both' };
    await expect(ask(makeRequest({ ...wish, key, passcode: 'both-passcode' }))).rejects.toMatchObject({
      code: 'untrusted-signer',
    });
  });

  it('needs a credential', async () => {
    await expect(ask(makeRequest({}))).rejects.toMatchObject({ code: 'bad-secret' });
  });
});
