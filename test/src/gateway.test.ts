import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createEstClient } from '../support/est-client.js';
import { fleet } from '../support/fleet.js';
import { startTestGateway } from '../support/test-gateway.js';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-handler-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** A handler as an operator would write it, in a module of its own. */
const ownHandler = `
export function createHandler(services) {
  return {
    name: 'own',
    routes: [{
      method: 'GET',
      path: '/own/:label',
      plainHttp: false,
      bodyLimit: 0,
      handle: async ({ params }) => ({
        status: 200,
        headers: { 'Content-Type': 'text/plain' },
        body: services.policy(params.label).name,
      }),
    }],
    failure: () => ({ status: 404, headers: { 'Content-Type': 'text/plain' }, body: 'no such policy' }),
  };
}
`;

describe('protocol handlers by setting', () => {
  it("load a module of the operator's own beside the built-in ones", async () => {
    const file = join(directory, 'own.mjs');
    await writeFile(file, ownHandler);
    const test = await startTestGateway({ configuration: fleet, settings: { protocols: `est,${file}` } });
    const client = createEstClient(test);
    try {
      expect(await client.send('/own/fleet')).toMatchObject({ status: 200, text: 'fleet' });
      expect(await client.send('/own/none')).toMatchObject({ status: 404, text: 'no such policy' });
      expect(await client.get('cacerts')).toMatchObject({ status: 200 });
      expect(await client.send('/aia/root-1.cer')).toMatchObject({ status: 404 });
    } finally {
      client.close();
      await test.close();
    }
  });

  it.each([
    [
      'a name that is not built in',
      'est,ests',
      /there is no handler "ests"; built in are acme, cmp, est, ocsp, repository, rest, scep/,
    ],
    ['a module that is no handler', 'est,./none.mjs', /none\.mjs/],
  ])('stop the start with %s', async (_what, protocols, message) => {
    await expect(startTestGateway({ configuration: fleet, settings: { protocols } })).rejects.toThrow(message);
  });
});
