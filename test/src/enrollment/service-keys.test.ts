import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServiceKeys } from '../../../src/enrollment/service-keys.js';
import { GatewayError } from '../../../src/errors.js';
import { fleet } from '../../support/fleet.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
});
afterAll(() => test.close());

describe('A service key that cannot be made', () => {
  it('is tried once for all who ask at once, and once more for who asks later', async () => {
    const { core } = test.gateway;
    let tried = 0;
    const create = async () => {
      tried++;
      await new Promise((resolve) => setTimeout(resolve, 10));
      throw new GatewayError('unavailable', 'the database is full');
    };
    const serviceKeys = createServiceKeys({ ...core, keys: { ...core.keys, create } });
    const request = { purpose: 'scep-ra', issuingCa: 'devices', names: ['SCEP RA'] } as const;
    const answers = await Promise.allSettled(Array.from({ length: 20 }, () => serviceKeys.encryptionKeys(request)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(['rejected']));
    expect(tried).toBe(1);
    await expect(serviceKeys.encryptionKeys(request)).rejects.toMatchObject({ code: 'unavailable' });
    expect(tried).toBe(2);
  });
});
