import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createOcspResponders } from '../../../src/enrollment/ocsp-responders.js';
import { revokeCertificate } from '../../../src/enrollment/revoke.js';
import { createServiceKeys } from '../../../src/enrollment/service-keys.js';
import { GatewayError } from '../../../src/errors.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { fleet } from '../../support/fleet.js';
import { operator } from '../../support/operator.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
});
afterAll(() => test.close());

const unavailable = expect.objectContaining({ code: 'unavailable' });

/** Responders by a CA whose key can be away. */
function createResponders() {
  const { core } = test.gateway;
  const clock = createTestClock();
  const state = { isAway: false, tried: 0 };
  const issue: typeof core.authority.issue = async (issuance) => {
    state.tried++;
    if (state.isAway) throw new GatewayError('unavailable', 'the key is away');
    return await core.authority.issue(issuance);
  };
  const services = { ...core, clock, authority: { ...core.authority, issue } };
  return { clock, state, find: createOcspResponders(services, createServiceKeys(services)) };
}

describe('The OCSP responder of a CA whose key is away', () => {
  it('is not there; that is found out once in ten seconds, however many ask', async () => {
    const { clock, state, find } = createResponders();
    state.isAway = true;
    const settled = await Promise.allSettled(Array.from({ length: 20 }, () => find('root-1')));
    expect(settled.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 'rejected'));
    await expect(find('root-1')).rejects.toEqual(unavailable);
    expect(state.tried).toBe(1);
    clock.advance(10);
    await expect(find('root-1')).rejects.toEqual(unavailable);
    expect(state.tried).toBe(2);
    state.isAway = false;
    clock.advance(10);
    expect((await find('root-1')).keyHash).toHaveLength(20);
  });

  it('goes on with the present certificate to its end, and is tried once a minute', async () => {
    const { clock, state, find } = createResponders();
    const first = await find('devices-1');
    const renewed = state.tried;
    state.isAway = true;
    clock.advance(10 * daySeconds);
    expect((await find('devices-1')).certificate).toEqual(first.certificate);
    expect((await find('devices-1')).certificate).toEqual(first.certificate);
    expect(state.tried).toBe(renewed + 1);
    clock.advance(60);
    await find('devices-1');
    expect(state.tried).toBe(renewed + 2);
    clock.advance((first.notAfter.getTime() - clock.now().getTime()) / 1000 - 30);
    expect((await find('devices-1')).certificate).toEqual(first.certificate);
    clock.advance(30);
    await expect(find('devices-1')).rejects.toEqual(unavailable);
    state.isAway = false;
    clock.advance(10);
    expect((await find('devices-1')).certificate).not.toEqual(first.certificate);
  });
});

describe('The OCSP responder of a CA', () => {
  it('is replaced within a minute when its certificate is revoked', async () => {
    const { clock, find } = createResponders();
    const first = await find('devices-1');
    const { serialNumber } = decodeCertificate(first.certificate);
    const actor = operator('test');
    await revokeCertificate({ issuerId: 'devices-1', serialNumber, reason: 'keyCompromise', actor }, test.gateway.core);
    clock.advance(61);
    expect((await find('devices-1')).keyHash).not.toEqual(first.keyHash);
  });

  it('is of no CA that there is not', async () => {
    await expect(createResponders().find('devices-9')).rejects.toMatchObject({ code: 'not-found' });
  });
});
