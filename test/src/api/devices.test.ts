import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import type { Scope } from '../../../src/access/principal.js';
import { deviceOperations } from '../../../src/api/devices.js';
import type { Operation } from '../../../src/api/operation.js';
import { HttpError } from '../../../src/errors.js';
import type { Grant } from '../../../src/model/access.js';
import { createEstClient, type EstClient } from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode } from '../../support/fleet.js';
import { makeCsr, newKey } from '../../support/make-csr.js';
import { alice as actor } from '../../support/operator.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let est: EstClient;
let operations: readonly Operation[];

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  await applyYaml(
    test,
    `
divisions: [{ name: office }]
deviceGroups:
  - { name: desks, division: office }
  - { name: ulm, division: plant, filter: { field: attributes.site, equals: Ulm } }
`,
  );
  operations = deviceOperations({ ...test.gateway.core, version: '0.0.0' });
  est = createEstClient(test, { passcode: fleetPasscode });
});
afterAll(async () => {
  est.close();
  await test.close();
});

interface Options {
  readonly params?: object;
  readonly query?: object;
  readonly body?: object;
  readonly scope?: Scope;
  readonly requireMatch?: (current: unknown) => void;
  readonly grants?: readonly Grant[];
}

/** As the router calls it: with what its schemas make of the call; what it answers has to fit its schema. */
async function call(
  id: string,
  { params, query, body, scope = 'everywhere', requireMatch, grants = [] }: Options = {},
) {
  const operation = operations.find((each) => each.id === id);
  if (operation === undefined) throw new Error(`no operation ${id}`);
  const answer = await operation.handle({
    params: operation.params?.parse(params ?? {}),
    query: operation.query?.parse(query ?? {}),
    body: operation.body?.parse(body ?? {}),
    stream: Readable.from([]),
    contentType: undefined,
    principal: { kind: 'user', id: 'u', name: 'alice', person: 'user:alice', grants },
    actor,
    scope,
    requireMatch: requireMatch ?? (() => undefined),
  });
  if (operation.answer === undefined) expect(answer.value).toBeUndefined();
  else expect(operation.answer.parse(answer.value)).toEqual(answer.value);
  return answer;
}

const itemsSchema = z.looseObject({ items: z.array(z.looseObject({})), next: z.string().optional() });

async function items(id: string, options: Options = {}) {
  return itemsSchema.parse((await call(id, options)).value);
}

async function register(name: string, body: object = {}): Promise<{ readonly id: string }> {
  const { value } = await call('registerDevice', { body: { name, group: 'pumps', ...body } });
  return z.looseObject({ id: z.string() }).parse(value);
}

async function enroll(name: string): Promise<number> {
  const { status } = await est.send('/.well-known/est/fleet/simpleenroll', {
    method: 'POST',
    headers: { 'content-type': 'application/pkcs10' },
    body: Buffer.from(makeCsr({ subject: `CN=${name}`, key: newKey() })).toString('base64'),
  });
  return status;
}

const plantOnly: Scope = new Set(['plant']);
const officeOnly: Scope = new Set(['office']);

describe('POST and GET /devices', () => {
  it('registers a device, says where it is, and shows it', async () => {
    const made = await call('registerDevice', {
      body: { name: 'pump-1', group: 'pumps', identifiers: { serial: '1' }, attributes: { site: 'Ulm' } },
      scope: plantOnly,
    });
    const { id } = z.looseObject({ id: z.string() }).parse(made.value);
    expect(made.location).toBe(`/devices/${id}`);
    const shown = await call('getDevice', { params: { id } });
    expect(shown.value).toEqual(made.value);
    expect(shown.value).toMatchObject({
      name: 'pump-1',
      division: 'plant',
      group: 'pumps',
      state: 'registered',
      identifiers: { serial: '1' },
      certificates: { valid: 0, held: 0 },
    });
  });

  it.each([
    ['a name that is taken', { name: 'pump-1', group: 'valves' }, { code: 'duplicate-request' }],
    ['no such group', { name: 'x', group: 'gone' }, { status: 422, code: 'malformed-request' }],
    ['a group of a division that one may not see', { name: 'x', group: 'desks' }, { status: 422 }],
    ['a dynamic group', { name: 'x', group: 'ulm' }, { code: 'invalid-state' }],
    [
      'an identifier that is none',
      { name: 'x', group: 'pumps', identifiers: { '-': 'a' } },
      { code: 'malformed-request' },
    ],
  ])('refuses %s', async (_what, body, refusal) => {
    await expect(call('registerDevice', { body, scope: plantOnly })).rejects.toMatchObject(refusal);
  });

  it('lists by everything there is, sorted and in pages', async () => {
    for (const index of [1, 2, 3]) {
      await register(`list-${index}`, { group: 'valves', identifiers: { serial: `L${index}` } });
    }
    const names = async (query: object, scope?: Scope) =>
      (await items('listDevices', { query, ...(scope ? { scope } : {}) })).items.map(({ name }) => name);
    expect(await names({ group: 'valves' })).toEqual(['list-1', 'list-2', 'list-3']);
    expect(await names({ search: 'LIST', sort: '-name' })).toEqual(['list-3', 'list-2', 'list-1']);
    expect(await names({ identifier: 'serial=L2' })).toEqual(['list-2']);
    expect(await names({ name: 'list-3', division: 'plant', state: 'registered' })).toEqual(['list-3']);
    expect(await names({ group: 'ulm' })).toEqual(['pump-1']);
    expect(await names({}, officeOnly)).toEqual([]);
    const first = await items('listDevices', { query: { group: 'valves', limit: '2', sort: 'createdAt' } });
    const query = { group: 'valves', limit: '2', sort: 'createdAt', cursor: first.next };
    const second = await items('listDevices', { query });
    expect([first.items.length, second.items.map(({ name }) => name), second.next]).toEqual([2, ['list-3'], undefined]);
  });

  it.each([
    ['a cursor of another order', { cursor: Buffer.from('["a","b"]').toString('base64url'), sort: 'createdAt' }, 400],
    ['a cursor that is none', { cursor: 'x' }, 400],
    ['no such group', { group: 'gone' }, 422],
    ['another division', { division: 'office' }, 422],
    ["another division's group", { group: 'desks' }, 422],
  ])('refuses to list by %s', async (_what, query, status) => {
    await expect(call('listDevices', { query, scope: plantOnly })).rejects.toMatchObject({ status });
  });
});

describe('a device of another division', () => {
  it.each([
    ['getDevice', {}],
    ['changeDevice', { body: { attributes: { a: 'b' } } }],
    ['deleteDevice', {}],
    ['suspendDevice', {}],
    ['resumeDevice', {}],
    ['retireDevice', {}],
    ['compromiseDevice', { body: {} }],
    ['moveDevice', { body: { group: 'desks' } }],
    ['listCertificatesOfDevice', {}],
    ['listEventsOfDevice', {}],
  ])('is not there for %s, as one that does not exist', async (operation, options) => {
    const name = `hidden-${operation}`;
    const { id } = await register(name);
    const hidden = call(operation, { params: { id }, scope: officeOnly, ...options });
    const gone = call(operation, { params: { id: 'gone' }, ...options });
    const [first, second] = await Promise.allSettled([hidden, gone]);
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'not-found' } });
    expect(second).toEqual(first);
    const { value } = await call('getDevice', { params: { id } });
    expect(value).toMatchObject({ name, state: 'registered', attributes: {}, group: 'pumps' });
  });

  it('is no place to move a device to', async () => {
    const { id } = await register('stays');
    const moving = call('moveDevice', { params: { id }, scope: plantOnly, body: { group: 'desks' } });
    await expect(moving).rejects.toMatchObject({ status: 422, message: 'there is no device group "desks"' });
  });
});

describe('PATCH and DELETE /devices/{id}', () => {
  it('merges a patch (RFC 7396), also one with all that a GET answers but cannot be changed', async () => {
    const { id } = await register('patched', { identifiers: { a: '1', b: '2' }, attributes: { x: 'y' } });
    const patch = async (body: object) => (await call('changeDevice', { params: { id }, body })).value;
    expect(await patch({ identifiers: { b: null, c: '3' } })).toMatchObject({ identifiers: { a: '1', c: '3' } });
    expect(await patch({ attributes: null })).toMatchObject({ identifiers: { a: '1', c: '3' }, attributes: {} });
    const same = { name: 'patched', division: 'plant', group: 'pumps', state: 'registered' };
    expect(await patch({ ...same, attributes: { x: 'z' } })).toMatchObject({ attributes: { x: 'z' } });
  });

  it.each([
    ['name', 'other', 'certificates say it'],
    ['division', 'office', 'post to its move'],
    ['group', 'valves', 'post to its move'],
    ['state', 'retired', 'suspend, resume and retire'],
  ])('explains how else to change the %s', async (member, value, message) => {
    const { id } = await register(`fixed-${member}`);
    const refused = call('changeDevice', { params: { id }, body: { [member]: value } });
    await expect(refused).rejects.toMatchObject({ status: 422, message: expect.stringContaining(message) });
  });

  it('holds If-Match against what a GET answers', async () => {
    const { id } = await register('matched');
    const { value } = await call('getDevice', { params: { id } });
    const seen: unknown[] = [];
    const requireMatch = (current: unknown) => {
      seen.push(current);
      throw new HttpError(412, 'invalid-state', 'it differs');
    };
    for (const operation of ['changeDevice', 'deleteDevice', 'suspendDevice', 'resumeDevice', 'retireDevice']) {
      await expect(call(operation, { params: { id }, requireMatch })).rejects.toMatchObject({ status: 412 });
    }
    const compromise = { params: { id }, body: {}, requireMatch };
    await expect(call('compromiseDevice', compromise)).rejects.toMatchObject({ status: 412 });
    const move = { params: { id }, body: { group: 'valves' }, requireMatch };
    await expect(call('moveDevice', move)).rejects.toMatchObject({ status: 412 });
    expect(seen).toEqual(Array.from({ length: 7 }, () => value));
    expect((await call('getDevice', { params: { id } })).value).toEqual(value);
  });

  it('deletes what never had a certificate', async () => {
    const { id } = await register('typo');
    await call('deleteDevice', { params: { id } });
    await expect(call('getDevice', { params: { id } })).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('what is done to a device', () => {
  it('ends what a compromised one could act with, for those who may revoke its certificates as well', async () => {
    const { id } = await register('lost');
    expect(await enroll('lost')).toBe(200);
    const params = { id };
    const office = [{ role: 'solution-administrator', division: 'office' }] as const;
    for (const grants of [[], office]) {
      await expect(call('compromiseDevice', { params, body: {}, grants })).rejects.toMatchObject({
        code: 'forbidden',
        message: expect.stringContaining('certificate:revoke in division plant'),
      });
    }
    const grants = [{ role: 'solution-administrator', division: 'plant' }] as const;
    const future = { params, body: { since: '2999-01-01T00:00:00Z' }, grants };
    await expect(call('compromiseDevice', future)).rejects.toMatchObject({ status: 422 });
    const body = { since: '2026-01-01T00:00:00+01:00' };
    expect((await call('compromiseDevice', { params, body, grants })).value).toMatchObject({
      device: { state: 'suspended', certificates: { valid: 0 } },
      revokedCount: 1,
      credentialCount: 0,
      accountCount: 0,
      requestCount: 0,
      keyCount: 0,
    });
    await expect(call('compromiseDevice', { params, body, grants })).rejects.toMatchObject({ code: 'invalid-state' });
    expect((await items('listEventsOfDevice', { params })).items[0]).toMatchObject({
      details: { invalidityDate: '2025-12-31T23:00:00.000Z' },
    });
  });

  it('suspends, resumes, moves and retires it; its certificates and its history say so', async () => {
    const { id } = await register('busy');
    expect(await enroll('busy')).toBe(200);
    const params = { id };
    expect((await call('getDevice', { params })).value).toMatchObject({
      state: 'operational',
      certificates: { valid: 1, held: 0, validUntil: expect.stringMatching(/Z$/) },
    });
    expect((await call('suspendDevice', { params })).value).toMatchObject({ state: 'suspended' });
    await expect(call('suspendDevice', { params })).rejects.toMatchObject({ code: 'invalid-state' });
    expect((await call('resumeDevice', { params })).value).toMatchObject({ state: 'operational' });

    const tried = await call('moveDevice', { params, body: { group: 'desks', dryRun: true } });
    expect(tried.value).toMatchObject({ device: { group: 'pumps' }, unfitCount: 1, revokedCount: 0 });
    const moved = await call('moveDevice', { params, body: { group: 'desks', certificates: 'revoke' } });
    expect(moved.value).toMatchObject({
      device: { division: 'office', group: 'desks', certificates: { valid: 0 } },
      unfit: [{ policy: 'fleet', reason: 'policy fleet is of division plant, the device of division office' }],
      revokedCount: 1,
    });
    expect((await items('listCertificatesOfDevice', { params })).items).toMatchObject([
      { status: 'revoked', revocationReason: 'affiliationChanged', policy: 'fleet', protocol: 'est' },
    ]);
    expect((await call('retireDevice', { params })).value).toMatchObject({
      device: { state: 'retired' },
      revokedCount: 0,
    });
    const first = await items('listEventsOfDevice', { params, query: { limit: '3' } });
    const second = await items('listEventsOfDevice', { params, query: { cursor: first.next } });
    expect([...first.items, ...second.items].map(({ action }) => action)).toEqual([
      'device.retired',
      'certificate.revoked',
      'device.moved',
      'device.resumed',
      'device.suspended',
      'certificate.issued',
      'device.registered',
    ]);
    expect(first.items[0]).toMatchObject({ outcome: 'success', subject: id, details: { actor: 'user alice' } });
  });

  it('goes through the certificates in pages', async () => {
    const { id } = await register('many');
    for (let index = 0; index < 3; index++) expect(await enroll('many')).toBe(200);
    const params = { id };
    const first = await items('listCertificatesOfDevice', { params, query: { limit: '2' } });
    const second = await items('listCertificatesOfDevice', { params, query: { limit: '2', cursor: first.next } });
    expect([first.items.length, second.items.length, second.next]).toEqual([2, 1, undefined]);
    expect(new Set([...first.items, ...second.items].map(({ serialNumber }) => serialNumber)).size).toBe(3);
  });
});
