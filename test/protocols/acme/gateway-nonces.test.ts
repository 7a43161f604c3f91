/** Nonces of real gateways (RFC 8555 6.5): good once, over a restart, and at another gateway on the same database. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Gateway, startGateway } from '../../../src/gateway.js';
import { createLog } from '../../../src/log.js';
import { type AcmeClient, createAcmeClient } from '../../support/acme/client.js';
import { issue } from '../../support/acme/flow.js';
import { isProblem, readAccount, readOrder } from '../../support/acme/objects.js';
import { type AcmeFleet, startAcmeFleet } from '../../support/acme-fleet.js';
import { expectProblem, expectUsualHeaders } from '../../support/acme-refusals.js';
import { createTestClock } from '../../support/test-clock.js';
import { freePorts } from '../../support/test-gateway.js';

const stale = { status: 400, type: 'badNonce', code: 'stale-message' } as const;

const clock = createTestClock();
let fleet: AcmeFleet;
let second: Gateway;
let here: AcmeClient;
/** The same account at the second gateway. */
let there: AcmeClient;

beforeAll(async () => {
  fleet = await startAcmeFleet({ clock });
  const [deviceTlsPort = 0, deviceHttpPort = 0, adminPort = 0] = await freePorts(3);
  const settings = { ...fleet.test.settings, deviceTlsPort, deviceHttpPort, adminPort };
  second = await startGateway({ settings, log: createLog('silent'), clock });
  here = await fleet.clientWithAccount('bound', { isRealTime: false, retriesBadNonce: false });
  there = createAcmeClient({
    directory: fleet.directoryOf('bound').replace(portOf(fleet.directory), String(deviceTlsPort)),
    roots: fleet.tlsRoots,
    isRealTime: false,
    retriesBadNonce: false,
    key: here.key,
    ...(here.account === undefined ? {} : { account: here.account }),
  });
});
afterAll(async () => {
  there.close();
  await second.close();
  await fleet.close();
});

function portOf(url: string): string {
  return new URL(url).port;
}

const show = (client: AcmeClient, nonce: string) => client.post(accountAt(client), undefined, { header: { nonce } });

/** The URL of the account at the gateway of the client. */
function accountAt(client: AcmeClient): string {
  const account = here.account ?? '';
  return client === here ? account : account.replace(portOf(fleet.directory), String(second.listeners.deviceTlsPort));
}

async function freshNonce(client: AcmeClient): Promise<string> {
  const { newNonce } = await client.directory();
  return (await client.send(newNonce, { method: 'HEAD' })).nonce ?? '';
}

describe('newNonce (RFC 8555 7.2)', () => {
  it('answers HEAD with 200 and GET with 204, each with a nonce of its own', async () => {
    const { newNonce } = await here.directory();
    const [head, get] = [await here.send(newNonce, { method: 'HEAD' }), await here.send(newNonce)];
    expect([head.status, get.status, head.text, get.text]).toEqual([200, 204, '', '']);
    expectUsualHeaders(head);
    expectUsualHeaders(get);
    expect(head.nonce).not.toBe(get.nonce);
  });
});

describe('Two gateways on one database', () => {
  it('serve the orders and accounts of each other', async () => {
    const { certificate, url } = await issue(there, { identifiers: ['pump-1.plant.example'] });
    expect(certificate.subjectAltName).toBe('DNS:pump-1.plant.example');
    const same = url.replace(portOf(url), portOf(fleet.directory));
    expect(readOrder(await here.fetch(same)).status).toBe('valid');
  });
});

describe('A nonce', () => {
  it('is good once, and the refusal has one that is good', async () => {
    const nonce = await freshNonce(here);
    readAccount(await show(here, nonce));
    const { answer } = await expectProblem(fleet, () => show(here, nonce), stale);
    readAccount(await show(here, answer.nonce ?? ''));
  });

  it('is good for one of fifty messages at once', async () => {
    const nonce = await freshNonce(here);
    const answers = await Promise.all(Array.from({ length: 50 }, () => show(here, nonce)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter((answer) => isProblem(answer, 'badNonce'))).toHaveLength(49);
  });

  it('is good after a restart, and used up after one as before', async () => {
    const [used, unused] = [await freshNonce(here), await freshNonce(here)];
    readAccount(await show(here, used));
    await fleet.restart();
    await expectProblem(fleet, () => show(here, used), stale);
    readAccount(await show(here, unused));
  });

  it('is good at another gateway on the same database, once at both of them', async () => {
    const nonce = await freshNonce(here);
    readAccount(await show(there, nonce));
    await expectProblem(fleet, () => show(here, nonce), stale);
    await expectProblem(fleet, () => show(there, nonce), stale);
  });

  it('is good for one of fifty messages at once, whichever gateway they go to', async () => {
    const nonce = await freshNonce(there);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => show(i % 2 === 0 ? here : there, nonce)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter((answer) => isProblem(answer, 'badNonce'))).toHaveLength(49);
  });

  it.each([
    ['missing', undefined],
    ['made up', Buffer.alloc(32, 1).toString('base64url')],
    ['empty', ''],
  ])('is refused when it is %s', async (_, nonce) => {
    await expectProblem(fleet, () => here.post(here.account ?? '', undefined, { header: { nonce } }), stale);
  });

  it('is too old after a quarter of an hour', async () => {
    const nonce = await freshNonce(here);
    clock.advance(15 * 60);
    await expectProblem(fleet, () => show(here, nonce), stale);
  });
});
