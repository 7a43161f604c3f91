/** REST enrollment with API keys, over TLS. */

import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createApiKey, getApiKey, revokeApiKey } from '../../../src/access/api-keys.js';
import { everything, type Manager } from '../../../src/access/grants.js';
import { createUser, getUser, setEnabled } from '../../../src/access/users.js';
import { approveRequest } from '../../../src/enrollment/approve.js';
import type { Grant } from '../../../src/model/access.js';
import { applyYaml, fleet, fleetPasscode, policyLike } from '../../support/fleet.js';
import { newKey } from '../../support/make-csr.js';
import { by } from '../../support/operator.js';
import { countRecords, eventOf, recordOf } from '../../support/records.js';
import { createRestClient, csrPem, expectProblem, issuedOf, type RestClient } from '../../support/rest-client.js';
import { createTestClock } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

const clock = createTestClock();
const root: Manager = { actor: { name: 'test', person: 'test' }, grants: everything };
const creator: Grant = { role: 'device-creator', division: 'plant' };

let test: TestGateway;
let rest: RestClient;
beforeAll(async () => {
  const configuration = fleet
    .replace('methods: [est, scep, cmp]', 'methods: [est, rest]')
    .replace('divisions: [{ name: plant }]', 'divisions: [{ name: plant }, { name: lab }]');
  test = await startTestGateway({ configuration, clock });
  await applyYaml(test, policyLike('manual', 'methods: [rest], approval: manual'));
  await applyYaml(test, policyLike('twice', 'methods: [rest], approval: two-people'));
  rest = createRestClient(test);
});
afterAll(async () => {
  rest.close();
  await test.close();
});

let names = 0;

async function makeKey(
  grants: readonly Grant[] = [creator],
  changes: { owner?: string; expiresAt?: Date } = {},
): Promise<{ name: string; id: string; key: string }> {
  const name = `key-${++names}`;
  const { record, key } = await createApiKey({ name, grants, ...changes }, root, test.gateway.core);
  return { name, id: record.id, key };
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const csr = (name: string) => ({ csr: csrPem({ key: newKey(), subject: `CN=${name}` }) });

describe('REST enrollment with an API key', () => {
  it.each([
    ['Authorization: Bearer', bearer],
    ['X-API-Key', (key: string) => ({ 'x-api-key': key })],
  ])('answers 201 to %s, and names the key in the records', async (header, headersWith) => {
    const { key, id, name } = await makeKey();
    const device = header.replace(/[^A-Za-z]/g, '');
    const answer = await rest.post('', csr(device), headersWith(key));
    const certificate = new X509Certificate(issuedOf(answer).certificate);
    expect(await recordOf(test, certificate)).toMatchObject({ requester: `api-key:${id}`, status: 'valid' });
    expect(await eventOf(test, answer)).toMatchObject({
      action: 'certificate.issued',
      device,
      division: 'plant',
      requester: { id: `api-key:${id}`, credentials: [{ kind: 'api-key', name }] },
    });
    expect(JSON.stringify(await eventOf(test, answer))).not.toContain(key.slice(12));
  });

  it('repeats its answer to the same key, and enrolls any number of devices', async () => {
    const { key } = await makeKey();
    const body = csr('repeated');
    const [first, second] = [await rest.post('', body, bearer(key)), await rest.post('', body, bearer(key))];
    expect(issuedOf(second).serialNumber).toBe(issuedOf(first).serialNumber);
    expect(issuedOf(await rest.post('', csr('next'), bearer(key))).serialNumber).not.toBe(issuedOf(first).serialNumber);
  });

  it('does not take the certificate of the platform’s TLS stack for the device’s', async () => {
    const { key, id } = await makeKey();
    const own = newKey();
    const platformsOwn = issuedOf(
      await rest.post('', { csr: csrPem({ key: own, subject: 'CN=platform' }) }, { 'x-passcode': fleetPasscode }),
    );
    const chain = [new X509Certificate(platformsOwn.certificate).raw];
    const platform = createRestClient(test, { identity: { chain, privateKey: own.privateKey } });
    const issued = issuedOf(await platform.post('', csr('behind-the-platform'), bearer(key)));
    expect(await recordOf(test, new X509Certificate(issued.certificate))).toMatchObject({
      requester: `api-key:${id}`,
      replaces: null,
    });
    platform.close();
  });

  it('is refused with 401 and both challenges to a key that is none, unknown, expired or revoked', async () => {
    const expired = await makeKey([creator], { expiresAt: new Date(clock.now().getTime() + 1000) });
    const revoked = await makeKey();
    await revokeApiKey(await getApiKey(revoked.name, 'everywhere', test.gateway.core), root, test.gateway.core);
    clock.advance(2);
    const before = await countRecords(test);
    for (const key of ['x', `${revoked.key}x`, expired.key, revoked.key]) {
      const answer = await rest.post('', csr('nobody'), bearer(key));
      await expectProblem(test, answer, { status: 401, code: 'bad-secret', says: 'API key' });
      expect(answer.headers['www-authenticate']).toBe('X-Passcode realm="gatehouse", Bearer realm="gatehouse"');
    }
    expect(await countRecords(test)).toEqual(before);
  });

  it('ends with the user whose key it is', async () => {
    const { core } = test.gateway;
    await createUser({ name: 'carl', grants: [creator] }, root, core);
    const { key } = await makeKey([creator], { owner: 'carl' });
    issuedOf(await rest.post('', csr('of-carl'), bearer(key)));
    await setEnabled(await getUser('carl', 'everywhere', core), false, root, core);
    await expectProblem(test, await rest.post('', csr('of-carl-2'), bearer(key)), { status: 401, code: 'bad-secret' });
  });

  it.each<[string, Grant[]]>([
    ['of another division', [{ role: 'solution-administrator', division: 'lab' }]],
    ['that may only look', [{ role: 'auditor' }]],
    ['of an approver', [{ role: 'approver', division: 'plant' }]],
  ])('is refused with 403 to a key %s', async (_, grants) => {
    const { key } = await makeKey(grants);
    const answer = await rest.post('', csr('foreign'), bearer(key));
    await expectProblem(test, answer, { status: 403, code: 'forbidden', says: 'certificate:request' });
  });

  it.each([
    ['a passcode', { 'x-passcode': fleetPasscode }, 400],
    ['another key', { 'x-api-key': 'x' }, 400],
  ])('is refused with %s beside the key', async (_, headers, status) => {
    const { key } = await makeKey();
    const answer = await rest.post('', csr('both'), { ...bearer(key), ...headers });
    await expectProblem(test, answer, { status, code: 'malformed-request' });
  });

  it.each(['certificate', 'certificate-and-secret'])('is refused where the policy wants a %s', async (require) => {
    const { key } = await makeKey();
    const label = `wants-${require}`;
    const policy = `authenticationPolicies: [{ name: ${label}, division: plant, require: ${require} }]\n`;
    await applyYaml(test, `${policy}${policyLike(label, `methods: [rest], authenticationPolicy: ${label}`)}`);
    const other = createRestClient(test, { label });
    const answer = await other.post('', csr('unwanted'), bearer(key));
    await expectProblem(test, answer, { status: 403, code: 'forbidden', says: 'takes no API keys' });
    other.close();
  });

  it('is no renewal, revocation or download', async () => {
    const { key } = await makeKey();
    const { serialNumber } = issuedOf(await rest.post('', csr('kept'), bearer(key)));
    for (const answer of [
      await rest.post('/renew', csr('kept'), bearer(key)),
      await rest.post('/revoke', { serialNumber }, bearer(key)),
      await rest.get(`/certificates/${serialNumber}`, bearer(key)),
    ]) {
      await expectProblem(test, answer, { status: 403, code: 'forbidden' });
    }
  });

  it('is limited like passcodes when keys are guessed', async () => {
    const { failures, failuresPerMinute } = test.gateway.core;
    failures.add('127.0.0.1', failuresPerMinute);
    const { key } = await makeKey();
    const answer = await rest.post('', csr('late'), bearer(key));
    await expectProblem(test, answer, { status: 429, code: 'rate-limited' });
    clock.advance(61);
    issuedOf(await rest.post('', csr('late'), bearer(key)));
  });
});

describe('A request with an API key that waits for approval', () => {
  let manual: RestClient;
  beforeAll(() => {
    manual = createRestClient(test, { label: 'manual' });
  });
  afterAll(() => manual.close());

  const askFor = async (name: string, key: string) => {
    const answer = await manual.post('', csr(name), bearer(key));
    expect(answer.status).toBe(202);
    return String(JSON.parse(answer.text).request);
  };

  it('is answered to the same key once it is approved', async () => {
    const [{ key }, other] = [await makeKey(), await makeKey()];
    const request = await askFor('waiting', key);
    expect((await manual.get(`/requests/${request}`, bearer(key))).status).toBe(202);
    await expectProblem(test, await manual.get(`/requests/${request}`, bearer(other.key)), {
      status: 404,
      code: 'not-found',
    });
    await approveRequest(request, by('alice'), test.gateway.core);
    issuedOf(await manual.get(`/requests/${request}`, bearer(key)));
  });

  it('is not approved by whom the key stands for, where two people have to', async () => {
    const { core } = test.gateway;
    const erna = await createUser({ name: 'erna', grants: [creator] }, root, core);
    const [own, ownerless] = [await makeKey([creator], { owner: 'erna' }), await makeKey()];
    const twice = createRestClient(test, { label: 'twice' });
    for (const [{ key }, person] of [
      [own, `user:${erna.id}`] as const,
      [ownerless, `api-key:${ownerless.id}`] as const,
    ]) {
      const answer = await twice.post('', csr(`of-${person}`.replaceAll(/[^a-z]/g, '')), bearer(key));
      const request = String(JSON.parse(answer.text).request);
      const decision = { actor: { name: 'who asks', person } };
      await expect(approveRequest(request, decision, core)).rejects.toMatchObject({ code: 'forbidden' });
      expect(await approveRequest(request, by('alice'), core)).toEqual({ outcome: 'waiting' });
    }
    twice.close();
  });

  it('cannot be approved once the key is revoked, or its user disabled', async () => {
    const { core } = test.gateway;
    await createUser({ name: 'dora', grants: [creator] }, root, core);
    const keys = [await makeKey(), await makeKey([creator], { owner: 'dora' })];
    const requests = [await askFor('revoked', keys[0]?.key ?? ''), await askFor('disabled', keys[1]?.key ?? '')];
    await revokeApiKey(await getApiKey(keys[0]?.name ?? '', 'everywhere', core), root, core);
    await setEnabled(await getUser('dora', 'everywhere', core), false, root, core);
    for (const request of requests) {
      await expect(approveRequest(request, by('alice'), core)).rejects.toMatchObject({
        code: 'invalid-state',
        message: expect.stringContaining('has been revoked since'),
      });
    }
  });
});
