import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Role } from '../../../src/model/access.js';
import { applyYaml, policyLike } from '../../support/fleet.js';
import { issued, startOperatedFleet, waiting } from '../../support/operated-fleet.js';
import type { TestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';
import { type Caller, createCaller } from './call.js';

let test: TestGateway;
let clock: TestClock;
let root: Caller;
/** Of what the rows of the tables below need to know, by what it is called there. */
const ids = new Map<string, string>();

const more = `
divisions:
  - { name: lab, production: false }
  - { name: works, production: true, description: The Works in the north }
deviceGroups:
  - { name: closed, division: plant, enabled: false }
  - { name: in-ulm, division: plant, filter: { field: attributes.site, equals: Ulm } }
  - { name: strict, division: plant, authenticationPolicy: proven }
authenticationPolicies:
  - { name: proven, division: plant, methods: [rest] }
certificateAuthorities:
  - { name: other-root, subject: "CN=Other", key: ec-p256, validity: 10y, description: Not for devices }
profiles:
  - { name: short, template: tls-client, validity: 1d, subject: [{ attribute: commonName, source: request }] }
`;

beforeAll(async () => {
  ({ test, clock } = await startOperatedFleet());
  await applyYaml(test, more);
  await applyYaml(test, policyLike('off', 'enabled: false, profiles: [{ usage: operational, profile: short }]'));
  root = callerWith('solution-administrator');
  const plantAuditor = [{ role: 'auditor', division: 'plant' }];
  await root.call('createUser', { body: { name: 'alice', displayName: 'Alice of the Plant', grants: plantAuditor } });
  await root.call('createUser', { body: { name: 'bert', grants: [{ role: 'approver' }] } });
  await root.call('disableUser', { params: { name: 'bert' } });
  await root.call('createApiKey', { body: { name: 'platform', grants: plantAuditor, owner: 'alice' } });
  for (const [name, group, site] of [
    ['pump-1', 'pumps', 'Ulm'],
    ['pump-2', 'pumps', 'Bonn'],
    ['valve-1', 'valves', 'Ulm'],
    ['gate-1', 'gates', 'Ulm'],
  ] as const) {
    const { value } = await root.call('registerDevice', { body: { name, group, attributes: { site } } });
    ids.set(name, (value as { id: string }).id);
    ids.set(`certificate of ${name}`, (await issued(test, { name, policy: group === 'gates' ? 'site' : 'plant' })).id);
  }
  // Of a name that there is in another division as well.
  const twin = await root.call('registerDevice', { body: { name: 'pump-1', group: 'gates' } });
  ids.set('pump-1 of site', (twin.value as { id: string }).id);
  ids.set('certificate of pump-1 of site', (await issued(test, { name: 'pump-1', policy: 'site' })).id);
  for (const [id, name, alternatives] of [
    ['waits for pump-1', 'pump-1', [{ type: 'dns', value: 'pump-1.plant.example' }]],
    ['waits for a new one', 'new-1', []],
  ] as const) {
    ids.set(id, await waiting(test, { name, alternatives }));
    clock.advance(1);
  }
  for (const [name, kind, options] of [
    ['Delivery 17', 'register-devices', { group: 'pumps' }],
    ['Delivery 18', 'register-devices', { group: 'gates' }],
    ['clean up', 'revoke-certificates', { division: 'plant' }],
  ] as const) {
    const { value } = await root.call('createJob', { body: { name, kind, options } });
    ids.set(name, (value as { id: string }).id);
  }
  await root.call('cancelJob', { params: { id: ids.get('Delivery 18') } });
});
afterAll(() => test.close());

function callerWith(role: Role, division?: string): Caller {
  const grants = [{ role, ...(division === undefined ? {} : { division }) }];
  const principal = { kind: 'user', id: 'tester', name: 'tester', person: 'user:tester', grants } as const;
  return createCaller({ ...test.gateway.core, version: '0' }, principal);
}

type Item = Readonly<Record<string, unknown>>;
interface Page {
  readonly items: readonly Item[];
  readonly next?: string;
}

async function list(id: string, query: object, caller = root, params: object = {}): Promise<readonly Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const page = (await caller.call(id, { params, query: { ...query, ...(cursor ? { cursor } : {}) } })).value as Page;
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined);
  return items;
}

const names = async (...[id, query, caller, params]: Parameters<typeof list>) =>
  (await list(id, query, caller, params)).map(({ name }) => name);

describe('lists of configured objects are narrowed', () => {
  it.each<[string, object, string[]]>([
    ['listDivisions', { production: 'true' }, ['works']],
    ['listDivisions', { production: 'false' }, ['lab']],
    ['listDivisions', { production: 'unmarked' }, ['plant', 'site']],
    ['listDivisions', { search: 'NORTH' }, ['works']],
    ['listDeviceGroups', { enabled: 'false' }, ['closed']],
    ['listDeviceGroups', { type: 'dynamic' }, ['in-ulm']],
    ['listDeviceGroups', { type: 'static', division: 'site' }, ['gates']],
    ['listDeviceGroups', { policy: 'site' }, ['gates']],
    ['listDeviceGroups', { authenticationPolicy: 'proven' }, ['strict']],
    ['listCertificateTemplates', { builtIn: 'false' }, ['device']],
    ['listCertificateTemplates', { builtIn: 'true', search: 'ipsec' }, ['ipsec-device']],
    ['listCertificateProfiles', { template: 'tls-client' }, ['short']],
    ['listCertificateProfiles', { template: 'device' }, ['device']],
    ['listAuthenticationPolicies', { method: 'est' }, ['fleet', 'site']],
    ['listAuthenticationPolicies', { method: 'rest', search: 'prov' }, ['proven']],
    ['listCertificateAuthorities', { parent: 'root' }, ['devices']],
    ['listCertificateAuthorities', { search: 'not for' }, ['other-root']],
    ['listCertificatePolicies', { enabled: 'false' }, ['off']],
    ['listCertificatePolicies', { method: 'rest' }, ['site']],
    ['listCertificatePolicies', { approval: 'two-people' }, ['twice']],
    ['listCertificatePolicies', { issuingCa: 'root' }, []],
    ['listCertificatePolicies', { profile: 'short' }, ['off']],
    ['listCertificatePolicies', { authenticationPolicy: 'site' }, ['site']],
    ['listCertificatePolicies', { sort: '-name', approval: 'manual' }, ['manual']],
  ])('%s by %j', async (id, query, wanted) => {
    expect(await names(id, query)).toEqual(wanted);
  });

  it.each([
    ['listDivisions', { production: 'maybe' }],
    ['listDeviceGroups', { enabled: 'yes' }],
    ['listDeviceGroups', { builtIn: 'true' }],
    ['listCertificatePolicies', { approval: 'none' }],
    ['listCertificatePolicies', { sort: 'createdAt' }],
  ])('%s, but not by %j', async (id, query) => {
    await expect(root.call(id, { query })).rejects.toMatchObject({ name: 'ZodError' });
  });

  it('with the templates that come with the gateway in their places, in any order', async () => {
    const byName = await names('listCertificateTemplates', {});
    expect(byName).toHaveLength(8);
    expect(await names('listCertificateTemplates', { sort: '-name', limit: '3' })).toEqual(byName.toReversed());
    // They are older than any of the operator's.
    const byTime = await names('listCertificateTemplates', { sort: 'updatedAt', limit: '1' });
    expect(byTime).toEqual([...byName.filter((name) => name !== 'device'), 'device']);
    expect(await names('listCertificateTemplates', { sort: '-updatedAt' })).toEqual(byTime.toReversed());
  });

  it('by who looks, whatever else is asked for', async () => {
    const auditor = callerWith('auditor', 'site');
    expect(await names('listDeviceGroups', { sort: '-updatedAt' }, auditor)).toEqual(['gates']);
    expect(await names('listDeviceGroups', { policy: 'plant' }, auditor)).toEqual([]);
  });
});

describe('lists of people, keys and credentials are narrowed', () => {
  it.each<[string, object, string[]]>([
    ['listUsers', { role: 'approver' }, ['bert']],
    ['listUsers', { role: 'auditor', enabled: 'true' }, ['alice']],
    ['listUsers', { role: 'artifact-manager' }, []],
    ['listUsers', { enabled: 'false' }, ['bert']],
    ['listUsers', { search: 'OF THE PLANT' }, ['alice']],
    ['listUsers', { sort: '-name' }, ['bert', 'alice']],
    // Who was disabled has changed last.
    ['listUsers', { sort: '-updatedAt', limit: '1' }, ['bert', 'alice']],
    ['listApiKeys', { role: 'auditor' }, ['platform']],
    ['listApiKeys', { role: 'solution-administrator', sort: '-createdAt' }, ['first-administrator']],
    ['listApiKeys', { owner: 'alice', sort: '-createdAt' }, ['platform']],
    ['listApiKeys', { state: 'valid', search: 'FIRST' }, ['first-administrator']],
  ])('%s by %j', async (id, query, wanted) => {
    expect(await names(id, query)).toEqual(wanted);
  });

  it.each<[object, string[]]>([
    [{ kind: 'cmp-secret' }, ['fleet-cmp']],
    [{ search: 'FLEET-' }, ['fleet-cmp']],
    [{ state: 'valid', sort: '-name' }, ['fleet-cmp', 'fleet']],
    [{ state: 'revoked' }, []],
    [{ sort: '-createdAt', limit: '1' }, ['fleet-cmp', 'fleet']],
  ])('listCredentials by %j', async (query, wanted) => {
    expect(await names('listCredentials', query, root, { name: 'fleet' })).toEqual(wanted);
  });
});

describe('lists of jobs are narrowed', () => {
  it.each<[object, string[]]>([
    [{}, ['clean up', 'Delivery 18', 'Delivery 17']],
    [{ sort: 'createdAt' }, ['Delivery 17', 'Delivery 18', 'clean up']],
    [{ sort: 'name', limit: '1' }, ['Delivery 17', 'Delivery 18', 'clean up']],
    [{ sort: '-name', limit: '2' }, ['clean up', 'Delivery 18', 'Delivery 17']],
    [{ kind: 'revoke-certificates' }, ['clean up']],
    [{ state: 'cancelled' }, ['Delivery 18']],
    [{ division: 'site' }, ['Delivery 18']],
    [{ createdBy: 'user tester', state: 'draft' }, ['clean up', 'Delivery 17']],
    [{ createdBy: 'user nobody' }, []],
    [{ search: 'DELIVERY' }, ['Delivery 18', 'Delivery 17']],
    [{ search: 'Del%' }, []],
  ])('by %j', async (query, wanted) => {
    expect(await names('listJobs', query)).toEqual(wanted);
  });

  it('by who looks', async () => {
    expect(await names('listJobs', { sort: 'name' }, callerWith('auditor', 'site'))).toEqual(['Delivery 18']);
    expect(await names('listJobs', { division: 'plant' }, callerWith('auditor', 'site'))).toEqual([]);
  });
});

describe('lists of requests are narrowed', () => {
  const requests = async (query: object, caller = root) =>
    (await list('listRequests', query, caller)).map(({ id }) => id);
  const idsOf = (wanted: readonly string[]) => wanted.map((name) => ids.get(name));

  it.each<[object, string[]]>([
    [{ device: 'pump-1' }, ['waits for pump-1']],
    [{ device: 'new-1' }, ['waits for a new one']],
    [{ device: 'pump' }, []],
    [{ search: 'PLANT.example' }, ['waits for pump-1']],
    [{ search: 'cn=NEW-1' }, ['waits for a new one']],
    [{ search: 'pump', device: 'new-1' }, []],
    [
      { policy: 'manual', protocol: 'portal', sort: '-createdAt', limit: '1', search: '-1' },
      ['waits for a new one', 'waits for pump-1'],
    ],
    [{ protocol: 'est' }, []],
    [{ group: 'pumps' }, []],
    [{ division: 'site', device: 'pump-1' }, []],
  ])('by %j', async (query, wanted) => {
    expect(await requests(query)).toEqual(idsOf(wanted));
  });

  it('and say which device each is about', async () => {
    const devices = (await list('listRequests', { search: '-1' })).map(({ device }) => device);
    expect(devices).toEqual(['pump-1', 'new-1']);
  });

  it('by when they changed last', async () => {
    const id = ids.get('waits for pump-1') ?? '';
    clock.advance(60);
    await root.call('rejectRequest', { params: { id }, body: { comment: 'not one of ours' } });
    const late = await waiting(test, { name: 'late-1' });
    clock.advance(60);
    await root.call('rejectRequest', { params: { id: late }, body: {} });
    expect(await requests({ state: 'rejected', sort: '-updatedAt', limit: '1' })).toEqual([late, id]);
    expect(await requests({ state: 'rejected', sort: 'updatedAt', limit: '1' })).toEqual([id, late]);
    expect(await requests({ state: 'rejected', device: 'pump-1' })).toEqual([id]);
  });
});

describe('the inventory is narrowed', () => {
  const certificates = async (query: object, caller = root) =>
    (await list('listCertificates', { usage: 'operational', sort: 'issuedAt', ...query }, caller)).map(({ id }) => id);
  const of = (...devices: string[]) => devices.map((name) => ids.get(`certificate of ${name}`)).sort();

  it.each<[string, object, string[]]>([
    ['a device by its name, in all divisions', { device: 'pump-1' }, ['pump-1', 'pump-1 of site']],
    ['a device by its name in a division', { device: 'pump-1', division: 'site' }, ['pump-1 of site']],
    ['no part of a name', { device: 'pump' }, []],
    ['a device that is not there', { device: 'nowhere' }, []],
    ['a device in a division that is not there', { device: 'pump-1', division: 'nowhere' }, []],
    ['a device and a policy', { device: 'pump-1', policy: 'plant' }, ['pump-1']],
    ['a static group', { group: 'valves' }, ['valve-1']],
    ['a dynamic group', { group: 'in-ulm' }, ['pump-1', 'valve-1']],
    ['a dynamic group and a device', { group: 'in-ulm', device: 'pump-1' }, ['pump-1']],
    ['a dynamic group and a device that is not in it', { group: 'in-ulm', device: 'pump-2' }, []],
    ['a dynamic group, page by page', { group: 'in-ulm', limit: '1' }, ['pump-1', 'valve-1']],
    ['a dynamic group and a text', { group: 'in-ulm', search: 'VALVE' }, ['valve-1']],
  ])('to %s', async (_what, query, wanted) => {
    expect((await certificates(query)).sort()).toEqual(of(...wanted));
  });

  it('to a dynamic group as it is now', async () => {
    const params = { id: ids.get('pump-2') };
    await root.call('changeDevice', { params, body: { attributes: { site: 'Ulm' } } });
    expect((await certificates({ group: 'in-ulm' })).sort()).toEqual(of('pump-1', 'pump-2', 'valve-1'));
    await root.call('changeDevice', { params, body: { attributes: { site: 'Bonn' } } });
    expect((await certificates({ group: 'in-ulm' })).sort()).toEqual(of('pump-1', 'valve-1'));
  });

  it('to what who looks may see: devices of other divisions have no names there, and groups are not there', async () => {
    const auditor = callerWith('auditor', 'site');
    expect(await certificates({ device: 'pump-1' }, auditor)).toEqual(of('pump-1 of site'));
    expect(await certificates({ device: 'pump-1', division: 'plant' }, auditor)).toEqual([]);
    for (const [caller, group] of [
      [auditor, 'in-ulm'],
      [auditor, 'pumps'],
      [root, 'nowhere'],
    ] as const) {
      await expect(caller.call('listCertificates', { query: { group } })).rejects.toMatchObject({
        status: 422,
        message: `there is no device group "${group}"`,
      });
    }
  });
});

describe('the audit log is narrowed', () => {
  const actions = async (query: object, caller = root) =>
    (await list('listAuditEvents', query, caller)).map(({ action }) => action);

  it('to the history of a device, in both directions', async () => {
    const device = ids.get('valve-1') ?? '';
    expect(await actions({ device })).toEqual(['certificate.issued', 'device.registered']);
    expect(await actions({ device, sort: 'at', limit: '1' })).toEqual(['device.registered', 'certificate.issued']);
    expect(await actions({ device, action: 'certificate.issued' })).toEqual(['certificate.issued']);
    expect(await actions({ device, subject: device })).toEqual(['device.registered']);
    expect(await actions({ device: 'nobody' })).toEqual([]);
  });

  it('to a division, for who may look at it', async () => {
    const ofSite = await list('listAuditEvents', { division: 'site', action: 'device.registered' });
    expect(ofSite.map(({ subject }) => subject).sort()).toEqual([ids.get('gate-1'), ids.get('pump-1 of site')].sort());
    const auditor = callerWith('auditor', 'site');
    expect(await actions({ division: 'plant' }, auditor)).toEqual([]);
    expect(await actions({ division: 'site', action: 'device.registered' }, auditor)).toHaveLength(2);
  });

  it('oldest first, by time', async () => {
    const latest = await list('listAuditEvents', { limit: '7' });
    const oldest = await list('listAuditEvents', { limit: '7', sort: 'at' });
    expect(oldest.map(({ id }) => id)).toEqual(latest.map(({ id }) => id).reverse());
  });
});
