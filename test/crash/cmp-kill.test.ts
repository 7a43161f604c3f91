import { randomBytes, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/clock.js';
import type { CertificateRecord } from '../../src/store/certificate-record.js';
import { sequence } from '../../src/x509/der-writer.js';
import { certStatus } from '../support/cmp/bodies.js';
import type { CmpClient } from '../support/cmp/client.js';
import type { SentMessage } from '../support/cmp/message.js';
import { type CmpOutcome, issuedBy, outcomeOf } from '../support/cmp/outcome.js';
import { createPeerClient } from '../support/cmp/peer-client.js';
import { readMessage } from '../support/cmp/read-message.js';
import { fleet, fleetPasscode, policyLike } from '../support/fleet.js';
import { newKey } from '../support/make-csr.js';
import { type KillableFleet, startKillableFleet } from './killable-gateway.js';

const kills = 6;
const clientCount = 4;
const hastySeconds = 2;

/** One message of a device's enrollment: an ir, or the certConf after it. */
interface Attempt {
  readonly subject: string;
  readonly message: SentMessage;
  /** What the certConf is about. */
  readonly issued?: CmpOutcome;
}

let gateway: KillableFleet;
let cmp: CmpClient;
let hasty: CmpClient;
/** Serial numbers of the certificates whose confirmation was acknowledged, by subject. */
const confirmed = new Map<string, string>();
const refused: string[] = [];
/** How many messages were answered at all. */
let answered = 0;
const repeated = { ir: 0, certConf: 0 };

beforeAll(async () => {
  const policy = policyLike('hasty', `cmp: { confirmWait: ${hastySeconds}s }`).replace('policies:\n', '');
  gateway = await startKillableFleet(fleet + policy);
  const { core, deviceHttpPort } = gateway;
  const [root] = core.authority.chain(core.authority.issuer('root').id);
  const clientOf = (label: string) =>
    createPeerClient(
      {
        origin: `http://127.0.0.1:${deviceHttpPort}`,
        path: `/cmp/${label}`,
        trustAnchors: [new X509Certificate(root ?? new Uint8Array())],
        now: systemClock.now,
      },
      { credential: { kind: 'mac', reference: 'fleet', secret: fleetPasscode } },
    );
  cmp = clientOf('fleet');
  hasty = clientOf('hasty');
}, 30_000);

afterAll(async () => {
  cmp.close();
  hasty.close();
  await gateway.close();
});

async function recordOf(certificate: X509Certificate): Promise<CertificateRecord | undefined> {
  const certificates = await gateway.core.store.certificates.list({ limit: 100_000 });
  return certificates.find(({ der }) => certificate.raw.equals(der));
}

describe('After kill -9 between ip and certConf, the gateway', () => {
  it('takes the certConf, and the certificate is confirmed', async () => {
    const issued = await cmp.ir({ key: newKey(), subject: 'CN=between' });
    expect(await recordOf(issuedBy(issued))).toMatchObject({ status: 'valid', confirmBy: expect.any(Number) });
    await gateway.kill();
    await gateway.start();
    expect(await cmp.confirm(issued)).toMatchObject({ body: { type: 'pkiconf' } });
    expect(await recordOf(issuedBy(issued))).toMatchObject({ status: 'valid', confirmBy: null });
  });

  it('tells whoever sends the certConf again, because the answer was lost, that it is confirmed', async () => {
    const issued = await cmp.ir({ key: newKey(), subject: 'CN=lost' });
    const confirmation = await cmp.confirm(issued);
    expect(confirmation).toMatchObject({ body: { type: 'pkiconf' } });
    await gateway.kill();
    await gateway.start();
    const again = readMessage((await cmp.send(confirmation.sent.der)).body);
    expect(again.body).toMatchObject({ type: 'error', status: { failInfo: ['certConfirmed'] } });
    expect(await recordOf(issuedBy(issued))).toMatchObject({ status: 'valid', confirmBy: null });
  });

  it('revokes the certificate when none comes in time', async () => {
    const issued = await hasty.ir({ key: newKey(), subject: 'CN=silent' });
    await gateway.kill();
    await passed(hastySeconds * 1000);
    await gateway.start();
    const late = await hasty.confirm(issued);
    expect(late).toMatchObject({ body: { type: 'error' }, failInfo: ['certRevoked'] });
    // The certificates whose time is over are looked for every second.
    await passed(1_500);
    expect(await recordOf(issuedBy(issued))).toMatchObject({ status: 'revoked' });
  });
});

describe(`After ${kills} times kill -9 under load, the gateway`, () => {
  beforeAll(async () => {
    const unanswered: (Attempt | undefined)[] = Array.from({ length: clientCount }, () => undefined);
    for (let round = 0; round <= kills; round++) {
      if (round > 0) await gateway.start();
      const work = unanswered.map((_, client) => enrollUntilKilled(client, unanswered));
      const wanted = answered + 4 * clientCount;
      while (answered < wanted) await passed(10);
      // Other moments of the load in each round.
      await passed((round * 37) % 100);
      await gateway.kill();
      await Promise.all(work);
    }
    await gateway.start();
    for (const attempt of unanswered) await finish(attempt);
  }, 120_000);

  it('has enrolled devices by CMP all the while, and answered repeated messages', () => {
    expect(confirmed.size).toBeGreaterThan(kills * clientCount);
    expect(repeated.ir + repeated.certConf).toBeGreaterThan(kills);
  });

  it('has refused none of them', () => {
    expect(refused).toEqual([]);
  });

  it('has one certificate for each device, the one that it confirmed', async () => {
    const certificates = await gateway.core.store.certificates.list({
      policy: 'fleet',
      usage: 'operational',
      limit: 100_000,
    });
    const ours = certificates.filter(({ subject }) => subject.startsWith('CN=device-'));
    expect(new Set(ours.map(({ subject }) => subject)).size).toBe(ours.length);
    const held = new Map(ours.map(({ subject, serialNumber }) => [subject, serialNumber.replace(/^0+/, '')]));
    expect(held).toEqual(confirmed);
    expect(ours.filter(({ status, confirmBy }) => status !== 'valid' || confirmBy !== null)).toEqual([]);
  });
});

function passed(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function enrollUntilKilled(client: number, unanswered: (Attempt | undefined)[]): Promise<void> {
  try {
    for (;;) {
      const known = unanswered[client];
      const attempt = known ?? begin();
      unanswered[client] = attempt;
      unanswered[client] = await advance(attempt);
      answered++;
      if (known) repeated[attempt.issued ? 'certConf' : 'ir']++;
    }
  } catch {
    // The gateway is gone.
  }
}

async function finish(attempt: Attempt | undefined): Promise<void> {
  let next = attempt;
  while (next !== undefined) next = await advance(next);
}

function begin(): Attempt {
  const subject = `CN=device-${randomBytes(6).toString('hex')}`;
  return { subject, message: cmp.makeRequest('ir', { key: newKey(), subject }) };
}

/** Sends the message, also when it may have come to the gateway before; returns what comes next, if anything. */
async function advance({ subject, message, issued }: Attempt): Promise<Attempt | undefined> {
  const answer = await cmp.send(message.der);
  const outcome = outcomeOf({ sent: message, earlier: [], certReqId: 0, answer, message: readMessage(answer.body) });
  if (issued === undefined && outcome.certificate !== undefined) {
    const content = sequence(certStatus(outcome.certificate.raw));
    return { subject, message: cmp.make('certConf', content, { previous: outcome }), issued: outcome };
  }
  // Who asks whether it was confirmed learns that, too.
  const isConfirmed = outcome.body?.type === 'pkiconf' || outcome.failInfo.includes('certConfirmed');
  if (issued && isConfirmed) confirmed.set(subject, serialOf(issued));
  else refused.push(`${subject}: ${outcome.failInfo.join(' ')} ${outcome.statusString}`);
  return undefined;
}

function serialOf(outcome: CmpOutcome): string {
  return issuedBy(outcome).serialNumber.toLowerCase().replace(/^0+/, '');
}
