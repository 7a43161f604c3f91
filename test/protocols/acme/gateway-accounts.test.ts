/** Accounts on a real gateway: external accounts, keys, ends, and lists of orders. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createAuthorizationStore } from '../../../protocols/acme/store/authorizations.js';
import { revokeCredential } from '../../../src/catalog/credentials.js';
import { compromiseDevice } from '../../../src/devices/compromise-device.js';
import { newAccountKey } from '../../support/acme/account-key.js';
import type { AcmeClient, ExternalAccount } from '../../support/acme/client.js';
import { csrFor, issue, readyOrder } from '../../support/acme/flow.js';
import { readAccount, readOrder, readOrderList } from '../../support/acme/objects.js';
import { hostAddress, placeNames, respondersOf } from '../../support/acme/server.js';
import { type AcmeFleet, acmePolicy, externalAccount, startAcmeFleet } from '../../support/acme-fleet.js';
import { expectProblem, requestIdOf } from '../../support/acme-refusals.js';
import { applyYaml, policyLike } from '../../support/fleet.js';
import { newKey } from '../../support/make-csr.js';
import { testActor } from '../../support/operator.js';
import { eventOf, eventsOf } from '../../support/records.js';

const name = 'pump-1.plant.example';

let fleet: AcmeFleet;
beforeAll(async () => {
  fleet = await startAcmeFleet();
  await placeNames(fleet, hostAddress, [name]);
});
afterAll(() => fleet.close());

describe('External accounts (RFC 8555 7.3.4)', () => {
  it.each([
    ['web', false],
    ['bound', true],
    ['both', true],
  ])('are needed by the policy %s: %p, and the directory says so', async (policy, isNeeded) => {
    const client = fleet.client(policy);
    expect((await client.directory()).meta?.externalAccountRequired).toBe(isNeeded);
    if (isNeeded) {
      const refusal = { status: 403, type: 'externalAccountRequired', code: 'bad-secret' } as const;
      await expectProblem(fleet, () => client.newAccount(), refusal);
    } else expect((await client.newAccount()).status).toBe(201);
    const bound = await fleet.client(policy).newAccount({ externalAccount });
    expect(bound.status).toBe(201);
    expect(await eventOf(fleet.test, { requestId: requestIdOf(bound) })).toMatchObject({ action: 'account.opened' });
    expect(readAccount(bound).externalAccountBinding).toHaveProperty('signature');
  });

  it('are needed as well where the authentication policy takes nothing without a secret', async () => {
    const { keyId, hmacKey } = externalAccount;
    const credential = `{ kind: acme-account-key, name: plant-secret, keyId: ${keyId}, hmacKey: ${hmacKey} }`;
    const secretive = `{ name: secretive, division: plant, require: secret, credentials: [${credential}] }`;
    await applyYaml(fleet.test, `authenticationPolicies: [${secretive}]\n`);
    const own = 'authenticationPolicy: secretive, profiles: [{ usage: operational, profile: host }], methods: [acme]';
    await applyYaml(fleet.test, policyLike('secret', `${own}, keyGeneration: [device]`));
    const client = fleet.client('secret');
    expect((await client.directory()).meta?.externalAccountRequired).toBe(true);
    const refusal = { status: 403, type: 'externalAccountRequired', code: 'bad-secret' } as const;
    await expectProblem(fleet, () => client.newAccount(), refusal);
    expect((await client.newAccount({ externalAccount })).status).toBe(201);
  });

  it.each(['HS256', 'HS384', 'HS512'] as const)('are bound by %s', async (alg) => {
    const answer = await fleet.client('bound').newAccount({ externalAccount: { ...externalAccount, alg } });
    expect(answer.status).toBe(201);
  });

  it.each<[string, Partial<ExternalAccount>]>([
    ['an unknown key id', { keyId: 'plant-18' }],
    ['another key', { hmacKey: Buffer.alloc(32).toString('base64url') }],
  ])('are refused with %s, in the same words', async (_, changes) => {
    const wrong = { ...externalAccount, ...changes };
    const refusal = { status: 403, type: 'unauthorized', code: 'bad-secret' } as const;
    const { problem } = await expectProblem(
      fleet,
      () => fleet.client('bound').newAccount({ externalAccount: wrong }),
      refusal,
    );
    told.add(problem.detail ?? '');
    expect(told.size).toBe(1);
  });
  const told = new Set<string>();

  it('open as many accounts as they may, and a key that has its account finds it', async () => {
    const hmacKey = Buffer.from('one account only, no more').toString('base64url');
    const once = { keyId: 'once', hmacKey };
    await addCredential(`{ kind: acme-account-key, name: once, keyId: once, hmacKey: ${hmacKey}, usageLimit: 1 }`);
    const client = fleet.client('bound');
    const opened = await client.newAccount({ externalAccount: once });
    expect(opened.status).toBe(201);
    const refusal = { status: 403, type: 'unauthorized', code: 'bad-secret' } as const;
    await expectProblem(fleet, () => fleet.client('bound').newAccount({ externalAccount: once }), refusal);
    const again = await client.newAccount({ externalAccount: once });
    expect({ status: again.status, location: again.location }).toEqual({ status: 200, location: opened.location });
  });

  it('are proof enough where the policy says so: the order is ready at once', async () => {
    const client = await fleet.clientWithAccount('bound');
    const { order, certificate } = await issue(client, { identifiers: ['nowhere.plant.example', '*.nowhere.example'] });
    expect(order.status).toBe('valid');
    expect(certificate.subjectAltName).toBe('DNS:nowhere.plant.example, DNS:*.nowhere.example');
  });

  it('are not where it wants both', async () => {
    const client = await fleet.clientWithAccount('both');
    expect(readOrder(await client.newOrder({ identifiers: [name] })).status).toBe('pending');
    const { certificate } = await issue(client, { identifiers: [name], responders: respondersOf(fleet) });
    expect(certificate.subjectAltName).toBe(`DNS:${name}`);
  });

  it('give no right to a name that the profile refuses, in its own words', async () => {
    await applyYaml(fleet.test, valves);
    const own = 'authenticationPolicy: hosts, profiles: [{ usage: operational, profile: valve }], methods: [acme]';
    const acme = 'acme: { authorization: externalAccount }';
    await applyYaml(fleet.test, policyLike('valves', `${own}, keyGeneration: [device], ${acme}`));
    const client = await fleet.clientWithAccount('valves');
    const { certificate } = await issue(client, { identifiers: ['valve-1.plant.example'] });
    expect(certificate.subjectAltName).toBe('DNS:valve-1.plant.example');
    const refusal = { status: 400, type: 'rejectedIdentifier', code: 'rejected-name', says: name } as const;
    await expectProblem(fleet, () => client.newOrder({ identifiers: [name] }), refusal);
  });

  it('give no right to a name that is none of those registered with them', async () => {
    const hmacKey = Buffer.from('for one pump and no other').toString('base64url');
    const names = `registeredValues: { subjectAltNames: { dns: ${name} } }`;
    await addCredential(`{ kind: acme-account-key, name: pump, keyId: pump, hmacKey: ${hmacKey}, ${names} }`);
    const client = fleet.client('bound');
    readAccount(await client.newAccount({ externalAccount: { keyId: 'pump', hmacKey } }));
    expect((await issue(client, { identifiers: [name] })).certificate.subjectAltName).toBe(`DNS:${name}`);
    const refusal = { status: 400, type: 'rejectedIdentifier', code: 'rejected-name', says: 'other.example' } as const;
    await expectProblem(fleet, () => client.newOrder({ identifiers: [name, 'other.example'] }), refusal);
  });

  it('that are revoked take their accounts along', async () => {
    const hmacKey = Buffer.from('revoked before the end').toString('base64url');
    await addCredential(`{ kind: acme-account-key, name: lost, keyId: lost, hmacKey: ${hmacKey} }`);
    const client = fleet.client('bound');
    readAccount(await client.newAccount({ externalAccount: { keyId: 'lost', hmacKey } }));
    const ready = readOrder(await client.newOrder({ identifiers: [name] }));
    expect(ready.status).toBe('ready');
    const { core } = fleet.test.gateway;
    const lost = { authenticationPolicy: 'hosts', name: 'lost' };
    await revokeCredential(lost, { ...core, actor: testActor });
    const refusal = { status: 403, type: 'unauthorized', code: 'bad-secret', says: 'revoked' } as const;
    await expectProblem(fleet, () => client.finalize(ready.finalize, csrFor([name], newKey())), refusal);
    await expectProblem(fleet, () => client.newOrder({ identifiers: [name] }), refusal);
  });

  it('that are bound to a device are revoked with it when it is compromised, and its accounts by the gateway', async () => {
    const device = 'pump-9.plant.example';
    const hmacKey = Buffer.from('bound to one device alone').toString('base64url');
    const bound = `registeredValues: { device: ${device} }`;
    await addCredential(`{ kind: acme-account-key, name: own, keyId: own, hmacKey: ${hmacKey}, ${bound} }`);
    await placeNames(fleet, hostAddress, [device]);
    const own = { keyId: 'own', hmacKey };
    const [byKey, byCertificate, other] = [fleet.client('bound'), fleet.client(), await fleet.clientWithAccount()];
    readAccount(await byKey.newAccount({ externalAccount: own }));
    const { url: account = '' } = { url: (await byCertificate.newAccount()).location };
    await issue(byCertificate, { identifiers: [device], responders: respondersOf(fleet) });
    const ready = readOrder(await byKey.newOrder({ identifiers: [device] }));

    const { core } = fleet.test.gateway;
    const known = await core.store.devices.findByName({ division: 'plant', name: device });
    const ended = await compromiseDevice({ id: known?.id ?? '', actor: testActor }, core);
    expect(ended).toMatchObject({ credentialCount: 1 });
    expect(ended.certificates).toHaveLength(1);
    const refused = { status: 403, type: 'unauthorized', code: 'bad-secret' } as const;
    await expectProblem(fleet, () => fleet.client('bound').newAccount({ externalAccount: own }), refused);
    const revoked = async () => (await eventsOf(fleet.test, 'account.revoked')).map(({ subject }) => subject);
    for (let waited = 0; waited < 5000 && (await revoked()).length < 2; waited += 100) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(await revoked()).toHaveLength(2);
    const id = account.slice(account.lastIndexOf('/') + 1);
    expect(await revoked()).toContain(id);
    const gone = { status: 401, type: 'unauthorized', code: 'forbidden', says: 'its device is compromised' } as const;
    await expectProblem(fleet, () => byKey.finalize(ready.finalize, csrFor([device], newKey())), gone);
    await expectProblem(fleet, () => byCertificate.newOrder({ identifiers: [device] }), gone);
    const authorizations = createAuthorizationStore(core.store.database);
    const asked = {
      accountId: id,
      identifierType: 'dns',
      identifierValue: device,
      isWildcard: 0,
      now: Date.now(),
    } as const;
    expect(await authorizations.findValid(asked)).toEqual([]);
    expect(readOrder(await other.newOrder({ identifiers: [name] })).status).toBe('pending');
  });

  const valves = `
profiles:
  - name: valve
    template: host
    subjectAltNames: [{ type: dns, source: request, pattern: "valve-[0-9]+\\\\.plant\\\\.example" }]
    otherExtensions: ignore
    keyUsages: [digitalSignature]
    extendedKeyUsages: [serverAuth]
    validity: 7d
`;

  async function addCredential(credential: string): Promise<void> {
    const { keyId, hmacKey } = externalAccount;
    credentials.push(credential);
    const all = [`{ kind: acme-account-key, name: plant, keyId: ${keyId}, hmacKey: ${hmacKey} }`, ...credentials];
    const policy = `{ name: hosts, division: plant, credentials: [${all.join(', ')}] }`;
    await applyYaml(fleet.test, `authenticationPolicies: [${policy}]\n`);
  }
  const credentials: string[] = [];
});

describe('An account', () => {
  it('is found by its key, changed and shown (RFC 8555 7.3.1, 7.3.2)', async () => {
    const client = fleet.client();
    const contact = ['mailto:admin@plant.example'];
    const none = { status: 400, type: 'accountDoesNotExist', code: 'not-found' } as const;
    await expectProblem(fleet, () => client.newAccount({ onlyReturnExisting: true }), none);
    const opened = await client.newAccount({ contact });
    expect(opened.status).toBe(201);
    const found = await client.newAccount({ onlyReturnExisting: true });
    expect({ status: found.status, location: found.location }).toEqual({ status: 200, location: opened.location });
    expect(readAccount(found)).toEqual(readAccount(opened));
    expect(readAccount(await client.updateAccount({ contact: [] }))).not.toHaveProperty('contact');
    expect(readAccount(await client.updateAccount()).status).toBe('valid');
  });

  it('has to agree to the terms of service (7.3), and to those that follow (7.3.3)', async () => {
    const terms = (year: number) => `https://plant.example/terms-${year}`;
    const policyWith = (year: number) => acmePolicy('terms', [fleet.validation, `termsOfService: "${terms(year)}"`]);
    await applyYaml(fleet.test, policyWith(2026));
    const client = fleet.client('terms');
    expect((await client.directory()).meta?.termsOfService).toBe(terms(2026));
    const needed = { status: 403, type: 'userActionRequired', code: 'forbidden' } as const;
    await expectProblem(fleet, () => client.newAccount(), needed);
    readAccount(await client.newAccount({ termsOfServiceAgreed: true }));
    readOrder(await client.newOrder({ identifiers: [name] }));
    await applyYaml(fleet.test, policyWith(2027));
    const { answer, problem } = await expectProblem(fleet, () => client.newOrder({ identifiers: [name] }), needed);
    expect(answer.links).toContainEqual({ url: terms(2027), relation: 'terms-of-service' });
    expect(problem.instance).toBe(terms(2027));
    readAccount(await client.updateAccount({ termsOfServiceAgreed: true }));
    readOrder(await client.newOrder({ identifiers: [name] }));
  });

  it('changes its key, and the old one is good for nothing (7.3.5)', async () => {
    const client = await fleet.clientWithAccount();
    const { key: old } = client;
    const issued = await issue(client, { identifiers: [name], responders: respondersOf(fleet) });
    const changed = await client.changeKey(newAccountKey('EdDSA'));
    expect(changed.status).toBe(200);
    expect(await eventOf(fleet.test, { requestId: requestIdOf(changed) })).toBeUndefined();
    expect(readAccount(await client.updateAccount()).status).toBe('valid');
    const refusal = { status: 400, type: 'badSignatureAlgorithm', code: 'unsupported-algorithm' } as const;
    const { problem } = await expectProblem(
      fleet,
      () => client.post(client.account ?? '', undefined, { key: old }),
      refusal,
    );
    expect(problem.algorithms).toEqual(['EdDSA']);
    const none = { status: 400, type: 'accountDoesNotExist', code: 'not-found' } as const;
    const asOld = { key: old, identifyBy: 'jwk' } as const;
    await expectProblem(fleet, () => client.newAccount({ onlyReturnExisting: true }, asOld), none);
    expect((await client.revoke(issued.certificate, { reason: 4 })).status).toBe(200);
  });

  it('cannot have the key of another one, whose URL the conflict tells (7.3.5)', async () => {
    const [client, other] = [await fleet.clientWithAccount(), await fleet.clientWithAccount()];
    const conflict = { status: 409, type: 'malformed', code: 'duplicate-request' } as const;
    const { answer } = await expectProblem(fleet, () => client.changeKey(other.key), conflict);
    expect(answer.location).toBe(other.account);
    expect(readAccount(await client.updateAccount()).status).toBe('valid');
  });

  it('that was given up is heard no more, and its key opens no other one (7.3.6)', async () => {
    const client = await fleet.clientWithAccount();
    const { order } = await readyOrder(client, { identifiers: [name], responders: respondersOf(fleet) });
    expect(readAccount(await client.updateAccount({ status: 'deactivated' })).status).toBe('deactivated');
    const refusal = { status: 401, type: 'unauthorized', code: 'forbidden' } as const;
    await expectProblem(fleet, () => client.finalize(order.finalize, csrFor([name], newKey())), refusal);
    await expectProblem(fleet, () => client.newOrder({ identifiers: [name] }), refusal);
    await expectProblem(fleet, () => client.updateAccount({ status: 'valid' }), refusal);
    await expectProblem(fleet, () => client.newAccount({}, { identifyBy: 'jwk' }), refusal);
  });

  it('lists its orders, a hundred on a page (7.1.2.1)', async () => {
    const client = await fleet.clientWithAccount('bound');
    const urls: string[] = [];
    for (let i = 0; i < 103; i++) urls.push((await client.newOrder({ identifiers: [name] })).location ?? '');
    const listed: string[] = [];
    const lengths: number[] = [];
    let next = readAccount(await client.updateAccount()).orders;
    while (next !== undefined) {
      const page = await client.fetch(next);
      const { orders } = readOrderList(page);
      lengths.push(orders.length);
      listed.push(...orders);
      next = page.links.find(({ relation }) => relation === 'next')?.url;
    }
    expect(lengths).toEqual([100, 3]);
    expect(listed).toEqual(urls);
    const stranger: AcmeClient = await fleet.clientWithAccount('bound');
    const refusal = { status: 403, type: 'unauthorized', code: 'forbidden' } as const;
    await expectProblem(fleet, () => stranger.fetch(`${client.account}/orders`), refusal);
  });
});
