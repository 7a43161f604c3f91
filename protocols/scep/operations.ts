/** GetCACaps, GetCACert and GetNextCACert (RFC 8894 sections 3.5, 4.2 and 4.7): what anybody may know. */

import { encodeCertsOnly } from '../../src/cms/certs-only.js';
import { GatewayError } from '../../src/errors.js';
import type { PolicyView } from '../../src/policy-view.js';
import type { ProtocolServices, Reply } from '../../src/protocol.js';
import type { EncryptionServiceKey } from '../../src/service-key.js';

/** The policy of a label. @throws GatewayError `not-found` also for one that is not open to SCEP */
export function scepPolicy(services: ProtocolServices, label: string | undefined): PolicyView {
  const policy = services.policy(label);
  if (policy.methods.includes('scep')) return policy;
  throw new GatewayError('not-found', 'this policy is not open to SCEP');
}

/** The policy's keys that clients may have encrypted to, the present one first. */
export async function raKeys(
  services: ProtocolServices,
  label: string | undefined,
): Promise<readonly [EncryptionServiceKey, ...EncryptionServiceKey[]]> {
  const [current, ...earlier] = await services.encryptionKeys('scep-ra', label);
  if (current === undefined) throw new GatewayError('internal', 'the policy has no key for SCEP');
  return [current, ...earlier];
}

export function answerGetCaCaps(services: ProtocolServices, label: string | undefined): Reply {
  const { legacy } = scepPolicy(services, label).scep;
  const keywords = legacy ? [...capabilities, ...legacyCapabilities] : capabilities;
  return reply('text/plain', keywords.map((keyword) => `${keyword}\n`).join(''));
}

export async function answerGetCaCert(services: ProtocolServices, label: string | undefined): Promise<Reply> {
  const policy = scepPolicy(services, label);
  const [{ certificate, chain }] = await raKeys(services, label);
  return reply('application/x-x509-ca-ra-cert', encodeCertsOnly([certificate, ...chosenChain(policy, chain)]));
}

/** @throws GatewayError `not-found` as long as no next CA is staged */
export async function answerGetNextCaCert(services: ProtocolServices, label: string | undefined): Promise<Reply> {
  scepPolicy(services, label);
  return reply('application/x-x509-next-ca-cert', await services.nextCaBundle(label));
}

/** Of a chain from the issuing CA up to its root, the part that the policy shows to clients. */
export function chosenChain({ scep }: PolicyView, chain: readonly Uint8Array[]): readonly Uint8Array[] {
  if (scep.chain === 'issuer') return chain.slice(0, 1);
  return scep.chain === 'full' ? chain : chain.slice(0, Math.max(1, chain.length - 1));
}

// SHA-384 is no keyword of RFC 8894, which lets others be sent. strongSwan 5.9.8 tests the wrong bits: what it takes for
// SCEPStandard, and so for AES, SHA-256, POST and Renewal, is this one.
const capabilities: readonly string[] = [
  'AES',
  'GetNextCACert',
  'POSTPKIOperation',
  'Renewal',
  'SCEPStandard',
  'SHA-256',
  'SHA-384',
  'SHA-512',
];
const legacyCapabilities: readonly string[] = ['DES3', 'SHA-1'];

function reply(contentType: string, body: Reply['body']): Reply {
  return { status: 200, headers: { 'Content-Type': contentType }, body };
}
