import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { revokeCertificate } from '../../../src/enrollment/revoke.js';
import { createServiceKeys } from '../../../src/enrollment/service-keys.js';
import { GatewayError } from '../../../src/errors.js';
import type { GenerationState } from '../../../src/model/certificate-authority.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { encodeNameConstraints, parseNameSubtree } from '../../../src/x509/encode-name-constraints.js';
import { decodeNameConstraints } from '../../../src/x509/name-constraints.js';
import { formatName } from '../../../src/x509/names.js';
import { fleet } from '../../support/fleet.js';
import { operator } from '../../support/operator.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';
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

describe('A service key whose certificate is revoked', () => {
  it('is replaced within a minute, and no longer among the keys that clients may have encrypted to', async () => {
    const clock = createTestClock();
    const { core } = test.gateway;
    const serviceKeys = createServiceKeys({ ...core, clock });
    const request = { purpose: 'scep-ra', issuingCa: 'devices', names: ['SCEP RA of somebody'] } as const;
    const [first] = await serviceKeys.encryptionKeys(request);
    const { serialNumber } = decodeCertificate(first?.certificate ?? new Uint8Array());
    const revocation = {
      issuerId: 'devices-1',
      serialNumber,
      actor: operator('test'),
      reason: 'keyCompromise',
    } as const;
    await revokeCertificate(revocation, core);
    clock.advance(61);
    const after = await serviceKeys.encryptionKeys(request);
    expect(after).toHaveLength(1);
    expect(after[0]?.certificate).not.toEqual(first?.certificate);
  });
});

describe('A service key of a CA that must not issue to a common name alone', () => {
  it("is certified for a name that begins as the CA's own does (RFC 5280 4.2.1.10)", async () => {
    const { core } = test.gateway;
    const permitted = [parseNameSubtree('directoryName', 'O=Plant')];
    const nameConstraints = [decodeNameConstraints(encodeNameConstraints({ permitted, excluded: [] }))];
    const issuer: typeof core.authority.issuer = (...of) => ({ ...core.authority.issuer(...of), nameConstraints });
    const serviceKeys = createServiceKeys({ ...core, authority: { ...core.authority, issuer } });
    const { certificate } = await serviceKeys.get({ purpose: 'cmc', issuingCa: 'devices', names: ['CMC of a plant'] });
    expect(formatName(decodeCertificate(certificate).subject)).toBe('CN=CMC of a plant,O=Plant');
  });
});

describe('A service key that clients encrypt to', () => {
  const request = { purpose: 'scep-ra', issuingCa: 'devices', names: ['SCEP RA of a policy'] } as const;

  it('is kept until its certificate expires, to the second, and then destroyed at the next renewal', async () => {
    const clock = createTestClock();
    const { core } = test.gateway;
    const serviceKeys = createServiceKeys({ ...core, clock });
    const certificates = async () => (await serviceKeys.encryptionKeys(request)).map(({ certificate }) => certificate);
    const [first = new Uint8Array()] = await certificates();
    clock.advance(244 * daySeconds);
    const [second = new Uint8Array(), ...others] = await certificates();
    expect(others).toEqual([first]);
    const secondsLeft = (decodeCertificate(first).notAfter.getTime() - clock.now().getTime()) / 1000;
    clock.advance(secondsLeft - 30);
    expect(await certificates()).toEqual([second, first]);
    clock.advance(45);
    expect(await certificates()).toEqual([second]);
    clock.advance(130 * daySeconds);
    const [third, ...earlier] = await certificates();
    expect(third).not.toEqual(second);
    expect(earlier).toEqual([second]);
    const purpose = 'service:scep-ra:devices:SCEP RA of a policy';
    expect(await core.store.keys.findByPurpose({ purpose })).toHaveLength(2);
  });

  it('is replaced within a minute of a new generation of its CA, and still opens what comes to it', async () => {
    const clock = createTestClock();
    const { core } = test.gateway;
    let state: GenerationState = 'current';
    const generation: typeof core.authority.generation = (id) => {
      const found = core.authority.generation(id);
      return found && { ...found, state };
    };
    const serviceKeys = createServiceKeys({ ...core, clock, authority: { ...core.authority, generation } });
    const wanted = { ...request, names: ['SCEP RA of a CA that goes on'] };
    const before = await serviceKeys.encryptionKeys(wanted);
    state = 'previous';
    clock.advance(61);
    const [replacement, ...earlier] = await serviceKeys.encryptionKeys(wanted);
    expect(replacement?.certificate).not.toEqual(before[0]?.certificate);
    expect(earlier.map(({ certificate }) => certificate)).toEqual(before.map(({ certificate }) => certificate));
  });
});
