import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { createOperations } from '../../src/api/operations.js';
import { type ApiClient, createApiClient } from '../support/api-client.js';
import { fleet } from '../support/fleet.js';
import { startTestGateway, type TestGateway } from '../support/test-gateway.js';

let test: TestGateway;
let client: ApiClient;
beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  client = createApiClient(test, '');
});
afterAll(async () => {
  client.close();
  await test.close();
});

describe('The OpenAPI document', () => {
  it('has nothing that a public linter finds fault with', async () => {
    const { text } = await client.send('GET', '/api/openapi.json');
    const config = await createConfig({ extends: ['recommended'] });
    const problems = await lintFromString({ source: text, absoluteRef: 'openapi.json', config });
    const found = problems.map(({ ruleId, severity, message, location }) => {
      const [{ pointer = '' } = {}] = location;
      return `${severity} ${ruleId} ${pointer}: ${message}`;
    });
    expect(found).toEqual([]);
  });

  it('is for everybody, has an entity tag, and has each operation', async () => {
    const answer = await client.send('GET', '/api/openapi.json');
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-cache' });
    const { etag = '' } = answer.headers;
    const again = await client.send('GET', '/api/openapi.json', undefined, { 'if-none-match': etag });
    expect([again.status, again.text]).toEqual([304, '']);
    const ids = createOperations({ ...test.gateway.core, version: '0.0.0' }).map(({ id }) => id);
    for (const id of ids) expect(answer.text).toContain(`"operationId":"${id}"`);
    expect(answer.text).not.toContain('$defs');
    const references = [...answer.text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name);
    const { components } = answer.body as { components: { schemas: Record<string, unknown> } };
    expect(references.filter((name) => !Object.hasOwn(components.schemas, name ?? ''))).toEqual([]);
  });
});

describe('The pages of the admin listener', () => {
  it('show each operation and schema, without scripts', async () => {
    const page = await client.send('GET', '/api/');
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    for (const { id, path } of createOperations({ ...test.gateway.core, version: '0.0.0' })) {
      expect(page.text).toContain(`id="${id}"`);
      expect(page.text).toContain(`<code>${path}</code>`);
    }
    expect(page.text).not.toMatch(/<script|javascript:| on\w+=|undefined|\[object/);
    expect(page.headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    );
    const links = [...page.text.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    expect(links.filter((id) => !page.text.includes(`id="${id}"`))).toEqual([]);
  });

  it('lead there', async () => {
    expect((await client.send('GET', '/')).text).toContain('href="/api/"');
    const redirection = await client.send('GET', '/api');
    expect([redirection.status, redirection.headers.location]).toEqual([308, '/api/']);
  });

  it('and its answers have the headers that keep browsers from trouble', async () => {
    for (const path of ['/', '/livez', '/api/v1/system', '/nothing']) {
      const { headers } = await client.send('GET', path);
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      expect(headers).not.toHaveProperty('strict-transport-security');
      expect(headers).not.toHaveProperty('x-powered-by');
    }
  });

  it('are not on the device listeners', async () => {
    const url = `http://127.0.0.1:${test.gateway.listeners.deviceHttpPort}`;
    for (const path of ['/api/', '/api/openapi.json', '/api/v1/system']) {
      expect((await fetch(`${url}${path}`)).status).toBe(404);
    }
  });
});
