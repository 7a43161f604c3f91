import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemOperations } from '../../../src/api/system.js';
import { type ApiServer, principal, startApiServer } from '../../support/api-server.js';
import { createEstClient } from '../../support/est-client.js';
import { fleet, fleetPasscode } from '../../support/fleet.js';
import { makeCsr } from '../../support/make-csr.js';
import { createTestClock } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

const clock = createTestClock();
let test: TestGateway;
let api: ApiServer;
beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet, clock });
  api = await startApiServer({
    operations: systemOperations({ ...test.gateway.core, version: '1.2.3' }),
    principals: {
      auditor: principal('auditor', { role: 'auditor' }),
      limited: principal(
        'limited',
        { role: 'approver' },
        { role: 'auditor', division: 'plant' },
        { role: 'auditor', division: 'b' },
      ),
      nothing: principal('nothing'),
    },
    services: test.gateway.core,
  });
});
afterAll(async () => {
  await api.close();
  await test.close();
});

describe('GET /system', () => {
  it('tells version, addresses and figures, counted at most once in thirty seconds', async () => {
    const { deviceTlsPort, deviceHttpPort, adminPort } = test.settings;
    const first = await api.send('/api/v1/system', { key: 'auditor' });
    expect([first.status, first.body]).toEqual([
      200,
      expect.objectContaining({
        version: '1.2.3',
        time: clock.now().toISOString(),
        urls: {
          deviceTls: `https://localhost:${deviceTlsPort}`,
          deviceHttp: `http://localhost:${deviceHttpPort}`,
          admin: `https://localhost:${adminPort}`,
        },
        catalogVersion: 1,
        devices: {},
        certificates: { valid: 0, held: 0, revoked: 0, total: 0, expiringIn30Days: 0 },
        pendingRequests: 0,
      }),
    ]);
    const est = createEstClient(test, { label: 'fleet', passcode: fleetPasscode });
    expect((await est.post('simpleenroll', makeCsr())).status).toBe(200);
    est.close();
    clock.advance(29);
    expect((await api.send('/api/v1/system', { key: 'auditor' })).body).toMatchObject({ certificates: { valid: 0 } });
    clock.advance(1);
    expect((await api.send('/api/v1/system', { key: 'auditor' })).body).toMatchObject({
      devices: { operational: 1 },
      certificates: { valid: 1, total: 1 },
      countedAt: clock.now().toISOString(),
    });
  });

  it('is not for who is limited to divisions: the figures are of all', async () => {
    const answer = await api.send('/api/v1/system', { key: 'limited' });
    expect(answer.body).toMatchObject({ status: 403, code: 'forbidden' });
  });
});

describe('GET /me', () => {
  it('tells who is asking, and where each permission holds', async () => {
    const { body } = await api.send('/api/v1/me', { key: 'limited' });
    expect(body).toMatchObject({ kind: 'api-key', id: 'id-of-limited', name: 'limited' });
    expect(body).toMatchObject({
      permissions: expect.arrayContaining([
        { permission: 'request:decide' },
        { permission: 'configuration:read' },
        { permission: 'audit:read', divisions: ['b', 'plant'] },
      ]),
    });
    expect((await api.send('/api/v1/me', { key: 'nothing' })).body).toMatchObject({ grants: [], permissions: [] });
  });
});
