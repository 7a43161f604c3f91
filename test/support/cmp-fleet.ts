/** A gateway with CMP for its fleet, and those who send it messages: devices, a vendor's devices, a registration authority. */
import type { X509Certificate } from 'node:crypto';
import type { Clock } from '../../src/clock.js';
import type { Log } from '../../src/log.js';
import type { EnrollWish } from './cmp/client.js';
import type { CmpCredential } from './cmp/message.js';
import { type CmpOutcome, describe } from './cmp/outcome.js';
import { createCmpClient } from './cmp-client.js';
import type { TlsIdentity } from './est-client.js';
import { applyYaml, fleet, policyLike, yamlPem } from './fleet.js';
import { extendedKeyUsage } from './make-chain.js';
import { type KeyPair, newKey } from './make-csr.js';
import { createManufacturer } from './manufacturer.js';
import { recordOf } from './records.js';
import { startTestGateway, type TestGateway } from './test-gateway.js';

const reference = 'fleet-reference';
export const secret = 'a secret of the fleet';
export const byMac: CmpCredential & { kind: 'mac' } = { kind: 'mac', reference, secret };

export const vendor = createManufacturer('Vendor');
const operator = createManufacturer('Operator');
const idKpCmcRa = '1.3.6.1.5.5.7.3.28';
/** A registration authority of the policy. */
export const authority = signedBy(operator.device('O=Operator,CN=ra-1', { extensions: [extendedKeyUsage(idKpCmcRa)] }));
/** Of the same CA, without the extended key usage that makes one. */
export const powerless = signedBy(operator.device('O=Operator,CN=no-ra'));

interface CmpFleetOptions {
  readonly clock?: Clock;
  /** Of the policy's CMP settings, in YAML's flow style. */
  readonly cmp?: string;
  /** Further fields of the policy. */
  readonly policy?: string;
  readonly failedAuthenticationsPerMinute?: number;
  readonly log?: Log;
}

/** A policy `cmp` that takes {@link byMac}, {@link vendor}'s devices and {@link authority}, beside those of `fleet`. */
export async function startCmpFleet(options: CmpFleetOptions = {}): Promise<TestGateway> {
  const { clock, cmp, policy, log, failedAuthenticationsPerMinute = 100_000 } = options;
  const test = await startTestGateway({
    configuration: fleet,
    ...(clock && { clock }),
    ...(log && { log }),
    settings: { failedAuthenticationsPerMinute: String(failedAuthenticationsPerMinute) },
  });
  await applyYaml(
    test,
    `authenticationPolicies:
  - name: fleet
    division: plant
    credentials:
      - { kind: cmp-secret, name: cmp, reference: ${reference}, secret: ${secret} }
      - { kind: authentication-ca, name: vendor, certificate: ${yamlPem(vendor.certificate)} }
      - { kind: authentication-ca, name: operator, certificate: ${yamlPem(operator.certificate)} }
${cmpPolicy('cmp', cmp, policy)}`,
  );
  return test;
}

/** A policy for CMP, as a document of its own. */
export function cmpPolicy(name: string, cmp = '', policy = ''): string {
  const settings = ['registrationAuthorities: [operator]', ...(cmp === '' ? [] : [cmp])].join(', ');
  const changes = ['methods: [cmp]', `cmp: { ${settings} }`, ...(policy === '' ? [] : [policy])];
  return policyLike(name, changes.join(', '));
}

export function signedBy({ chain, privateKey }: TlsIdentity): CmpCredential & { kind: 'certificate' } {
  return { kind: 'certificate', chain, privateKey };
}

export interface CmpDevice {
  readonly name: string;
  readonly key: KeyPair;
  readonly certificate: X509Certificate;
  /** Signs with the certificate, and has its chain up to the root. */
  readonly credential: CmpCredential & { kind: 'certificate' };
  readonly outcome: CmpOutcome;
}

let devices = 0;

interface DeviceOptions extends Partial<EnrollWish> {
  readonly label?: string;
  readonly name?: string;
  /** Leaves the certificate unconfirmed. */
  readonly isLeftUnconfirmed?: boolean;
}

/** A device with a certificate that it got by an ir, confirmed unless told otherwise. */
export async function enrolled(test: TestGateway, options: DeviceOptions = {}): Promise<CmpDevice> {
  const { label = 'cmp', name = `device-${++devices}`, key = newKey(), isLeftUnconfirmed = false, ...wish } = options;
  const client = createCmpClient(test, { label, credential: byMac });
  try {
    const outcome = await client.ir({ key, subject: `CN=${name}`, ...wish });
    const device = deviceOf(test, outcome, name, key);
    if (isLeftUnconfirmed || outcome.isImplicitlyConfirmed) return device;
    const confirmed = await client.confirm(outcome, wish.credential ? { credential: wish.credential } : {});
    if (confirmed.body?.type !== 'pkiconf') throw new Error(`not confirmed but ${describe(confirmed)}`);
    return device;
  } finally {
    client.close();
  }
}

/** The device that an answer makes of a key. */
export function deviceOf({ gateway }: TestGateway, outcome: CmpOutcome, name: string, key: KeyPair): CmpDevice {
  const { certificate } = outcome;
  if (certificate === undefined) throw new Error(`no certificate but ${describe(outcome)}`);
  const { authority: own } = gateway.core;
  const chain = [certificate.raw, ...own.chain(own.issuer('devices').id)];
  return { name, key, certificate, outcome, credential: { kind: 'certificate', chain, privateKey: key.privateKey } };
}

/** As the store has it: valid, held or revoked. */
export async function statusOf(test: TestGateway, { certificate }: CmpDevice): Promise<string> {
  return (await recordOf(test, certificate)).status;
}
