import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createUser, deleteUser, getUser } from '../../../src/access/users.js';
import { approveRequest } from '../../../src/enrollment/approve.js';
import { enroll } from '../../../src/enrollment/enroll.js';
import { createProtocolServices } from '../../../src/enrollment/protocol-services.js';
import type { EnrollmentRequest } from '../../../src/enrollment/request.js';
import { createServiceKeys } from '../../../src/enrollment/service-keys.js';
import { createIdentifier } from '../../../src/identifier.js';
import type { PresentedCredential } from '../../../src/model/presented-credential.js';
import type { Method } from '../../../src/model/protocol-name.js';
import { encodeName } from '../../../src/x509/names.js';
import { parseName } from '../../../src/x509/parse-name.js';
import { applyYaml, fleet, policyLike } from '../../support/fleet.js';
import { newKey, spkiOf } from '../../support/make-csr.js';
import { by } from '../../support/operator.js';
import { countRecords, eventOf } from '../../support/records.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';
import { root } from '../access/access-services.js';

let test: TestGateway;
beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  await applyYaml(test, policyLike('operators', 'methods: [batch, portal]'));
  await applyYaml(test, policyLike('watched', 'methods: [batch], approval: manual'));
});
afterAll(() => test.close());

const operator: PresentedCredential = { kind: 'operator', name: 'user alice', person: 'user:alice' };

function requestFor(subject: string, changes: Partial<EnrollmentRequest> = {}): EnrollmentRequest {
  return {
    protocol: 'batch',
    label: 'operators',
    operation: 'enroll',
    requested: { subjectPublicKeyInfo: spkiOf(newKey()), subject: encodeName(parseName(subject)), extensions: [] },
    credentials: [operator],
    remoteAddress: '192.0.2.1',
    requestId: createIdentifier(),
    ...changes,
  };
}

describe('An operator', () => {
  it.each(['batch', 'portal'] as const)('gets certificates for devices by %s, under his own name', async (protocol) => {
    const request = requestFor(`CN=by-${protocol}`, { protocol });
    expect(await enroll(request, test.gateway.core)).toMatchObject({ outcome: 'issued' });
    expect(await eventOf(test, request)).toMatchObject({
      requester: { id: 'operator:user:alice', credentials: [{ kind: 'operator', name: 'user alice' }] },
      device: `by-${protocol}`,
    });
  });

  it('is held to the device that he asks for', async () => {
    const credentials = [{ ...operator, device: 'pump-1' }];
    await expect(enroll(requestFor('CN=pump-2', { credentials }), test.gateway.core)).rejects.toMatchObject({
      code: 'rejected-name',
    });
    const request = requestFor('CN=pump-1', { credentials });
    await enroll(request, test.gateway.core);
    expect(await eventOf(test, request)).toMatchObject({ device: 'pump-1' });
  });

  it('gets nothing where the policy is not open to it, nor renews by himself', async () => {
    await expect(enroll(requestFor('CN=a', { label: 'fleet' }), test.gateway.core)).rejects.toMatchObject({
      code: 'forbidden',
    });
    const renewal = requestFor('CN=a', { operation: 'reenroll' });
    await expect(enroll(renewal, test.gateway.core)).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('does not speak over the protocols of devices', async () => {
    const request = requestFor('CN=a', { protocol: 'est', label: 'fleet' });
    await expect(enroll(request, test.gateway.core)).rejects.toMatchObject({ code: 'internal' });
  });

  it('is nobody whose requests can be approved once he is gone', async () => {
    const { core } = test.gateway;
    const { id } = await createUser({ name: 'gone', grants: [{ role: 'auditor' }] }, root, core);
    const credentials = [{ ...operator, person: `user:${id}` }];
    const request = requestFor('CN=waiting', { label: 'watched', credentials });
    expect(await enroll(request, core)).toMatchObject({ outcome: 'pending' });
    await deleteUser(await getUser('gone', 'everywhere', core), root, core);
    await expect(approveRequest(request.requestId, by('bob'), core)).rejects.toMatchObject({ code: 'invalid-state' });
  });

  it('cannot be presented by a protocol handler, whatever it asks', async () => {
    const { core } = test.gateway;
    const services = createProtocolServices(core, createServiceKeys(core), test.settings);
    const before = await countRecords(test);
    const from = { protocol: 'batch' as Method, label: 'operators', remoteAddress: '192.0.2.1', requestId: 'r' };
    const credentials = [operator];
    const certificate = { issuer: Uint8Array.of(0x30, 0), serialNumber: '01' };
    const pending = { requestId: 'r', credentials };
    const attempts = [
      () => services.enroll(requestFor('CN=forged')),
      () => services.poll({ ...from, pending }),
      () => services.pollApproval({ ...from, kind: 'message', pending }),
      () => services.authenticate({ ...from, operation: 'x', credentials }),
      () => services.revoke({ ...from, ...certificate, reason: 'keyCompromise', credentials }),
      () => services.requestApproval({ ...from, operation: 'genm', credentials }),
      () => services.findCertificate({ ...from, ...certificate, operation: 'x', credentials }),
      () => services.requireNames({ ...from, subjectAltNames: Uint8Array.of(0x30, 0), credentials }),
      () =>
        services.setRevocationPassphrase({
          ...from,
          reference: new Uint8Array(1),
          passphrase: new Uint8Array(9),
          isRead: true,
          sentAt: new Date(),
          credentials,
        }),
    ];
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toMatchObject({
        code: 'internal',
        message: 'a protocol handler presents no operators',
      });
    }
    expect(await countRecords(test)).toEqual(before);
  });
});
