/** What protocols get for state of their own: keys, and commits with events. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createProtocolServices } from '../../../src/enrollment/protocol-services.js';
import { createServiceKeys } from '../../../src/enrollment/service-keys.js';
import { openCore } from '../../../src/open-core.js';
import type { ProtocolServices } from '../../../src/protocol.js';
import { fleet } from '../../support/fleet.js';
import { eventsOf } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

const clock = createTestClock();
let test: TestGateway;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet, clock });
});
afterAll(() => test.close());

function servicesOf({ gateway: { core }, settings }: TestGateway): ProtocolServices {
  return createProtocolServices(core, createServiceKeys(core), settings);
}

describe('A key of a protocol’s own', () => {
  it('is the same in all processes on a database and after every start', async () => {
    const key = servicesOf(test).deriveKey('acme-nonces');
    expect(key.symmetricKeySize).toBe(32);
    const other = await openCore({ settings: test.settings, log: test.gateway.core.log, clock });
    expect(other.deriveKey('acme-nonces').equals(key)).toBe(true);
    await other.close();
    test = await test.restart();
    expect(servicesOf(test).deriveKey('acme-nonces').equals(key)).toBe(true);
  });
});

describe('A commit of a protocol’s own', () => {
  const event = {
    action: 'account.deactivated',
    outcome: 'success',
    subject: 'account-1',
    details: { contact: 'mailto:a@example.com' },
  } as const;

  it('has its events with it, all or none', async () => {
    const services = servicesOf(test);
    const { meta } = test.gateway.core.store;
    const write = meta.insert({ name: 'own', value: '1' });
    await services.commit([write], [event, { ...event, outcome: 'refused', subject: 'account-2' }]);
    expect(await meta.find('own')).toBe('1');
    const events = await eventsOf(test, 'account.deactivated');
    expect(events).toMatchObject([
      { outcome: 'refused', subject: 'account-2', at: clock.now().getTime() },
      { outcome: 'success', subject: 'account-1', at: clock.now().getTime() },
    ]);
    expect(JSON.parse(events[1]?.content ?? '{}')).toMatchObject(event.details);
    await expect(services.commit([write], [event])).rejects.toMatchObject({ code: 'invalid-state' });
    expect(await eventsOf(test, 'account.deactivated')).toHaveLength(2);
    await services.commit([meta.insert({ name: 'other', value: '2' })]);
    expect(await meta.find('other')).toBe('2');
  });
});
