import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPasscodes } from '../../src/catalog/passcodes.js';
import { readCertRep } from '../support/cert-rep.js';
import { readSignedMessage } from '../support/cms-answer.js';
import { fleet } from '../support/fleet.js';
import { makeCsr, newKey } from '../support/make-csr.js';
import { testActor } from '../support/operator.js';
import { makePkiMessage, selfSigned } from '../support/scep-message.js';
import { type KillableFleet, startKillableFleet } from './killable-gateway.js';

const kills = 8;
const clientCount = 4;

interface Attempt {
  readonly subject: string;
  readonly message: Uint8Array;
  readonly read: (answer: Buffer) => string | undefined;
}

let gateway: KillableFleet;
let url: string;
let passcodes: string[];
const received = new Map<string, string>();
const refused: string[] = [];
let repeated = 0;

beforeAll(async () => {
  gateway = await startKillableFleet(fleet);
  url = `http://127.0.0.1:${gateway.deviceHttpPort}/scep/fleet?operation=`;
  const made = await createPasscodes(
    { authenticationPolicy: 'fleet', name: 'once', count: 2_000, usageLimit: 1 },
    { ...gateway.core, actor: testActor },
  );
  passcodes = made.map(({ passcode }) => passcode);
  const [ra] = readSignedMessage(await fetched('GetCACert')).certificates;
  if (ra === undefined) throw new Error('no RA certificate');
  const unanswered: (Attempt | undefined)[] = Array.from({ length: clientCount }, () => undefined);
  for (let round = 0; round <= kills; round++) {
    if (round > 0) await gateway.start();
    const work = unanswered.map((_, client) => enrollUntilKilled(client, unanswered, ra.raw));
    // Other moments of the load in each round.
    await new Promise((resolve) => setTimeout(resolve, 150 + ((round * 137) % 300)));
    await gateway.kill();
    await Promise.all(work);
  }
}, 120_000);

afterAll(async () => {
  await gateway.close();
});

/** @throws Error when the gateway is gone */
async function fetched(operation: string, message?: Uint8Array): Promise<Buffer> {
  const response = await fetch(url + operation, message ? { method: 'POST', body: Buffer.from(message) } : {});
  return Buffer.from(await response.arrayBuffer());
}

async function enrollUntilKilled(client: number, unanswered: (Attempt | undefined)[], ra: Uint8Array): Promise<void> {
  try {
    for (;;) {
      const known = unanswered[client];
      const attempt = known ?? makeAttempt(ra);
      if (attempt === undefined) return;
      unanswered[client] = attempt;
      const serialNumber = attempt.read(await fetched('PKIOperation', attempt.message));
      unanswered[client] = undefined;
      if (known) repeated++;
      if (serialNumber === undefined) refused.push(attempt.subject);
      else received.set(attempt.subject, serialNumber);
    }
  } catch {
    // The gateway is gone.
  }
}

/** Each device has a passcode that opens one enrollment: what is lost on the way can only be had by a repeat. */
function makeAttempt(recipient: Uint8Array): Attempt | undefined {
  const challengePassword = passcodes.pop();
  if (challengePassword === undefined) return undefined;
  const key = newKey();
  const subject = `CN=device-${passcodes.length}`;
  const message = makePkiMessage({
    type: 'PKCSReq',
    content: makeCsr({ key, subject, challengePassword }),
    recipient,
    signer: selfSigned(key, subject, new Date()),
    transactionId: subject,
  });
  const read = (answer: Buffer) => readCertRep(answer, { privateKey: key.privateKey }).certificates[0]?.serialNumber;
  return { subject, message, read };
}

describe(`After ${kills} times kill -9 under load, the gateway`, () => {
  it('has enrolled devices by SCEP all the while, and answered repeated messages', () => {
    expect(received.size).toBeGreaterThan(kills * clientCount);
    expect(repeated).toBeGreaterThan(kills);
  });

  it('has refused none of them, although their passcodes were used up before the answer was lost', () => {
    expect(refused).toEqual([]);
  });

  it('has one certificate for each device, the one that it received', async () => {
    const certificates = await gateway.core.store.certificates.list({
      policy: 'fleet',
      usage: 'operational',
      limit: 100_000,
    });
    const bySubject = new Map(certificates.map(({ subject, serialNumber }) => [subject, serialNumber]));
    expect(bySubject.size).toBe(certificates.length);
    for (const [subject, serialNumber] of received) {
      expect(serialNumber.toLowerCase().replace(/^0+/, '')).toBe(bySubject.get(subject)?.replace(/^0+/, ''));
    }
  });
});
