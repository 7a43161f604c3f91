import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { mergePatch } from '../../../src/api/merge-patch.js';
import { createOperations } from '../../../src/api/operations.js';
import { writtenForm } from '../../../src/api/written-form.js';
import { policySchema } from '../../../src/model/policy.js';
import { fleet } from '../../support/fleet.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';
import { createCaller } from './call-operation.js';

const plant: ReadonlySet<string> = new Set(['plant']);
const offices: ReadonlySet<string> = new Set(['office']);
const twoDivisions = `${fleet.replace('divisions: [{ name: plant }]', 'divisions: [{ name: plant, description: Pumps }, { name: office }]')}
  - { name: spare, division: plant, authenticationPolicy: fleet, profiles: [{ usage: operational, profile: device }], issuingCa: devices, methods: [est], defaultGroup: valves }
`;

let test: TestGateway;
let call: ReturnType<typeof createCaller>;
beforeAll(async () => {
  test = await startTestGateway({ configuration: twoDivisions });
  call = createCaller(createOperations({ ...test.gateway.core, version: '0' }));
});
afterAll(() => test.close());

const names = async (id: string, query = {}, scope: 'everywhere' | ReadonlySet<string> = 'everywhere') => {
  const { value } = await call(id, { query, scope });
  return z
    .looseObject({ items: z.array(z.looseObject({ name: z.string() })) })
    .parse(value)
    .items.map(({ name }) => name);
};

describe('lists of configured objects', () => {
  it('go by name, in pages that find their way', async () => {
    const first = await call('listCertificateTemplates', { query: { limit: 3 } });
    expect(first.value).toMatchObject({
      items: [{ name: 'basic-device' }, { name: 'basic-intermediate-ca' }, { name: 'bootstrap-device' }],
    });
    const { next } = z.looseObject({ next: z.string() }).parse(first.value);
    const second = await call('listCertificateTemplates', { query: { limit: 100, cursor: next } });
    expect(second.value).toMatchObject({
      items: [
        { name: 'code-signing' },
        { name: 'device' },
        { name: 'ipsec-device' },
        { name: 'tls-client' },
        { name: 'tls-server' },
      ],
    });
    expect(second.value).not.toHaveProperty('next');
  });

  it('have no next page where the last one is just full', async () => {
    const { value } = await call('listDivisions', { query: { limit: 2 } });
    expect(value).toMatchObject({ items: { length: 2 } });
    expect(value).not.toHaveProperty('next');
  });

  it('are searched by part of name and description, and by division', async () => {
    expect(await names('listDivisions', { search: 'PUM' })).toEqual(['plant']);
    expect(await names('listDeviceGroups', { search: 'pum' })).toEqual(['pumps']);
    expect(await names('listDeviceGroups', { division: 'office' })).toEqual([]);
    expect(await names('listCertificateAuthorities', { search: 'root' })).toEqual(['root']);
  });

  it('leave out what belongs to other divisions, but not what belongs to none', async () => {
    expect(await names('listDeviceGroups', {}, offices)).toEqual([]);
    expect(await names('listDivisions', {}, offices)).toEqual(['office']);
    expect(await names('listCertificateProfiles', {}, offices)).toEqual(['device']);
    await expect(call('getDeviceGroup', { params: { name: 'pumps' }, scope: offices })).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('refuse a cursor of their own making', async () => {
    await expect(call('listDivisions', { query: { cursor: 'nonsense' } })).rejects.toMatchObject({ status: 400 });
  });
});

describe('creating', () => {
  it('makes what can be read as it was written, and is in use at once', async () => {
    const body = { name: 'north', description: 'Plant in the north', division: 'plant', policies: ['fleet'] };
    const made = await call('createDeviceGroup', { body });
    expect(made).toMatchObject({ value: body, location: '/device-groups/north' });
    expect((await call('getDeviceGroup', { params: { name: 'north' } })).value).toEqual(body);
    expect(test.gateway.core.catalog().groups.get('north')?.enabled).toBe(true);
    const [event] = await test.gateway.core.store.audit.list({ limit: 1 });
    expect(JSON.parse(event?.content ?? '{}')).toMatchObject({
      action: 'catalog.applied',
      actor: 'test',
      division: 'plant',
      changes: [{ action: 'create', kind: 'device-group', name: 'north' }],
    });
  });

  it('refuses a name that is taken', async () => {
    const body = { name: 'pumps', division: 'plant' };
    await expect(call('createDeviceGroup', { body })).rejects.toMatchObject({ code: 'duplicate-request' });
    await expect(
      call('createCertificateTemplate', { body: { name: 'tls-server', keys: {}, maximumValidity: '1d' } }),
    ).rejects.toMatchObject({ code: 'duplicate-request' });
  });

  it('names what it refers to and is not there, as 422 with pointers, and changes nothing', async () => {
    const { store } = test.gateway.core;
    const version = await store.catalog.version();
    const body = { name: 'south', division: 'plant', policies: ['fleet', 'flet'] };
    await expect(call('createDeviceGroup', { body })).rejects.toMatchObject({
      status: 422,
      errors: [{ pointer: '#/policies/1', detail: 'there is no policy "flet"; there are fleet, spare' }],
    });
    expect(await store.catalog.version()).toBe(version);
  });

  it('tells who may configure one division nothing of another one', async () => {
    const create = (body: object) => call('createDeviceGroup', { body, scope: offices });
    await expect(create({ name: 'desks', division: 'office', policies: ['fleet'] })).rejects.toMatchObject({
      status: 422,
      errors: [{ pointer: '#/policies/0', detail: 'there is no policy "fleet"; there is none' }],
    });
    await expect(create({ name: 'desks', division: 'plant' })).rejects.toMatchObject({
      status: 422,
      errors: [{ pointer: '#/division' }],
    });
    await expect(create({ name: 'desks', division: 'nowhere' })).rejects.toMatchObject({ status: 422 });
  });

  it('leaves divisions, and what belongs to none, to who may configure them all', async () => {
    await expect(call('createDivision', { body: { name: 'south' }, scope: plant })).rejects.toMatchObject({
      code: 'forbidden',
    });
    const body = { name: 'other', template: 'basic-device', validity: '1d' };
    await expect(call('createCertificateProfile', { body, scope: plant })).rejects.toMatchObject({ code: 'forbidden' });
    await expect(
      call('changeDivision', { params: { name: 'plant' }, body: { production: true }, scope: plant }),
    ).rejects.toMatchObject({ code: 'forbidden' });
  });
});

describe('changing', () => {
  it('is a merge patch of what is written', async () => {
    const params = { name: 'valves' };
    const { value } = await call('changeDeviceGroup', { params, body: { description: 'Valves', enabled: false } });
    expect(value).toEqual({
      name: 'valves',
      division: 'plant',
      policies: ['fleet'],
      description: 'Valves',
      enabled: false,
    });
    const changed = await call('changeDeviceGroup', { params, body: { description: null, enabled: null } });
    expect(changed.value).toEqual({ name: 'valves', division: 'plant', policies: ['fleet'] });
  });

  it.each([
    ['an unknown member', { colour: 'red' }, '#/colour'],
    ['a wrong type', { enabled: 'no' }, '#/enabled'],
    ['a member that has to be there', { division: null }, '#/division'],
  ])('refuses %s', async (_what, body, pointer) => {
    await expect(call('changeDeviceGroup', { params: { name: 'valves' }, body })).rejects.toMatchObject({
      status: 400,
      errors: [{ pointer }],
    });
  });

  it('keeps names, and built-in templates, as they are', async () => {
    await expect(
      call('changeDeviceGroup', { params: { name: 'valves' }, body: { name: 'valve' } }),
    ).rejects.toMatchObject({
      status: 422,
      errors: [{ pointer: '#/name' }],
    });
    await expect(
      call('changeCertificateTemplate', { params: { name: 'tls-server' }, body: { maximumValidity: '9y' } }),
    ).rejects.toMatchObject({ code: 'invalid-state', message: expect.stringContaining('clone it') });
    await expect(call('deleteCertificateTemplate', { params: { name: 'tls-server' } })).rejects.toMatchObject({
      code: 'invalid-state',
    });
  });

  it('refuses what would not fit stored objects any more', async () => {
    const params = { name: 'device' };
    await expect(call('changeCertificateTemplate', { params, body: { maximumValidity: '1d' } })).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining('stored profile "device" would no longer fit'),
    });
  });

  it('moves nothing to a division that the caller may not configure', async () => {
    const patch = { params: { name: 'valves' }, body: { division: 'office', policies: [] } };
    await expect(call('changeDeviceGroup', { ...patch, scope: plant })).rejects.toMatchObject({ status: 422 });
    await expect(call('changeDeviceGroup', { ...patch, scope: offices })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('takes If-Match for what a GET has answered', async () => {
    const params = { name: 'valves' };
    const { value } = await call('getDeviceGroup', { params });
    await call('changeDeviceGroup', { params, body: { description: 'new' }, ifMatch: value });
    await expect(
      call('changeDeviceGroup', { params, body: { description: 'newer' }, ifMatch: value }),
    ).rejects.toMatchObject({ status: 412 });
    await expect(call('deleteDeviceGroup', { params: { name: 'north' }, ifMatch: value })).rejects.toMatchObject({
      status: 412,
    });
  });
});

describe('replacing', () => {
  it('takes what a GET answers, whole', async () => {
    const params = { name: 'spare' };
    const { value } = await call('getCertificatePolicy', { params });
    expect(value).toMatchObject({ name: 'spare', methods: ['est'] });
    const body = { ...(value as object), methods: ['rest'], approval: 'manual' };
    expect((await call('replaceCertificatePolicy', { params, body, ifMatch: value })).value).toEqual(body);
    expect(test.gateway.core.catalog().policies.get('spare')?.policy).toMatchObject({
      methods: ['rest'],
      approval: 'manual',
    });
    await expect(call('replaceCertificatePolicy', { params: { name: 'none' }, body })).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('lets a policy for nothing but rest, batch and portal go without an authentication policy', async () => {
    const params = { name: 'spare' };
    const body = { authenticationPolicy: null, methods: ['rest', 'batch', 'portal'] };
    await call('changeCertificatePolicy', { params, body });
    expect(test.gateway.core.catalog().policies.get('spare')?.authentication).toMatchObject({
      policy: { name: '.none', require: 'any', methods: ['rest', 'batch', 'portal'], acceptIssuedCertificates: false },
      anchors: [],
      hasPasscodes: false,
    });
    await expect(call('changeCertificatePolicy', { params, body: { methods: ['rest', 'est'] } })).rejects.toMatchObject(
      {
        status: 422,
        errors: [{ pointer: '#/authenticationPolicy', detail: expect.stringContaining('est needs one') }],
      },
    );
  });
});

describe('certificate templates', () => {
  it('are cloned, the built-in ones too', async () => {
    const made = await call('cloneCertificateTemplate', {
      params: { name: 'tls-server' },
      body: { name: 'web', description: 'Web' },
    });
    expect(made).toMatchObject({
      location: '/certificate-templates/web',
      value: { name: 'web', description: 'Web', maximumValidity: '398d' },
    });
    await call('changeCertificateTemplate', { params: { name: 'web' }, body: { maximumValidity: '90d' } });
    await expect(
      call('cloneCertificateTemplate', { params: { name: 'none' }, body: { name: 'x' } }),
    ).rejects.toMatchObject({ code: 'not-found' });
    await expect(
      call('cloneCertificateTemplate', { params: { name: 'web' }, body: { name: 'device' } }),
    ).rejects.toMatchObject({ code: 'duplicate-request' });
    await call('deleteCertificateTemplate', { params: { name: 'web' } });
    await expect(call('getCertificateTemplate', { params: { name: 'web' } })).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});

describe('certificate authorities', () => {
  it('get their keys and certificates when they are created', async () => {
    const body = {
      name: 'more',
      parent: 'root',
      subject: 'CN=More,O=Plant',
      key: 'ec-p256',
      validity: '5y',
      pathLength: 0,
    };
    const { value, location } = await call('createCertificateAuthority', { body });
    expect(location).toBe('/certificate-authorities/more');
    expect(value).toMatchObject({
      ...body,
      generations: [
        {
          id: 'more-1',
          state: 'current',
          subject: 'CN=More,O=Plant',
          issuer: 'CN=Root,O=Plant',
          parent: 'root-1',
          fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
          certificate: expect.stringMatching(/^-----BEGIN CERTIFICATE-----/),
        },
      ],
    });
    const changed = await call('changeCertificateAuthority', {
      params: { name: 'more' },
      body: { stageNextGeneration: true },
    });
    expect(changed.value).toMatchObject({ generations: [{ id: 'more-1' }, { id: 'more-2', state: 'next' }] });
    await expect(
      call('changeCertificateAuthority', { params: { name: 'more' }, body: { generations: [] } }),
    ).rejects.toMatchObject({ status: 400, errors: [{ pointer: '#/generations' }] });
  });

  it('can be neither replaced nor deleted', () => {
    const ids = createOperations({ ...test.gateway.core, version: '0' }).map(({ id }) => id);
    expect(ids).not.toContain('deleteCertificateAuthority');
    expect(ids).not.toContain('replaceCertificateAuthority');
  });
});

describe('usage', () => {
  it('tells what refers to an object', async () => {
    const { value } = await call('getCertificateProfileUsage', { params: { name: 'device' } });
    expect(value).toEqual({
      usedBy: [
        { kind: 'policy', name: 'fleet' },
        { kind: 'policy', name: 'spare' },
      ],
    });
    const hidden = await call('getCertificateProfileUsage', { params: { name: 'device' }, scope: offices });
    expect(hidden.value).toEqual({ usedBy: [] });
  });

  it('tells where a policy enrolls, for its groups too', async () => {
    const { value } = await call('getCertificatePolicyUsage', { params: { name: 'fleet' } });
    expect(value).toMatchObject({
      validCertificates: 0,
      enrollment: expect.arrayContaining([
        { protocol: 'est', label: 'fleet', path: '/.well-known/est/fleet' },
        { protocol: 'cmp', label: 'fleet~pumps', path: '/.well-known/cmp/p/fleet~pumps' },
      ]),
    });
  });
});

describe('many edits at once', () => {
  it('of different objects all stand', async () => {
    const made = Array.from({ length: 50 }, (_, index) => ({ name: `at-once-${index}`, division: 'plant' }));
    await Promise.all(made.map((body) => call('createDeviceGroup', { body })));
    expect(await names('listDeviceGroups', { search: 'at-once', limit: 100 })).toHaveLength(50);
  });

  it('of one object with If-Match let one through', async () => {
    const params = { name: 'at-once-0' };
    const { value } = await call('getDeviceGroup', { params });
    const edits = Array.from({ length: 50 }, (_, index) =>
      call('changeDeviceGroup', { params, body: { description: `${index}` }, ifMatch: value }),
    );
    const outcomes = await Promise.allSettled(edits);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ status: 412 });
    }
  });

  it('under one name create one', async () => {
    const creations = Array.from({ length: 50 }, () => call('createDivision', { body: { name: 'once' } }));
    const outcomes = await Promise.allSettled(creations);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'duplicate-request' });
    }
  });

  it('are tried again when another process was faster, and refused when it has changed the same', async () => {
    const { core } = test.gateway;
    const put = (name: string, description: string) =>
      core.store.catalog.put({
        kind: 'device-group',
        name,
        document: JSON.stringify({ name, division: 'plant', description }),
        updatedAt: 0,
      });
    const overtaking = (name: string) => {
      let left = 1;
      const commit: typeof core.store.commit = async (change) => {
        if (left-- > 0) {
          const expected = await core.store.catalog.version();
          await core.store.commit({
            statements: [core.store.catalog.bumpVersion({ expected }), put(name, 'theirs')],
            audit: [],
          });
        }
        await core.store.commit(change);
      };
      return createCaller(createOperations({ ...core, version: '0', store: { ...core.store, commit } }));
    };
    const edit = { params: { name: 'at-once-1' }, body: { description: 'mine' } };
    expect((await overtaking('at-once-2')('changeDeviceGroup', edit)).value).toMatchObject({ description: 'mine' });
    const again = { ...edit, body: { description: 'mine again' } };
    await expect(overtaking('at-once-1')('changeDeviceGroup', again)).rejects.toMatchObject({ status: 412 });
    expect((await call('getDeviceGroup', { params: { name: 'at-once-2' } })).value).toMatchObject({
      description: 'theirs',
    });
  });
});

describe('the schemas of what is written', () => {
  it('can be told as JSON Schema, in and out, the same', () => {
    const written = writtenForm(policySchema);
    const input = z.toJSONSchema(written, { io: 'input' });
    const output = z.toJSONSchema(written, { io: 'output' });
    expect(input).toEqual(output);
    expect(input).toMatchObject({
      additionalProperties: false,
      required: ['name', 'division', 'profiles', 'issuingCa', 'methods', 'defaultGroup'],
      properties: {
        approvalTimeout: { type: 'string', description: expect.any(String) },
        cmp: { properties: { confirmWait: { type: 'string' } }, additionalProperties: false },
      },
    });
  });
});

describe('a merge patch (RFC 7396)', () => {
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('makes of %j with %j: %j', (target, patch, merged) => {
    expect(mergePatch(target, patch)).toEqual(merged);
  });

  it('reaches no prototype', () => {
    const merged = mergePatch({}, JSON.parse('{"__proto__":{"polluted":true}}'));
    expect(Object.hasOwn(merged, '__proto__')).toBe(true);
    expect(merged).not.toHaveProperty('polluted');
    expect({}).not.toHaveProperty('polluted');
  });
});
