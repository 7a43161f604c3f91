/** p10cr (RFC 9483 4.1.4): a PKCS #10 request is held to what a certTemplate is held to. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sequence, smallInteger } from '../../../src/x509/der-writer.js';
import { type Extension, encodeExtKeyUsage, encodeKeyUsage } from '../../../src/x509/extensions.js';
import { idCeBasicConstraints, idCeExtKeyUsage, idCeKeyUsage } from '../../../src/x509/oids.js';
import type { CmpClient } from '../../support/cmp/client.js';
import { issuedBy } from '../../support/cmp/outcome.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { byMac, cmpPolicy, startCmpFleet } from '../../support/cmp-fleet.js';
import { type CmpRefusal, expectRejected } from '../../support/cmp-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import { type CsrOptions, makeCsr, newKey } from '../../support/make-csr.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let client: CmpClient;
const clock = createTestClock();

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  await applyYaml(test, cmpPolicy('choosy', 'signatureAlgorithms: [ecdsa-sha384]'));
  client = createCmpClient(test, { label: 'cmp', credential: byMac });
});
afterAll(async () => {
  client.close();
  await test.close();
});

const csr = (options: CsrOptions = {}) => makeCsr({ key: newKey(), subject: 'CN=p10', ...options });
const constraints = (...parts: readonly Uint8Array[]): Extension => {
  return { id: idCeBasicConstraints, critical: true, value: sequence(...parts) };
};
const signsCertificates = { id: idCeKeyUsage, critical: true, value: encodeKeyUsage(['keyCertSign']) };
const purpose = (id: string): Extension => ({ id: idCeExtKeyUsage, critical: false, value: encodeExtKeyUsage([id]) });

const malformed = { body: 'cp', failInfo: 'badCertTemplate', code: 'malformed-request' } as const;
const forbidden = { body: 'cp', failInfo: 'notAuthorized', code: 'rejected-power' } as const;

describe('p10cr is refused with', () => {
  it.each<[string, CmpRefusal, CsrOptions]>([
    ['CA = true', forbidden, { extensions: [constraints(Uint8Array.of(1, 1, 0xff))] }],
    ['cmcCA', forbidden, { extensions: [purpose('1.3.6.1.5.5.7.3.27')] }],
    ['cmcRA', forbidden, { extensions: [purpose('1.3.6.1.5.5.7.3.28')] }],
    ['cmKGA', forbidden, { extensions: [purpose('1.3.6.1.5.5.7.3.32')] }],
    ['CA = false and a path length', malformed, { extensions: [constraints(smallInteger(1))] }],
    ['CA = false and keyCertSign', malformed, { extensions: [constraints(), signsCertificates] }],
    ['an empty subject, and no subjectAltName', malformed, { subject: '' }],
  ])('%s', async (_, refusal, options) => {
    await expectRejected(test, () => client.p10cr(csr(options)), refusal);
  });
});

describe('The signature of a PKCS #10 request', () => {
  it('is by an algorithm that the policy takes, or it is badAlg', async () => {
    const choosy = createCmpClient(test, { label: 'choosy', credential: byMac });
    const taken = await choosy.p10cr(csr({ hash: 'sha384' }), { implicitConfirm: true });
    expect(issuedBy(taken).subject).toBe('CN=p10');
    await expectRejected(test, () => choosy.p10cr(csr({ hash: 'sha256' })), {
      body: 'cp',
      failInfo: 'badAlg',
      code: 'unsupported-algorithm',
    });
    choosy.close();
  });
});

describe('The same PKCS #10 request in another operation', () => {
  it('is duplicateCertReq for an hour after the first one, and then a key that is in a certificate already', async () => {
    const one = csr({ subject: 'CN=twice' });
    await client.p10cr(one, { implicitConfirm: true });
    clock.advance(3590);
    await expectRejected(test, () => client.p10cr(one), {
      body: 'cp',
      failInfo: 'duplicateCertReq',
      code: 'duplicate-request',
    });
    clock.advance(20);
    await expectRejected(test, () => client.p10cr(one), {
      body: 'cp',
      failInfo: 'badCertTemplate',
      code: 'unacceptable-key',
    });
  });
});
