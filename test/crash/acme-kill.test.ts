import { randomBytes, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { toPem } from '../../src/x509/pem.js';
import { type AcmeClient, createAcmeClient } from '../support/acme/client.js';
import { type DnsServer, startDnsServer } from '../support/acme/dns-server.js';
import { certificatesIn, csrFor, proofOf, prove, type Responders } from '../support/acme/flow.js';
import { type HttpResponder, startHttpResponder } from '../support/acme/http-responder.js';
import { type Challenge, readAccount, readAuthorization, readChallenge, readOrder } from '../support/acme/objects.js';
import { fleet } from '../support/fleet.js';
import { type KeyPair, newKey } from '../support/make-csr.js';
import { type KillableFleet, startKillableFleet } from './killable-gateway.js';

const kills = 6;
const clientCount = 4;

/** A certificate that a client is after. */
interface Job {
  readonly name: string;
  readonly key: KeyPair;
  /** URL, as soon as the client knows it. */
  order?: string;
}

let http: HttpResponder;
let dns: DnsServer;
let gateway: KillableFleet;
let newClient: () => AcmeClient;
const clients: AcmeClient[] = [];
/** Orders that clients saw valid. */
const valid = new Set<string>();
/** By the URL of their order. */
const received = new Map<string, X509Certificate>();
const refused: string[] = [];
/** How many orders a client took up again after a kill. */
let resumed = 0;

beforeAll(async () => {
  http = await startHttpResponder();
  dns = await startDnsServer();
  const acme = `{ httpPort: ${http.port}, resolvers: ["${dns.resolver}"], allowedNetworks: [127.0.0.0/8] }`;
  gateway = await startKillableFleet(fleet.replace('[est, scep, cmp]', `[acme]\n    acme: ${acme}`));
  const { core, deviceTlsPort } = gateway;
  const [root] = core.authority.chain(core.authority.issuer('root').id);
  const roots = toPem('CERTIFICATE', root ?? new Uint8Array());
  newClient = () => {
    const made = createAcmeClient({ directory: `https://localhost:${deviceTlsPort}/acme/fleet/directory`, roots });
    clients.push(made);
    return made;
  };
}, 30_000);

afterAll(async () => {
  for (const client of clients) client.close();
  await gateway.close();
  await Promise.all([http.close(), dns.close()]);
});

const responders: Responders = { 'http-01': ({ token, keyAuthorization }) => http.put(token, keyAuthorization) };

function place(name: string): void {
  dns.set(name, [{ type: 'A', address: '127.0.0.1' }]);
}

describe(`After ${kills} times kill -9 under load, the gateway`, () => {
  beforeAll(async () => {
    const workers = Array.from({ length: clientCount }, () => ({ client: newClient(), job: newJob(newName()) }));
    for (let round = 0; round <= kills; round++) {
      if (round > 0) await gateway.start();
      const work = workers.map((worker) => issueUntilKilled(worker));
      const wanted = received.size + 8 * clientCount;
      while (received.size < wanted) await passed(10);
      // Other moments of the load in each round.
      await passed((round * 37) % 100);
      await gateway.kill();
      await Promise.all(work);
    }
    await gateway.start();
    await Promise.all(workers.map(async ({ client, job }) => advance(client, job)));
  }, 120_000);

  it('has issued by ACME all the while, and gone on with orders that it had begun', () => {
    expect(received.size).toBeGreaterThan(kills * clientCount);
    expect(resumed).toBeGreaterThan(kills);
  });

  it('has refused none of them', () => {
    expect(refused).toEqual([]);
  });

  it('has every certificate that a client got on record, and one for each order', async () => {
    const certificates = await gateway.core.store.certificates.list({
      policy: 'fleet',
      usage: 'operational',
      limit: 100_000,
    });
    // Each order has a key of its own.
    const keys = certificates.map(({ der }) => new X509Certificate(der).publicKey.export({ format: 'jwk' }).x);
    expect(new Set(keys).size).toBe(certificates.length);
    const held = new Set(certificates.map(({ der }) => Buffer.from(der).toString('hex')));
    const lost = [...received.values()].filter(({ raw }) => !held.has(raw.toString('hex')));
    expect(lost).toEqual([]);
    expect(certificates.filter(({ status }) => status !== 'valid')).toEqual([]);
  });

  it('shows every order that a client saw valid as that, with the same certificate', async () => {
    expect(valid.size).toBeGreaterThanOrEqual(received.size);
    for (const [url, { raw }] of received) {
      const client = ownerOf(url);
      const order = readOrder(await client.fetch(url));
      expect(order.status).toBe('valid');
      expect(certificatesIn(await client.fetch(order.certificate ?? ''))[0]?.raw).toEqual(raw);
    }
    for (const url of valid) expect(received.has(url)).toBe(true);
  });
});

describe('After kill -9 in the middle of a validation, the gateway', () => {
  let client: AcmeClient;
  let inFlight: string;
  let betweenAttempts: { readonly url: string; readonly challenge: Challenge };

  beforeAll(async () => {
    client = newClient();
    readAccount(await client.newAccount());
    // No DNS server answers about the one; the other one does not exist.
    dns.set('in-flight.example', 'silence');
    inFlight = (await beginValidation('in-flight.example')).url;
    betweenAttempts = await beginValidation('between.example');
    while (readChallenge(await client.fetch(betweenAttempts.challenge.url)).error === undefined) await passed(50);
    await gateway.kill();
    await gateway.start();
    for (const name of ['in-flight.example', 'between.example']) place(name);
  }, 60_000);

  it('has it on record as one that goes on', async () => {
    for (const url of [inFlight, betweenAttempts.url]) {
      const answer = await client.fetch(url);
      const { status, challenges } = readAuthorization(answer);
      expect(status).toBe('pending');
      expect(challenges.map((challenge) => challenge.status)).toContain('processing');
      expect(answer.retryAfter).toBeGreaterThan(0);
    }
  });

  it('makes the next attempt as soon as the client responds again', async () => {
    const { url, challenge } = betweenAttempts;
    readChallenge(await client.respond(challenge.url));
    expect(await settled(url)).toBe('valid');
  });

  // Nobody else may try for a minute; what is due is looked for every minute.
  it('takes one that was in flight up by itself', async () => {
    expect(await settled(inFlight)).toBe('valid');
  }, 150_000);

  async function beginValidation(name: string): Promise<{ url: string; challenge: Challenge }> {
    const [url = ''] = readOrder(await client.newOrder({ identifiers: [name] })).authorizations;
    const authorization = readAuthorization(await client.fetch(url));
    const challenge = authorization.challenges.find(({ type }) => type === 'http-01');
    if (challenge === undefined) throw new Error('http-01 is not offered');
    await responders['http-01']?.(proofOf(client, authorization, challenge));
    expect(readChallenge(await client.respond(challenge.url)).status).toBe('processing');
    return { url, challenge };
  }

  async function settled(url: string): Promise<string> {
    for (;;) {
      const { status } = readAuthorization(await client.fetch(url));
      if (status !== 'pending') return status;
      await passed(500);
    }
  }
});

interface Worker {
  readonly client: AcmeClient;
  job: Job;
}

function newName(): string {
  const name = `device-${randomBytes(6).toString('hex')}.example`;
  place(name);
  return name;
}

function newJob(name: string): Job {
  return { name, key: newKey() };
}

async function issueUntilKilled(worker: Worker): Promise<void> {
  try {
    for (;;) {
      await advance(worker.client, worker.job);
      // Most orders use an authorization again: there is more to be killed in than validation.
      worker.job = newJob(received.size % 4 === 0 ? newName() : worker.job.name);
    }
  } catch (error) {
    // The gateway is gone; an answer that is no good is an Error without a code.
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) refused.push(String(error));
  }
}

/** Goes on with an order wherever it has come to, until its certificate is there. @throws when the gateway is gone */
async function advance(client: AcmeClient, job: Job): Promise<void> {
  if (client.account === undefined) readAccount(await client.newAccount());
  const url = (await resume(client, job)) ?? (await begin(client, job));
  const current = readOrder(await client.fetch(url));
  const order =
    current.status === 'ready'
      ? readOrder(await client.finalize(current.finalize, csrFor([job.name], job.key, `CN=${job.name}`)))
      : current;
  if (order.status !== 'valid') throw new Error(`not valid but ${JSON.stringify(order)}`);
  valid.add(url);
  owners.set(url, client);
  const [certificate] = certificatesIn(await client.fetch(order.certificate ?? ''));
  if (certificate !== undefined) received.set(url, certificate);
}
const owners = new Map<string, AcmeClient>();

function ownerOf(url: string): AcmeClient {
  const owner = owners.get(url);
  if (owner === undefined) throw new Error(`nobody made ${url}`);
  return owner;
}

/**
 * The order that the client has begun, if it can go on: its validation may be in the hands of a gateway that is no more, and
 * then its client makes another one rather than wait for a minute.
 */
async function resume(client: AcmeClient, { order }: Job): Promise<string | undefined> {
  if (order === undefined || readOrder(await client.fetch(order)).status === 'pending') return undefined;
  resumed++;
  return order;
}

/** Makes an order and proves its name. */
async function begin(client: AcmeClient, job: Job): Promise<string> {
  const made = await client.newOrder({ identifiers: [job.name] });
  job.order = made.location ?? '';
  for (const url of readOrder(made).authorizations) await prove(client, url, responders);
  return job.order;
}

function passed(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
