/** Reports over the device TLS listener, and what operators see of them. */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { revokeAuthority } from '../../../src/authorities/revoke.js';
import { unmanagedCaCommand } from '../../../src/cli/unmanaged-ca.js';
import { toPem } from '../../../src/x509/pem.js';
import { type Answer, createEstClient, type TlsIdentity } from '../../support/est-client.js';
import { enrollGateway, issuedBelow, startGatewayFleet, type TestGatewayCa } from '../../support/gateway-fleet.js';
import { call, plant, site } from '../../support/operated-fleet.js';
import { operator } from '../../support/operator.js';
import { eventOf, eventsOf, recordOf } from '../../support/records.js';
import { runCommand } from '../../support/run-command.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let one: TestGatewayCa;
let other: TestGatewayCa;

beforeAll(async () => {
  test = await startGatewayFleet();
  one = await enrollGateway(test, 'gw-1');
  other = await enrollGateway(test, 'gw-2');
});
afterAll(() => test.close());

async function report(body: unknown, identity: TlsIdentity | null = one.identity, id = one.id): Promise<Answer> {
  const client = createEstClient(test, identity ? { identity } : {});
  const answer = await client.send(`/api/v1/unmanaged-cas/${id}/certificates`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  client.close();
  return answer;
}

const pem = (der: Uint8Array) => toPem('CERTIFICATE', der);
const serialOf = (der: Uint8Array) => new X509Certificate(der).serialNumber.toLowerCase();
const onRecord = async (id: string) =>
  (await test.gateway.core.store.unmanagedCertificates.countOf({ unmanagedCaId: id }))?.count;

async function expectRefused(answer: Answer, status: number, code: string, says: string): Promise<void> {
  expect({ status: answer.status, text: answer.text }).toEqual({ status, text: expect.stringContaining(says) });
  expect(await eventOf(test, answer)).toMatchObject({ action: 'request.refused', outcome: 'refused', code });
}

describe('a report', () => {
  it('puts certificates on record once, however often it is sent', async () => {
    const [a, b] = [issuedBelow('gw-1', 'sensor-1'), issuedBelow('gw-1', 'sensor-2')];
    const body = { certificates: [pem(a), Buffer.from(b).toString('base64')] };
    const first = await report(body);
    expect({ status: first.status, body: JSON.parse(first.text) }).toEqual({
      status: 200,
      body: { recorded: 2, known: 0, revoked: 0 },
    });
    expect(JSON.parse((await report(body)).text)).toEqual({ recorded: 0, known: 2, revoked: 0 });
    expect(await onRecord(one.id)).toBe(2);
    expect(await eventOf(test, first)).toMatchObject({
      action: 'unmanaged-ca.reported',
      subject: one.id,
      recorded: 2,
      name: 'CN=gw-1',
    });
    const { value } = await call(test, 'listCertificatesOfUnmanagedCa', { id: one.id, query: { search: 'SENSOR-1.' } });
    expect(value.items).toEqual([
      expect.objectContaining({
        serialNumber: serialOf(a),
        status: 'valid',
        subject: 'CN=sensor-1',
        subjectAltNames: ['dns:sensor-1.plant.example'],
        certificate: pem(a),
      }),
    ]);
  });

  it('revokes what was reported; the first time and reason stay', async () => {
    const der = issuedBelow('gw-1', 'sensor-3');
    const serialNumber = serialOf(der).toUpperCase();
    const revoked = [{ serialNumber, revokedAt: '2026-02-01T00:00:00Z', reason: 'keyCompromise' }];
    expect(JSON.parse((await report({ certificates: [pem(der)], revoked })).text)).toMatchObject({ revoked: 1 });
    expect((await report({ revoked: [{ serialNumber }] })).status).toBe(200);
    const { value } = await call(test, 'listCertificatesOfUnmanagedCa', { id: one.id, query: { search: 'sensor-3' } });
    expect(value.items[0]).toMatchObject({
      status: 'revoked',
      revokedAt: '2026-02-01T00:00:00.000Z',
      revocationReason: 'keyCompromise',
    });
  });

  it('authenticates nobody: what was reported opens nothing', async () => {
    const der = issuedBelow('gw-1', 'gw-1-impostor');
    await report({ certificates: [pem(der)] });
    const found = await test.gateway.core.store.certificates.findBySerial({ serialNumber: serialOf(der) });
    expect(found).toEqual([]);
  });

  it.each<[string, () => Promise<Answer>, number, string, string]>([
    ['without a client certificate', () => report({}, null), 403, 'forbidden', 'TLS client certificate'],
    ['with the key of another CA', () => report({}, other.identity), 403, 'forbidden', 'is not one of this CA'],
    ['for a CA that there is not', () => report({}, one.identity, 'nobody'), 403, 'forbidden', 'is not one of this CA'],
    [
      'of a certificate that another key has signed',
      () => report({ certificates: [pem(issuedBelow('gw-1', 'forged', 'nobody'))] }),
      400,
      'invalid-signature',
      'certificates.0 is not signed by the CA',
    ],
    [
      'of a certificate of another CA',
      () => report({ certificates: [pem(issuedBelow('gw-2', 'foreign'))] }),
      400,
      'invalid-signature',
      'certificates.0',
    ],
    ['of no certificate', () => report({ certificates: ['AAAA'] }), 400, 'malformed-request', 'certificates.0'],
    [
      'of 501 certificates',
      () => report({ certificates: new Array(501).fill('AAAA') }),
      400,
      'malformed-request',
      'certificates',
    ],
    [
      'of a revocation of what was never reported',
      () => report({ revoked: [{ serialNumber: '1234' }] }),
      404,
      'unknown-certificate',
      '1234',
    ],
    [
      'of a revocation at a time that no certificate could have',
      () => report({ revoked: [{ serialNumber: '1234', revokedAt: '0000-01-01T09:59:59+10:00' }] }),
      400,
      'malformed-request',
      'before the year 0',
    ],
    ['that is no JSON', () => report('{'), 400, 'malformed-request', 'the request body'],
    ['with an unknown field', () => report({ more: 1 }), 400, 'malformed-request', 'more'],
  ])('is refused %s, and nothing is put on record', async (_what, send, status, code, says) => {
    const before = [await onRecord(one.id), await onRecord(other.id)];
    await expectRefused(await send(), status, code, says);
    expect([await onRecord(one.id), await onRecord(other.id)]).toEqual(before);
  });

  it('is all or nothing', async () => {
    const before = await onRecord(one.id);
    const answer = await report({
      certificates: [pem(issuedBelow('gw-1', 'good')), pem(issuedBelow('gw-1', 'bad', 'nobody'))],
    });
    await expectRefused(answer, 400, 'invalid-signature', 'certificates.1');
    expect(await onRecord(one.id)).toBe(before);
  });
});

describe('an unmanaged CA', () => {
  it('keeps its renewals and its rekeys together', async () => {
    const first = await enrollGateway(test, 'gw-3');
    const renewed = await enrollGateway(test, 'gw-3', first);
    const rekeyed = await enrollGateway(test, 'gw-3', renewed, 'gw-3 new');
    expect(new Set([first, renewed, rekeyed].map(({ id }) => id)).size).toBe(1);
    const { value } = await call(test, 'getUnmanagedCa', { id: first.id });
    expect(value).toMatchObject({
      status: 'valid',
      device: 'gw-3',
      division: 'plant',
      subject: 'CN=gw-3',
      reported: 0,
    });
    expect(value.certificates).toHaveLength(3);
    const listed = await runCommand(unmanagedCaCommand, test, ['list', '--search', 'gw-3']);
    expect(listed.split('\n')[1]).toMatch(new RegExp(`^${first.id} +valid +\\S+Z +plant +gw-3 +CN=gw-3$`));
  });

  it('loses all of its certificates when it is revoked, however often it was renewed', async () => {
    const gateway = await enrollGateway(test, 'gw-5');
    const { store } = test.gateway.core;
    const record = await recordOf(test, gateway.certificate);
    // Later ones, so that the first is beyond what is shown.
    const later = { ...record, issuedAt: record.issuedAt + 1, replaces: record.id };
    const copies = Array.from({ length: 1000 }, (_, i) => ({
      ...later,
      id: `gateways-1:${(0x7000 + i).toString(16)}`,
      serialNumber: (0x7000 + i).toString(16),
      certificateFingerprint: `copy-${i}`,
    }));
    await store.commit({
      statements: copies.flatMap((copy) => [
        store.certificates.insert(copy),
        store.unmanagedCas.addCertificate({ certificateId: copy.id, unmanagedCaId: gateway.id }),
      ]),
      audit: [],
    });
    const said = await runCommand(unmanagedCaCommand, test, ['revoke', gateway.id]);
    expect(said).toContain(`revoked 1001 certificates of ${gateway.id}`);
    expect(await store.certificates.findByIssuerAndSerial('gateways-1', record.serialNumber)).toMatchObject({
      status: 'revoked',
    });
  });

  it('is seen by those with rights in its division', async () => {
    const { value: own } = await call(test, 'listUnmanagedCas', { scope: plant });
    expect(own.items.map(({ id }: { id: string }) => id)).toContain(one.id);
    const { value: foreign } = await call(test, 'listUnmanagedCas', { scope: site });
    expect(foreign.items).toEqual([]);
    await expect(call(test, 'getUnmanagedCa', { id: one.id, scope: site })).rejects.toThrow('there is no unmanaged CA');
    const { value: page } = await call(test, 'listUnmanagedCas', { query: { limit: '1' } });
    const { value: next } = await call(test, 'listUnmanagedCas', { query: { limit: '1', cursor: page.next } });
    expect([page.items[0].id, next.items[0].id]).toEqual([one.id, other.id]);
  });

  it('takes its branch with it when it is revoked, and may report no more', async () => {
    const gateway = await enrollGateway(test, 'gw-4');
    const renewed = await enrollGateway(test, 'gw-4', gateway, 'gw-4 new');
    const below = [issuedBelow('gw-4', 'valve-1'), issuedBelow('gw-4', 'valve-2', 'gw-4 new')];
    // The second names no key, so that it is taken for the latest one's.
    await report({ certificates: [pem(below[1] ?? new Uint8Array())] }, renewed.identity, gateway.id);
    const statuses = async () =>
      (await call(test, 'listCertificatesOfUnmanagedCa', { id: gateway.id })).value.items.map(
        ({ status }: { status: string }) => status,
      );
    expect(await statuses()).toEqual(['valid']);
    const said = await runCommand(unmanagedCaCommand, test, ['revoke', gateway.id]);
    expect(said).toContain(`revoked 2 certificates of ${gateway.id}, reason cACompromise`);
    expect(await statuses()).toEqual(['issuer-revoked']);
    expect((await call(test, 'getUnmanagedCa', { id: gateway.id })).value).toMatchObject({ status: 'revoked' });
    const { core } = test.gateway;
    for (const { certificate } of [gateway, renewed]) {
      const serialNumber = certificate.serialNumber.toLowerCase();
      expect(await core.store.certificates.findByIssuerAndSerial('gateways-1', serialNumber)).toMatchObject({
        status: 'revoked',
        revocationReason: 2,
      });
    }
    const [event] = await eventsOf(test, 'unmanaged-ca.revoked');
    expect(event?.subject).toBe(gateway.id);
    expect(JSON.parse(event?.content ?? '{}')).toMatchObject({ division: 'plant', device: 'gw-4' });
    await expectRefused(await report({}, renewed.identity, gateway.id), 403, 'revoked-requester', 'is revoked');
    await expect(runCommand(unmanagedCaCommand, test, ['revoke', gateway.id])).rejects.toThrow('has no certificate');
  });

  it('goes with the CA here that has certified it, and may report no more', async () => {
    const gateway = await enrollGateway(test, 'gw-6');
    await report({ certificates: [pem(issuedBelow('gw-6', 'valve'))] }, gateway.identity, gateway.id);
    const seen = async () => {
      const { value: ca } = await call(test, 'getUnmanagedCa', { id: gateway.id });
      const { value: below } = await call(test, 'listCertificatesOfUnmanagedCa', { id: gateway.id });
      return [ca.status, ...below.items.map(({ status }: { status: string }) => status)];
    };
    expect(await seen()).toEqual(['valid', 'valid']);
    await revokeAuthority(
      { generation: 'gateways', reason: 'keyCompromise', actor: operator('olga') },
      test.gateway.core,
    );
    expect(await seen()).toEqual(['revoked', 'issuer-revoked']);
    const refused = await report({}, gateway.identity, gateway.id);
    await expectRefused(refused, 403, 'revoked-requester', 'a CA above that of the report is revoked');
  });
});
