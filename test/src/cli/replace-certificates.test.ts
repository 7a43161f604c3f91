import type { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { certificateCommand } from '../../../src/cli/certificate.js';
import { certificateOf, createEstClient, type EstClient } from '../../support/est-client.js';
import { fleet, fleetPasscode } from '../../support/fleet.js';
import { makeCsr, newKey } from '../../support/make-csr.js';
import { eventsOf } from '../../support/records.js';
import { runCommand } from '../../support/run-command.js';
import { createTestClock } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

const clock = createTestClock(new Date('2026-11-01T00:00:00Z'));
let test: TestGateway;
let est: EstClient;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet, clock });
  est = createEstClient(test, { label: 'fleet', passcode: fleetPasscode });
});
afterAll(async () => {
  est.close();
  await test.close();
});

function run(...words: string[]): Promise<string> {
  return runCommand(certificateCommand, test, ['replace', ...words]);
}

async function issue(name: string): Promise<X509Certificate> {
  return certificateOf(await est.post('simpleenroll', makeCsr({ subject: `CN=${name}`, key: newKey() })));
}

async function planOf({ serialNumber }: X509Certificate) {
  const { certificates } = test.gateway.core.store;
  const record = await certificates.findWithReplacement({ id: `devices-1:${serialNumber.toLowerCase()}` });
  return record && [record.replaceBy, record.replacementPlannedAt, record.explanationUrl];
}

describe('gatehouse certificate replace', () => {
  it('marks one certificate, and takes it back', async () => {
    const [certificate, other] = [await issue('pump-1'), await issue('pump-2')];
    const why = 'https://ca.example.com/why';
    const [now, by] = [clock.now().getTime(), Date.parse('2026-11-04T00:00:00Z')];
    const done = await run('--by', '3d', '--explanation-url', why, certificate.serialNumber);
    expect(done).toBe('1 certificate to be replaced by 2026-11-04T00:00:00.000Z');
    expect(await planOf(certificate)).toEqual([by, now, why]);
    expect(await planOf(other)).toEqual([null, null, null]);
    const [event] = await eventsOf(test, 'certificate.replacement-planned');
    expect(JSON.parse(event?.content ?? '{}')).toMatchObject({
      subject: `devices-1:${certificate.serialNumber.toLowerCase()}`,
      explanationUrl: why,
      count: 1,
      actor: expect.stringMatching(/^command line \(/),
    });
    expect(await run('--cancel', certificate.serialNumber)).toBe('1 certificate need not be replaced any more');
    expect(await planOf(certificate)).toEqual([null, null, null]);
  });

  it('marks all that fit the conditions', async () => {
    const early = await issue('pump-3');
    clock.advance(3600);
    const late = await issue('pump-4');
    const [by, before] = ['2026-12-01T00:00:00Z', '2026-11-01T00:30:00Z'];
    const few = await run('--by', by, '--policy', 'fleet', '--issued-before', before);
    expect(few).toBe('3 certificates to be replaced by 2026-12-01T00:00:00.000Z');
    expect([(await planOf(early))?.[0], (await planOf(late))?.[0]]).toEqual([Date.parse(by), null]);
    expect(await run('--by', by, '--profile', 'device', '--issuing-ca', 'devices-1')).toMatch(/^4 certificates /);
    expect(await run('--by', by, '--issuing-ca', 'root-1')).toMatch(/^0 certificates /);
    expect(await run('--cancel', '--policy', 'fleet')).toBe('4 certificates need not be replaced any more');
  });

  it.each([
    ['no time', ['--policy', 'fleet'], 'give either --by'],
    ['a time and --cancel', ['--by', '1d', '--cancel', '--policy', 'fleet'], 'give either --by'],
    ['no certificates', ['--by', '1d'], 'say which certificates'],
    ['a time of before', ['--by', '2026-01-01T00:00:00Z', '--policy', 'fleet'], 'is not in the future'],
    ['no duration at all', ['--by', '0s', '--policy', 'fleet'], 'is not in the future'],
    ['what is no time', ['--by', 'soon', '--policy', 'fleet'], 'soon is not a time'],
    ['an unknown policy', ['--by', '1d', '--policy', 'fleets'], 'there is no policy "fleets"; there are: fleet'],
    ['an unknown profile', ['--by', '1d', '--profile', 'x'], 'there is no profile "x"; there are: device'],
    ['an unknown CA generation', ['--by', '1d', '--issuing-ca', 'devices'], 'there is no CA generation "devices"'],
    ['an unknown certificate', ['--by', '1d', '0badcafe'], 'no certificate with the serial number 0badcafe'],
    ['what is no page', ['--by', '1d', '--explanation-url', 'javascript:x', '--policy', 'fleet'], 'is not a URL'],
  ])('refuses %s', async (_what, words, message) => {
    await expect(run(...words)).rejects.toThrow(message);
  });
});
