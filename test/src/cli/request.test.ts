import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { requestCommand } from '../../../src/cli/request.js';
import { createEstClient, type EstClient } from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode, policyLike } from '../../support/fleet.js';
import { type KeyPair, makeCsr, newKey } from '../../support/make-csr.js';
import { runCommand } from '../../support/run-command.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let est: EstClient;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  await applyYaml(test, policyLike('asked', 'approval: manual'));
  await applyYaml(test, policyLike('twice', 'approval: two-people'));
  est = createEstClient(test, { passcode: fleetPasscode });
});
afterAll(async () => {
  est.close();
  await test.close();
});

function run(...words: string[]): Promise<string> {
  return runCommand(requestCommand, test, words);
}

const keys = new Map<string, KeyPair>();

function enroll(policy: string, subject: string) {
  const key = keys.get(subject) ?? newKey();
  keys.set(subject, key);
  return est.send(`/.well-known/est/${policy}/simpleenroll`, {
    method: 'POST',
    headers: { 'content-type': 'application/pkcs10' },
    body: Buffer.from(makeCsr({ subject, key })).toString('base64'),
  });
}

describe('gatehouse request', () => {
  it('lists, shows and approves a pending request by the id that the client saw', async () => {
    const { requestId, status } = await enroll('asked', 'CN=pump-1');
    expect(status).toBe(202);
    expect(await run('list', '--policy', 'asked')).toMatch(new RegExp(`^${requestId}  \\S+Z  est  asked  CN=pump-1$`));
    expect(await run('list', '--policy', 'twice')).toBe('no pending requests');
    expect(await run('list', '--device', 'pump-1', '--search', 'PUMP', '--sort', 'changed')).toContain(requestId);
    expect(await run('list', '--device', 'pump')).toBe('no pending requests');

    const shown = await run('show', requestId);
    expect(shown).toContain(`request ${requestId}: pending`);
    expect(shown).toContain('request.pending');
    expect(shown).toContain('pending  approval: policy asked wants the approval of a person');
    expect(shown).not.toContain(fleetPasscode);

    expect(await run('approve', requestId, '--as', 'alice', '--comment', 'fine')).toMatch(
      /^approved; certificate [0-9a-f]{38,40} is issued/,
    );
    const decided = await run('show', requestId);
    expect(decided).toContain(`request ${requestId}: issued`);
    expect(decided).toMatch(/^ {2}approved by command line \(.+, as alice\) on \S+Z: fine$/m);
    expect(decided).toMatch(/request\.approved.*\n {2}actor: command line \(.+, as alice\)\n {2}comment: fine/);
    expect(decided).toContain('certificate.issued');
    await expect(run('approve', requestId)).rejects.toMatchObject({ code: 'invalid-state' });
    expect((await enroll('asked', 'CN=pump-1')).status).toBe(200);
  });

  it('tells when a second person has to approve, who must be another', async () => {
    const { requestId } = await enroll('twice', 'CN=pump-2');
    expect(await run('approve', requestId, '--as', 'alice')).toMatch(
      /^approved by command line \(.+, as alice\); a second person has to approve it too$/,
    );
    await expect(run('approve', requestId, '--as', 'alice')).rejects.toMatchObject({
      code: 'invalid-state',
      message: expect.stringMatching(/, as alice\) has approved this request before; another person has to$/),
    });
    expect(await run('approve', requestId, '--as', 'bob')).toContain('is issued');
  });

  it('rejects with a reason', async () => {
    const { requestId } = await enroll('asked', 'CN=pump-3');
    expect(await run('reject', requestId, '--as', 'alice', '--comment', 'not ours')).toBe('rejected');
    expect(await run('show', requestId)).toMatch(/actor: command line \(.+, as alice\)\n {2}comment: not ours/);
    const answer = await enroll('asked', 'CN=pump-3');
    expect(answer.status).toBe(403);
    expect(answer.text).toContain('not ours');
  });

  it('shows why a request was refused, rule by rule', async () => {
    const { requestId, status } = await enroll('fleet', 'CN=pump_4');
    expect(status).toBe(400);
    const shown = await run('show', requestId);
    expect(shown).toContain('request.refused  refused');
    expect(shown).toContain('ok       policy: policy fleet, usage operational, key made by the device');
    expect(shown).toMatch(/denied {3}subject: .*does not match the pattern/);
  });

  it('says why what a person approves is refused by the rules of now, and keeps it on record', async () => {
    const { requestId } = await enroll('asked', 'CN=pump-5');
    await applyYaml(test, policyLike('asked', 'approval: manual, devices: registered'));
    await expect(run('approve', requestId, '--as', 'alice')).rejects.toMatchObject({ code: 'forbidden' });
    const shown = await run('show', requestId);
    expect(shown).toContain(`request ${requestId}: pending`);
    expect(shown).toMatch(/request\.approval {2}refused .*\n {2}actor: .+, as alice\)\n {2}code: forbidden/);
    expect(shown).toMatch(/denied {3}device: device "pump-5" is not registered/);
  });

  it('says so when nothing is on record', async () => {
    await expect(run('show', 'nonsense')).rejects.toThrow('nothing is on record for request nonsense');
    await expect(run('approve', 'nonsense')).rejects.toMatchObject({ code: 'not-found' });
  });
});
