import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLog } from '../../../src/log.js';
import { type Answer, certificateOf, createEstClient } from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode, makePasscode, policyLike } from '../../support/fleet.js';
import { makeCsr, newKey } from '../../support/make-csr.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

const lines: string[] = [];
let test: TestGateway;

beforeAll(async () => {
  const log = createLog('trace', { write: (line) => lines.push(line) });
  test = await startTestGateway({ configuration: fleet, log, settings: { logLevel: 'trace' } });
});
afterAll(() => test.close());

function linesOf({ requestId }: Answer): Record<string, unknown>[] {
  return lines.filter((line) => line.includes(requestId)).map((line) => JSON.parse(line));
}

describe('the log of requests', () => {
  it('has one line for each request, with the id that the client saw', async () => {
    const est = createEstClient(test, { label: 'fleet', passcode: fleetPasscode });
    const answers = [
      await est.post('simpleenroll', makeCsr({ key: newKey() })),
      await est.get('cacerts'),
      await est.post('simpleenroll', '??'),
      await est.send('/.well-known/est/fleet/cacerts', { method: 'PUT' }),
    ];
    est.close();
    expect(answers.map((answer) => linesOf(answer).length)).toEqual([1, 1, 1, 1]);
    expect(answers.map((answer) => linesOf(answer)[0])).toMatchObject([
      { level: 'info', protocol: 'est', method: 'POST', path: '/.well-known/est/fleet/simpleenroll', status: 200 },
      { level: 'info', method: 'GET', path: '/.well-known/est/fleet/cacerts', status: 200 },
      { level: 'info', method: 'POST', status: 400 },
      { level: 'info', method: 'PUT', status: 405 },
    ]);
  });

  it('has no passcode and no key in it, whatever happens', async () => {
    const limited = await makePasscode(test, { usageLimit: 1 });
    const secrets = [fleetPasscode, limited, 'a-wrong-passcode', 'policy-passcode'];
    await applyYaml(
      test,
      'authenticationPolicies:\n  - { name: logged, division: plant, credentials: [{ kind: passcode, name: p, secret: policy-passcode }] }\n',
    );
    await applyYaml(test, policyLike('logged', 'authenticationPolicy: logged'));
    const keys: Buffer[] = [];
    for (const passcode of secrets) {
      for (const label of ['fleet', 'logged', 'nobody']) {
        const est = createEstClient(test, { label, username: 'somebody', passcode });
        for (const operation of ['simpleenroll', 'serverkeygen', 'simplereenroll', 'fullcmc']) {
          const answer = await est.post(operation, makeCsr({ key: newKey(), subject: `CN=${label}-${operation}` }));
          const key = /Content-Type: application\/pkcs8[\s\S]*?\r\n\r\n([A-Za-z0-9+/=]+)/.exec(answer.text)?.[1];
          if (key !== undefined) keys.push(Buffer.from(key, 'base64'));
        }
        est.close();
      }
    }
    expect(keys.length).toBeGreaterThan(0);
    const log = lines.join('');
    const encoded = secrets.flatMap((secret) => [secret, Buffer.from(`somebody:${secret}`).toString('base64')]);
    expect(encoded.filter((secret) => log.includes(secret))).toEqual([]);
    expect(log).not.toContain('PRIVATE KEY');
    expect(keys.filter((key) => log.includes(key.toString('base64').slice(0, 60)))).toEqual([]);
    const kek = readFileSync(test.settings.kekFile, 'utf8').trim();
    expect(log.includes(kek)).toBe(false);
  });

  it('tells in a line of its own that the configuration changed', async () => {
    await applyYaml(test, policyLike('later'));
    expect(lines.some((line) => line.includes('configuration changed'))).toBe(true);
    const est = createEstClient(test, { label: 'later', passcode: fleetPasscode });
    certificateOf(await est.post('simpleenroll', makeCsr({ key: newKey(), subject: 'CN=later' })));
    est.close();
  });
});
