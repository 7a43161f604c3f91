/** CA certificates for gateways over every protocol that issues them: the same certificate, and the same refusals. */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeCertificate } from '../../src/x509/certificate.js';
import { encodeNameConstraints, parseNameSubtree } from '../../src/x509/encode-name-constraints.js';
import {
  decodeBasicConstraints,
  decodeExtKeyUsage,
  type Extension,
  encodeBasicConstraints,
  encodeExtension,
  encodeKeyUsage,
  findExtension,
} from '../../src/x509/extensions.js';
import {
  idCeBasicConstraints,
  idCeExtKeyUsage,
  idCeKeyUsage,
  idCeNameConstraints,
  idKpClientAuth,
  idKpServerAuth,
} from '../../src/x509/oids.js';
import { createCmpClient } from '../support/cmp-client.js';
import { certificateOf, createEstClient } from '../support/est-client.js';
import { applyYaml, fleetPasscode, policyLike } from '../support/fleet.js';
import { startGatewayFleet } from '../support/gateway-fleet.js';
import { runIssueJob } from '../support/issue-job.js';
import { type KeyPair, makeCsr, newKey } from '../support/make-csr.js';
import { countRecords, eventsOf, recordOf } from '../support/records.js';
import { createRestClient, csrPem, issuedOf } from '../support/rest-client.js';
import { createScepClient } from '../support/scep-client.js';
import type { TestGateway } from '../support/test-gateway.js';

let test: TestGateway;

beforeAll(async () => {
  test = await startGatewayFleet();
  // Its certificate is of before it was to issue CA certificates.
  await applyYaml(
    test,
    'certificateAuthorities: [{ name: late, parent: root, subject: "CN=Late,O=Plant", key: ec-p256, validity: 10y, pathLength: 0 }]',
  );
  await applyYaml(
    test,
    'certificateAuthorities: [{ name: late, parent: root, subject: "CN=Late,O=Plant", key: ec-p256, validity: 10y, pathLength: 1, issueIntermediates: true }]',
  );
  const methods = 'methods: [est, scep, cmp, rest, batch], keyGeneration: [device]';
  await applyYaml(
    test,
    policyLike('forbidden', `${methods}, issuingCa: late, profiles: [{ usage: intermediate, profile: gateway }]`),
  );
  await applyYaml(test, policyLike('end-entities', methods));
});
afterAll(() => test.close());

interface Wish {
  readonly label: string;
  readonly key: KeyPair;
  readonly subject: string;
  readonly extensions: readonly Extension[];
  /** Where the protocol has a word for it. */
  readonly notAfter?: Date;
}

/** The certificate, DER; undefined where it was refused. */
type Ask = (wish: Wish) => Promise<Uint8Array | undefined>;

const asks: Readonly<Record<string, Ask>> = {
  est: async ({ label, ...wish }) => {
    const est = createEstClient(test, { label, passcode: fleetPasscode });
    const answer = await est.post('simpleenroll', makeCsr(wish));
    est.close();
    return answer.status === 200 ? certificateOf(answer).raw : undefined;
  },
  scep: async ({ label, key, subject, extensions }) => {
    const scep = createScepClient(test, { label });
    const csr = makeCsr({ key, subject, extensions, challengePassword: fleetPasscode });
    const { certificate } = await scep.enroll({ key, subject, challenge: fleetPasscode, csr });
    scep.close();
    return certificate?.raw;
  },
  cmp: async ({ label, notAfter, ...wish }) => {
    const credential = { kind: 'mac', reference: 'fleet', secret: fleetPasscode } as const;
    const cmp = createCmpClient(test, { label, credential });
    const { certificate } = await cmp.ir({ ...wish, ...(notAfter ? { template: { notAfter } } : {}) });
    cmp.close();
    return certificate?.raw;
  },
  rest: async ({ label, notAfter, ...wish }) => {
    const rest = createRestClient(test, { label, passcode: fleetPasscode });
    const end = notAfter === undefined ? {} : { notAfter: notAfter.toISOString() };
    const answer = await rest.post('', { csr: csrPem(wish), ...end });
    rest.close();
    return answer.status === 201 ? new X509Certificate(issuedOf(answer).certificate).raw : undefined;
  },
  batch: async ({ label, notAfter, ...wish }) => {
    const end = notAfter === undefined ? {} : { notAfter: notAfter.toISOString() };
    const { core } = test.gateway;
    const job = await runIssueJob(core, { policy: label, keys: 'csr' }, [{ csr: csrPem(wish), ...end }]);
    if (job.outcomes[0]?.code !== undefined) return undefined;
    const [latest] = await core.store.certificates.list({ policy: label, limit: 1 });
    return latest?.der;
  },
};

const askingForCa = (pathLength?: number): Extension => ({
  id: idCeBasicConstraints,
  critical: true,
  value: encodeBasicConstraints({ ca: true, ...(pathLength === undefined ? {} : { pathLength }) }),
});

let wishes = 0;
function wishFor(protocol: string, changes: Partial<Wish> = {}): Wish {
  wishes++;
  return {
    label: 'gateways',
    key: newKey(),
    subject: `CN=gw-${protocol}-${wishes}`,
    extensions: [askingForCa()],
    ...changes,
  };
}

describe.each(Object.entries(asks))('%s', (protocol, ask) => {
  const canSayValidity = protocol !== 'est' && protocol !== 'scep';

  it('issues a CA certificate as the profile has it, and it is an unmanaged CA from then on', async () => {
    const der = await ask(wishFor(protocol));
    if (der === undefined) throw new Error('it was refused');
    const { extensions } = decodeCertificate(der);
    const contentOf = (id: string) => findExtension(extensions, id)?.value ?? new Uint8Array();
    const permitted = [parseNameSubtree('dns', 'plant.example')];
    expect(decodeBasicConstraints(contentOf(idCeBasicConstraints))).toEqual({ ca: true, pathLength: 0 });
    expect(findExtension(extensions, idCeNameConstraints)).toEqual({
      id: idCeNameConstraints,
      critical: true,
      value: encodeNameConstraints({ permitted, excluded: [] }),
    });
    expect(decodeExtKeyUsage(contentOf(idCeExtKeyUsage))).toEqual([idKpClientAuth, idKpServerAuth]);
    const record = await recordOf(test, new X509Certificate(der));
    expect(record).toMatchObject({ usage: 'intermediate', profile: 'gateway', protocol });
    const unmanagedCa = await test.gateway.core.store.unmanagedCas.findByCertificate({ certificateId: record.id });
    expect(unmanagedCa).toMatchObject({ division: 'plant', deviceId: record.deviceId, subject: record.subject });
    const [event] = await eventsOf(test, 'unmanaged-ca.created');
    expect(event).toMatchObject({ subject: unmanagedCa?.id, outcome: 'success' });
  });

  const bad: [string, Partial<Wish>, string, string][] = [
    [
      'where the certificate of the CA forbids it',
      { label: 'forbidden' },
      'rejected-profile',
      'path length 0 and cannot',
    ],
    ['with a longer path than the profile has', { extensions: [askingForCa(1)] }, 'rejected-profile', 'path length 1'],
    ['CA = true of a profile for end entities', { label: 'end-entities' }, 'rejected-power', 'does not make CA'],
    ['the name of another CA', { subject: 'CN=Devices,O=Plant' }, 'rejected-name', 'a name of its own'],
    ...(canSayValidity
      ? ([
          [
            'a validity beyond that of the CA',
            { notAfter: new Date(Date.now() + 12 * 366 * 86_400_000) },
            'rejected-profile',
            'end of validity',
          ],
        ] as [string, Partial<Wish>, string, string][])
      : []),
  ];
  it.each(bad)('refuses %s, with an event, and nothing is on record', async (_what, changes, code, says) => {
    const before = await countRecords(test);
    const unmanaged = await test.gateway.core.store.unmanagedCas.list({ limit: 1000 });
    expect(await ask(wishFor(protocol, changes))).toBeUndefined();
    const [event] = await eventsOf(test, 'request.refused');
    expect(JSON.parse(event?.content ?? '{}')).toMatchObject({ protocol, code, reason: expect.stringContaining(says) });
    expect(await countRecords(test)).toEqual(before);
    expect(await test.gateway.core.store.unmanagedCas.list({ limit: 1000 })).toEqual(unmanaged);
  });
});

describe('What a client is told to put into requests for CA certificates', () => {
  const usages = encodeKeyUsage(['digitalSignature', 'keyCertSign', 'cRLSign']);
  const wanted = [askingForCa(), { id: idCeKeyUsage, critical: true, value: usages }];

  it.each<[string, () => Promise<Uint8Array>]>([
    [
      'EST csrattrs (RFC 9908)',
      async () => {
        const est = createEstClient(test, { label: 'gateways' });
        const { body } = await est.get('csrattrs');
        est.close();
        return Buffer.from(body.toString(), 'base64');
      },
    ],
    [
      'CMP certReqTemplate (RFC 9810 5.3.19.16)',
      async () => {
        const credential = { kind: 'mac', reference: 'fleet', secret: fleetPasscode } as const;
        const cmp = createCmpClient(test, { label: 'gateways', credential });
        const { body } = await cmp.genm('certReqTemplate');
        cmp.close();
        return body?.type === 'genp' ? (body.infos[0]?.value ?? new Uint8Array()) : new Uint8Array();
      },
    ],
  ])('has basicConstraints and keyUsage: %s', async (_what, told) => {
    const text = Buffer.from(await told()).toString('hex');
    for (const extension of wanted) expect(text).toContain(Buffer.from(encodeExtension(extension)).toString('hex'));
  });

  it('is accepted as it is, and the path length is that of the profile', async () => {
    const der = await asks.est?.(wishFor('told', { extensions: wanted }));
    const { extensions } = decodeCertificate(der ?? new Uint8Array());
    const constraints = findExtension(extensions, idCeBasicConstraints)?.value;
    expect(decodeBasicConstraints(constraints ?? new Uint8Array())).toEqual({ ca: true, pathLength: 0 });
  });
});

describe('acme', () => {
  it('is no method of a policy that issues nothing but CA certificates', async () => {
    const policy = policyLike(
      'by-acme',
      'methods: [acme], acme: { authorization: challenges }, issuingCa: gateways, keyGeneration: [device], profiles: [{ usage: intermediate, profile: gateway }]',
    );
    await expect(applyYaml(test, policy)).rejects.toThrow(/acme needs a profile of the usage bootstrap or operational/);
  });
});

describe('keyGeneration: gateway', () => {
  it('is refused where CA certificates are issued: a CA keeps its own key', async () => {
    const policy = policyLike(
      'made-here',
      'methods: [est], issuingCa: gateways, keyGeneration: [device, gateway], profiles: [{ usage: intermediate, profile: gateway }]',
    );
    await expect(applyYaml(test, policy)).rejects.toThrow(/keeps its own key/);
  });
});
