import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLog } from '../../../src/log.js';
import { type Answer, createEstClient, type EstClient } from '../../support/est-client.js';
import { fleet } from '../../support/fleet.js';
import { makeCsr } from '../../support/make-csr.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

const lines: string[] = [];
let test: TestGateway;
let est: EstClient;

beforeAll(async () => {
  const log = createLog('info', { write: (line) => lines.push(line) });
  test = await startTestGateway({ configuration: fleet, log });
  est = createEstClient(test, { label: 'fleet', username: 'eve', passcode: 'a wrong passcode' });
});
afterAll(async () => {
  est.close();
  await test.close();
});

function lineOf({ requestId }: Answer): unknown {
  const line = lines.find((each) => each.includes(requestId));
  return line && JSON.parse(line);
}

describe('the log line of a refused request', () => {
  it('says why, with the cause that the client is not told', async () => {
    const answer = await est.post('simpleenroll', makeCsr());
    expect(answer.status).toBe(401);
    expect(answer.text).not.toContain('like it');
    expect(lineOf(answer)).toMatchObject({
      level: 'info',
      msg: 'request refused',
      status: 401,
      code: 'bad-secret',
      reason: answer.text.trimEnd(),
      cause: 'no passcode of this authentication policy is like it',
    });
    expect(lines.join('')).not.toContain('a wrong passcode');
  });

  it('does so for bodies that cannot be read, and for Full PKI Requests', async () => {
    expect(lineOf(await est.post('simpleenroll', 'no base64!'))).toMatchObject({
      status: 400,
      code: 'malformed-request',
    });
    const answer = await est.post('fullcmc', 'AAAA', { 'content-type': 'application/pkcs7-mime' });
    expect(lineOf(answer)).toMatchObject({ msg: 'request refused', status: 400, code: 'malformed-request' });
  });
});
