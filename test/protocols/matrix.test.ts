/**
 * Every protocol through the same situations: what is decided is the same, only its words differ. A new protocol adds a
 * driver to the list at the end.
 */
import type { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest } from '../../src/enrollment/approve.js';
import { revokeCertificate } from '../../src/enrollment/revoke.js';
import type { ErrorCode } from '../../src/errors.js';
import { type Answer, certificateOf, createEstClient, type TlsIdentity } from '../support/est-client.js';
import { applyYaml, fleet, fleetPasscode, makePasscode, policyLike } from '../support/fleet.js';
import { type KeyPair, makeCsr, newKey } from '../support/make-csr.js';
import { countRecords, eventOf, recordOf } from '../support/records.js';
import { createScepClient, type ScepOutcome, type ScepWish } from '../support/scep-client.js';
import { startTestGateway, type TestGateway } from '../support/test-gateway.js';
import { shortRsaKey } from '../support/weak-keys.js';

/** What a device wants, in no protocol's words. */
interface Wish {
  readonly label: string;
  readonly key: KeyPair;
  readonly commonName: string;
  readonly passcode?: string;
  /** Authenticates the request; to renew itself where there is no passcode. */
  readonly identity?: TlsIdentity;
}

/** What came back, as the protocol's client understands it. */
type Outcome =
  | { readonly outcome: 'issued'; readonly certificate: X509Certificate }
  | { readonly outcome: 'pending'; readonly requestId: string }
  /** `wire`: the protocol's own word for the refusal. */
  | { readonly outcome: 'refused'; readonly wire: string; readonly requestId: string };

interface Driver {
  readonly protocol: string;
  enroll(wish: Wish): Promise<Outcome>;
  reenroll(wish: Wish & { readonly identity: TlsIdentity }): Promise<Outcome>;
  /** The protocol's words, from its RFC. */
  readonly wire: Readonly<Record<Refusal, string>>;
}

type Refusal = Extract<
  ErrorCode,
  'rejected-name' | 'bad-secret' | 'unacceptable-key' | 'revoked-requester' | 'not-found'
>;

function createEstDriver(test: TestGateway): Driver {
  async function ask(operation: string, { label, key, commonName, passcode, identity }: Wish): Promise<Outcome> {
    const est = createEstClient(test, {
      label,
      ...(passcode === undefined ? {} : { passcode }),
      ...(identity && { identity }),
    });
    const answer = await est.post(operation, makeCsr({ key, subject: `CN=${commonName}` }));
    est.close();
    return outcomeOf(answer);
  }

  function outcomeOf(answer: Answer): Outcome {
    const { status, requestId } = answer;
    if (status === 200) return { outcome: 'issued', certificate: certificateOf(answer) };
    return status === 202 ? { outcome: 'pending', requestId } : { outcome: 'refused', wire: String(status), requestId };
  }

  return {
    protocol: 'est',
    enroll: (wish) => ask('simpleenroll', wish),
    reenroll: (wish) => ask('simplereenroll', wish),
    wire: {
      'rejected-name': '400',
      'bad-secret': '401',
      'unacceptable-key': '400',
      'revoked-requester': '403',
      'not-found': '404',
    },
  };
}

function createScepDriver(test: TestGateway): Driver {
  async function ask(type: 'PKCSReq' | 'RenewalReq', { label, commonName, passcode, ...wish }: Wish): Promise<Outcome> {
    const scep = createScepClient(test, { label });
    const challenge = passcode === undefined ? {} : { challenge: passcode };
    const wanted = { ...wish, ...challenge, subject: `CN=${commonName}`, message: { type } };
    // Who gets no RA certificate has nothing to encrypt to; whoever sends a message all the same is refused as well.
    const isKnown = (await scep.get('operation=GetCACert')).status === 200;
    const outcome = isKnown
      ? await scep.enroll(wanted)
      : { answer: await scep.pkiOperation(await makeElsewhere(wanted)) };
    scep.close();
    return outcomeOf(outcome);
  }

  async function makeElsewhere(wish: ScepWish): Promise<Uint8Array> {
    const scep = createScepClient(test, { label: 'fleet' });
    const message = await scep.makeRequest(wish);
    scep.close();
    return message;
  }

  function outcomeOf({ answer: { status, requestId }, reply, certificate }: ScepOutcome): Outcome {
    if (certificate !== undefined) return { outcome: 'issued', certificate };
    if (reply?.pkiStatus === 'PENDING') return { outcome: 'pending', requestId };
    return { outcome: 'refused', wire: reply?.failInfo ?? String(status), requestId };
  }

  return {
    protocol: 'scep',
    enroll: (wish) => ask('PKCSReq', wish),
    reenroll: (wish) => ask('RenewalReq', wish),
    wire: {
      'rejected-name': 'badRequest',
      'bad-secret': 'badRequest',
      'unacceptable-key': 'badRequest',
      'revoked-requester': 'badRequest',
      'not-found': '404',
    },
  };
}

const drivers = [
  ['est', createEstDriver],
  ['scep', createScepDriver],
] as const;

let test: TestGateway;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  await applyYaml(test, policyLike('manual', 'approval: manual'));
});
afterAll(() => test.close());

describe.each(drivers)('%s', (protocol, createDriver) => {
  let driver: Driver;
  let wishes = 0;
  beforeAll(() => {
    driver = createDriver(test);
  });

  function wish(changes: Partial<Wish> = {}): Wish {
    wishes++;
    return { label: 'fleet', key: newKey(), commonName: `${protocol}-${wishes}`, passcode: fleetPasscode, ...changes };
  }

  async function enrolled(wanted: Wish): Promise<X509Certificate> {
    const result = await driver.enroll(wanted);
    if (result.outcome !== 'issued') throw new Error(`not issued: ${JSON.stringify(result)}`);
    return result.certificate;
  }

  /** The refusal in the protocol's words, its event in the core's, and nothing on record. */
  async function expectRefusal(code: Refusal, ask: () => Promise<Outcome>): Promise<void> {
    const before = await countRecords(test);
    const result = await ask();
    expect(result).toMatchObject({ outcome: 'refused', wire: driver.wire[code] });
    expect(await countRecords(test)).toEqual(before);
    const event = await eventOf(test, { requestId: result.outcome === 'refused' ? result.requestId : '' });
    expect(event).toMatchObject({ action: 'request.refused', protocol, code, reason: expect.stringMatching(/\w/) });
  }

  it('issued: the certificate of the decision, on record with device and event', async () => {
    const wanted = wish();
    const certificate = await enrolled(wanted);
    const record = await recordOf(test, certificate);
    expect(certificate.subject).toBe(`CN=${wanted.commonName}`);
    expect(certificate.checkPrivateKey(wanted.key.privateKey)).toBe(true);
    expect(record).toMatchObject({
      protocol,
      policy: 'fleet',
      profile: 'device',
      usage: 'operational',
      status: 'valid',
    });
    expect(await eventOf(test, { requestId: record.requestId })).toMatchObject({
      action: 'certificate.issued',
      subject: record.id,
    });
    const device = await test.gateway.core.store.devices.findById({ id: record.deviceId ?? '' });
    expect(device).toMatchObject({ name: wanted.commonName, state: 'operational', groupName: 'pumps' });
  });

  it('pending: issued to who asks again after the approval', async () => {
    const wanted = wish({ label: 'manual' });
    const first = await driver.enroll(wanted);
    if (first.outcome !== 'pending') throw new Error(`not pending: ${JSON.stringify(first)}`);
    expect(await driver.enroll(wanted)).toMatchObject({ outcome: 'pending' });
    await approveRequest(first.requestId, 'alice', test.gateway.core);
    expect((await enrolled(wanted)).subject).toBe(`CN=${wanted.commonName}`);
  });

  it('denied name', async () => {
    await expectRefusal('rejected-name', () => driver.enroll(wish({ commonName: 'not_allowed' })));
  });

  it('unknown policy', async () => {
    await expectRefusal('not-found', () => driver.enroll(wish({ label: 'nobody' })));
  });

  it('bad credential', async () => {
    await expectRefusal('bad-secret', () => driver.enroll(wish({ passcode: 'not-the-passcode' })));
  });

  it('used-up credential: refuses what is new, answers what it opened', async () => {
    const passcode = await makePasscode(test, { usageLimit: 1 });
    const wanted = wish({ passcode });
    const certificate = await enrolled(wanted);
    await expectRefusal('bad-secret', () => driver.enroll(wish({ passcode })));
    expect((await enrolled(wanted)).raw).toEqual(certificate.raw);
  });

  it('weak key', async () => {
    await expectRefusal('unacceptable-key', () => driver.enroll(wish({ key: shortRsaKey() })));
  });

  it('retransmission: the same certificate, once on record', async () => {
    const wanted = wish();
    const certificate = await enrolled(wanted);
    const before = await countRecords(test);
    expect((await enrolled(wanted)).raw).toEqual(certificate.raw);
    expect(await countRecords(test)).toEqual(before);
    expect((await enrolled({ ...wanted, key: newKey() })).serialNumber).not.toBe(certificate.serialNumber);
  });

  it('re-enrollment: a successor of the same device, which names what it replaces', async () => {
    const wanted = wish();
    const certificate = await enrolled(wanted);
    const identity = { chain: [certificate.raw], privateKey: wanted.key.privateKey };
    const { passcode: _, ...renewal } = wanted;
    const result = await driver.reenroll({ ...renewal, key: newKey(), identity });
    if (result.outcome !== 'issued') throw new Error(`not issued: ${JSON.stringify(result)}`);
    const old = await recordOf(test, certificate);
    expect(await recordOf(test, result.certificate)).toMatchObject({ replaces: old.id, deviceId: old.deviceId });
  });

  it('revoked requester', async () => {
    const wanted = wish();
    const certificate = await enrolled(wanted);
    const { issuerId, serialNumber } = await recordOf(test, certificate);
    await revokeCertificate(
      { issuerId, serialNumber, reason: 'keyCompromise', requestedBy: 'test' },
      test.gateway.core,
    );
    const identity = { chain: [certificate.raw], privateKey: wanted.key.privateKey };
    const { passcode: _, ...renewal } = wanted;
    await expectRefusal('revoked-requester', () => driver.reenroll({ ...renewal, key: newKey(), identity }));
  });
});
