/** Whatever operations there are: bad requests to each of them, made of the OpenAPI document. */
import { afterAll, describe, expect, it } from '@jest/globals';
import BetterSqlite3 from 'better-sqlite3';
import { exampleOf } from '../../src/api/example.js';
import type { OpenApiDocument, OpenApiOperation } from '../../src/api/openapi.js';
import { createOperations } from '../../src/api/operations.js';
import { errorCodes } from '../../src/errors.js';
import { roles } from '../../src/model/access.js';
import type { ApiAnswer, ApiMessage } from '../support/api-message.js';
import { principal, startApiServer } from '../support/api-server.js';
import { createEstClient } from '../support/est-client.js';
import { applyYaml, fleet, fleetPasscode } from '../support/fleet.js';
import { enrollGateway, gateways } from '../support/gateway-fleet.js';
import { makeCsr } from '../support/make-csr.js';
import { startTestGateway } from '../support/test-gateway.js';
import { type BadRequest, badRequests } from './bad-requests.js';

// Before the tests are known: there is one for each operation.
const test = await startTestGateway({ configuration: fleet });
const est = createEstClient(test, { label: 'fleet', passcode: fleetPasscode });
await est.post('simpleenroll', makeCsr());
est.close();
await applyYaml(test, gateways);
const { id: unmanagedCa } = await enrollGateway(test, 'gw-1');
const { core } = test.gateway;
const api = await startApiServer({
  operations: createOperations({ ...core, version: '0.0.0' }),
  principals: {
    all: principal('all', { role: 'solution-administrator' }),
    elsewhere: principal('elsewhere', ...roles.map((role) => ({ role, division: 'elsewhere' }))),
    nothing: principal('nothing'),
  },
  services: core,
});
const document = (await api.send('/api/openapi.json')).body as OpenApiDocument;
const { schemas } = document.components;
const database = new BetterSqlite3(test.settings.database, { readonly: true });
const names = await namesThatThereAre();

afterAll(async () => {
  database.close();
  await api.close();
  await test.close();
});

const operations = Object.entries(document.paths)
  .flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ id: operation.operationId, method, path, operation })),
  )
  // What is deleted is of no use to the others.
  .sort((a, b) => Number(a.method === 'delete') - Number(b.method === 'delete'));

describe('Every operation of the management API', () => {
  it('is in the OpenAPI document', () => {
    const ids = createOperations({ ...core, version: '0.0.0' }).map(({ id }) => id);
    expect(operations.map(({ id }) => id).sort()).toEqual([...ids].sort());
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(operations)(
    '$id refuses bad requests precisely, and nothing changes',
    async ({ method, path, operation }) => {
      const found = await findParams(path);
      const send = (params: Readonly<Record<string, string>>, query: string, message: ApiMessage) =>
        api.send(`/api/v1${fill(path, { ...found, ...params })}${query === '' ? '' : `?${query}`}`, {
          key: 'all',
          ...message,
          method: method.toUpperCase(),
        });
      const before = await stateOf();
      const failures: string[] = [];
      for (const bad of badRequests(operation, schemas)) {
        const answer = await send(bad.params ?? {}, bad.query ?? '', { ...usualBody(operation), ...bad.message });
        const fault = faultOf(bad, answer);
        if (fault !== undefined)
          failures.push(`${bad.defect}: ${answer.status} ${fault}: ${answer.text.slice(0, 300)}`);
        // What cannot be known to be wrong may have been right.
        if (bad.status === undefined && answer.status < 400) Object.assign(before, await stateOf());
      }
      expect(failures).toEqual([]);
      expect(await stateOf()).toEqual(before);
    },
    60_000,
  );

  it.each(operations)(
    '$id shows nothing of other divisions, and does not fail',
    async ({ method, path, operation }) => {
      const message = { ...usualBody(operation), method: method.toUpperCase(), key: 'elsewhere' };
      const answer = await api.send(`/api/v1${fill(path, await findParams(path))}`, message);
      expect(faultOf({ defect: 'another division' }, answer)).toBeUndefined();
      expect(answer.text).not.toContain('device-1');
    },
  );
});

/** What is wrong with an answer; undefined if nothing is. */
function faultOf({ status }: BadRequest, answer: ApiAnswer): string | undefined {
  if (answer.status >= 500) return 'is a failure';
  if (status === 'refused' && answer.status < 400) return 'is no refusal';
  if (typeof status === 'number' && answer.status !== status) return `is not ${status}`;
  if (answer.status < 400) return undefined;
  const problem = answer.body as Readonly<Record<string, unknown>> | undefined;
  const isProblem =
    answer.headers['content-type'] === 'application/problem+json' &&
    problem?.status === answer.status &&
    problem.instance === `urn:uuid:${answer.requestId}` &&
    errorCodes.some((code) => code === problem.code) &&
    /^[^\n]{5,1000}[^.\n]$/.test(String(problem.detail));
  return isProblem ? undefined : 'is no proper problem document';
}

/** A body as the schema has it, so that something else is what is refused. */
function usualBody({ requestBody }: OpenApiOperation): ApiMessage {
  const [type = '', content] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  if (content === undefined) return {};
  const body = type.endsWith('json') ? JSON.stringify(exampleOf(content.schema, schemas)) : 'x';
  return { body, headers: { 'content-type': type } };
}

function fill(path: string, params: Readonly<Record<string, string>>): string {
  return path.replace(/\{(\w+)\}/g, (_all, name: string) => params[name] ?? 'no-such-thing');
}

/** Of things that there are, so that requests get as far as possible. */
async function findParams(path: string): Promise<Record<string, string>> {
  const params: Record<string, string> = {};
  for (const [, before = '', name = ''] of path.matchAll(/^(.*?)\{(\w+)\}/g)) {
    for (const value of names) {
      const { status } = await api.send(`/api/v1${fill(before, params)}${encodeURIComponent(value)}`, { key: 'all' });
      if (status !== 200) continue;
      params[name] = encodeURIComponent(value);
      break;
    }
  }
  return params;
}

async function namesThatThereAre(): Promise<readonly string[]> {
  const { divisions, groups, templates, profiles, authenticationPolicies, policies, certificateAuthorities } =
    core.catalog();
  const kinds = [divisions, groups, templates, profiles, authenticationPolicies, policies, certificateAuthorities];
  const devices = await core.store.devices.list({ limit: 1 });
  const certificates = await core.store.certificates.list({ limit: 5 });
  return [
    ...kinds.flatMap((kind) => [...kind.keys()].slice(0, 1)),
    ...[...devices, ...certificates].map(({ id }) => id),
    unmanagedCa,
  ];
}

/** How much there is of everything, and what has happened; without what the gateway does of its own accord. */
async function stateOf(): Promise<Record<string, unknown>> {
  await core.holder.refresh();
  const tables = database.prepare("select name from sqlite_master where type = 'table'").pluck().all() as string[];
  const counts = tables
    .filter((name) => !/^(sqlite_|audit|lease|crl|meta)/.test(name))
    .map((name) => [name, database.prepare(`select count(*) from "${name}"`).pluck().get()]);
  const events = database
    .prepare(
      "select action, count(*) as count from audit_event where action not like '%.refused' and action <> 'crl.published' group by action",
    )
    .all();
  return { version: core.catalog().version, ...Object.fromEntries(counts), events };
}
