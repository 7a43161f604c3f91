/** Certificates of a real gateway after they were issued: their chains and their revocation. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { dropNext, stageNext } from '../../../src/authorities/stage.js';
import { accountKeyOf, newAccountKey } from '../../support/acme/account-key.js';
import type { AcmeClient } from '../../support/acme/client.js';
import { certificatesIn, type Issued, issue, readyOrder } from '../../support/acme/flow.js';
import { hostAddress, placeNames, respondersOf } from '../../support/acme/server.js';
import { type AcmeFleet, startAcmeFleet } from '../../support/acme-fleet.js';
import { expectProblem, expectUsualHeaders, requestIdOf } from '../../support/acme-refusals.js';
import { certificateOf, createEstClient } from '../../support/est-client.js';
import { fleetPasscode } from '../../support/fleet.js';
import { makeCsr } from '../../support/make-csr.js';
import { opensslAccepts } from '../../support/openssl-verify.js';
import { testActor } from '../../support/operator.js';
import { eventOf, recordOf } from '../../support/records.js';

const [name, other] = ['pump-1.plant.example', 'pump-2.plant.example'];

let fleet: AcmeFleet;
let client: AcmeClient;

beforeAll(async () => {
  fleet = await startAcmeFleet();
  await placeNames(fleet, hostAddress, [name, other]);
});
afterAll(() => fleet.close());

async function issued(identifiers = [name]): Promise<Issued> {
  client = await fleet.clientWithAccount();
  return await issue(client, { identifiers, responders: respondersOf(fleet) });
}

describe('Chains (RFC 8555 7.4.2)', () => {
  it('have alternates as long as a next root is staged: each verifies under its own root', async () => {
    const { order, certificate } = await issued();
    const url = order.certificate ?? '';
    const before = await client.fetch(url);
    expectUsualHeaders(before);
    expect(before.links.map(({ relation }) => relation)).toEqual(['index']);
    await stageNext('root', testActor, fleet.test.gateway.core);
    const usual = await client.fetch(url);
    const alternates = usual.links.filter(({ relation }) => relation === 'alternate');
    expect(alternates).toHaveLength(1);
    expect(usual.text).toBe(before.text);
    const alternate = await client.fetch(alternates[0]?.url ?? '');
    expect(alternate.links).toContainEqual({ url, relation: 'alternate' });
    const chain = certificatesIn(alternate);
    expect(chain[0]?.raw).toEqual(certificate.raw);
    expect(verifies('root-2', chain)).toBe(true);
    expect(verifies('root-1', certificatesIn(usual))).toBe(true);
    expect(verifies('root-2', certificatesIn(usual))).toBe(false);
    const none = { status: 404, type: 'malformed', code: 'not-found' } as const;
    await expectProblem(fleet, () => client.fetch(`${url}/2`), none);
    await dropNext('root', testActor, fleet.test.gateway.core);
    expect((await client.fetch(url)).links.map(({ relation }) => relation)).toEqual(['index']);
  });

  it('come in the form that the client wants', async () => {
    const { order, certificate } = await issued();
    const answer = await client.fetch(order.certificate ?? '', { accept: 'application/pkix-cert' });
    expect(answer.headers['content-type']).toBe('application/pkix-cert');
    expect(answer.body).toEqual(certificate.raw);
  });

  function verifies(generation: string, chain: readonly X509Certificate[]): boolean {
    const anchor = fleet.test.gateway.core.authority.generation(generation)?.certificate.der ?? new Uint8Array();
    return opensslAccepts([anchor, ...chain.map(({ raw }) => new Uint8Array(raw)).toReversed()], ['-x509_strict']);
  }
});

describe('Revocation (RFC 8555 7.6)', () => {
  it.each([
    [undefined, 0],
    [0, 0],
    [1, 1],
    [3, 3],
    [4, 4],
    [5, 5],
  ])('by the account, with reason %p, which is %i on record', async (reason, recorded) => {
    const { certificate } = await issued();
    const answer = await client.revoke(certificate, { reason });
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 200, text: '' });
    expectUsualHeaders(answer);
    expect(await recordOf(fleet.test, certificate)).toMatchObject({ status: 'revoked', revocationReason: recorded });
    expect(await eventOf(fleet.test, { requestId: requestIdOf(answer) })).toMatchObject({
      action: 'certificate.revoked',
      outcome: 'success',
    });
  });

  it('by another account that holds authorizations for all names of the certificate, and by no other', async () => {
    const { certificate } = await issued([name, other]);
    const holder = await fleet.clientWithAccount();
    const refusal = { status: 403, type: 'unauthorized', code: 'forbidden' } as const;
    await expectProblem(fleet, () => holder.revoke(certificate), refusal);
    await readyOrder(holder, { identifiers: [name], responders: respondersOf(fleet) });
    await expectProblem(fleet, () => holder.revoke(certificate), refusal);
    expect((await recordOf(fleet.test, certificate)).status).toBe('valid');
    await readyOrder(holder, { identifiers: [other], responders: respondersOf(fleet) });
    expect((await holder.revoke(certificate, { reason: 1 })).status).toBe(200);
    expect(await recordOf(fleet.test, certificate)).toMatchObject({ status: 'revoked' });
  });

  it("by the certificate's own key, without an account", async () => {
    const { certificate, key } = await issued();
    const holder = fleet.client();
    const foreign = { status: 403, type: 'unauthorized', code: 'forbidden' } as const;
    await expectProblem(fleet, () => holder.revoke(certificate, { by: newAccountKey() }), foreign);
    const by = accountKeyOf(key.privateKey, 'ES256');
    expect((await holder.revoke(certificate, { reason: 1, by })).status).toBe(200);
    expect(await recordOf(fleet.test, certificate)).toMatchObject({ status: 'revoked', revocationReason: 1 });
  });

  it.each([2, 6, 8, 9, 10, 7, 11, -1, '1', null])('is refused with reason %p', async (reason) => {
    shared ??= await issued();
    const { certificate } = shared;
    const refusal = { status: 400, type: 'badRevocationReason', code: 'malformed-request' } as const;
    await expectProblem(fleet, () => client.revoke(certificate, { reason }), refusal);
    expect((await recordOf(fleet.test, certificate)).status).toBe('valid');
  });
  let shared: Issued | undefined;

  it('is refused for what is revoked already', async () => {
    const { certificate } = await issued();
    expect((await client.revoke(certificate)).status).toBe(200);
    const refusal = { status: 400, type: 'alreadyRevoked', code: 'already-revoked' } as const;
    await expectProblem(fleet, () => client.revoke(certificate), refusal);
  });

  it('is refused for certificates of others, and those that are none', async () => {
    const { certificate } = await issued();
    const est = createEstClient(fleet.test, { label: 'fleet', passcode: fleetPasscode });
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const csr = makeCsr({ key: { privateKey, publicKey }, subject: 'CN=est-device' });
    const ofEst = certificateOf(await est.post('simpleenroll', csr));
    est.close();
    const [ca] = fleet.test.gateway.core.authority.chain('root-1');
    const unknown = { status: 404, type: 'malformed', code: 'unknown-certificate' } as const;
    await expectProblem(fleet, () => client.revoke(ofEst), unknown);
    await expectProblem(fleet, () => client.revoke(new X509Certificate(ca ?? '')), unknown);
    expect((await recordOf(fleet.test, ofEst)).status).toBe('valid');
    const { revokeCert } = await client.directory();
    for (const octets of [Buffer.from('no certificate'), certificate.raw.subarray(0, -1), Buffer.alloc(0)]) {
      const payload = { certificate: octets.toString('base64url') };
      await expectProblem(fleet, () => client.post(revokeCert, payload), {
        status: 400,
        type: 'malformed',
        code: 'malformed-request',
      });
    }
  });
});
