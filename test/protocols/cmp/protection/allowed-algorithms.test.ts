import { describe, expect, it } from '@jest/globals';
import {
  type AllowedAlgorithms,
  requireAllowedMac,
  requireAllowedSignature,
} from '../../../../protocols/cmp/protection/allowed-algorithms.js';
import { decodeMacAlgorithm } from '../../../../protocols/cmp/protection/mac-algorithms.js';
import { messageMacNames, messageSignatureNames } from '../../../../src/model/message-protection.js';
import { nullValue, oid, sequence } from '../../../../src/x509/der-writer.js';
import { digestIdentifier, hmacIdentifier, pbmac1Identifier, pbmIdentifier } from './identifiers.js';

const all: AllowedAlgorithms = {
  macAlgorithms: messageMacNames,
  signatureAlgorithms: messageSignatureNames,
  legacy: false,
};
const rsa = (last: number) => sequence(oid(`1.2.840.113549.1.1.${last}`), nullValue);

function macProblem(identifier: Uint8Array, allowed: AllowedAlgorithms): string | undefined {
  const algorithm = decodeMacAlgorithm(identifier);
  if (algorithm === undefined) throw new Error('no MAC');
  return problem(() => requireAllowedMac(algorithm, allowed));
}

function problem(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^(unsupported-algorithm|malformed-request)$/) });
    return error instanceof Error ? error.message : '';
  }
}

describe('the algorithms that a policy accepts', () => {
  it('takes HMAC with SHA-1 as a MAC, as openssl cmp sends it, without the legacy switch', () => {
    const sha1 = hmacIdentifier('sha1');
    expect(macProblem(sha1, all)).toBeUndefined();
    expect(macProblem(pbmIdentifier(digestIdentifier('sha256'), sha1), all)).toBeUndefined();
    expect(macProblem(pbmac1Identifier(sha1), all)).toBeUndefined();
  });

  it('takes SHA-1 as one-way function with the legacy switch only', () => {
    const identifier = pbmIdentifier(digestIdentifier('sha1'), hmacIdentifier('sha256'));
    expect(macProblem(identifier, all)).toBe('the policy does not accept SHA-1 as one-way function of a MAC');
    expect(macProblem(identifier, { ...all, legacy: true })).toBeUndefined();
  });

  it('takes SHA-1 in signatures with the legacy switch only', () => {
    expect(problem(() => requireAllowedSignature(rsa(5), all))).toBe(
      'the policy does not accept signatures with SHA-1',
    );
    expect(requireAllowedSignature(rsa(5), { ...all, legacy: true }).name).toBe('rsa-sha1');
  });

  it('switches each by its name', () => {
    const onlyPbm: AllowedAlgorithms = {
      ...all,
      macAlgorithms: ['pbm-hmac-sha256'],
      signatureAlgorithms: ['rsa-sha384'],
    };
    const hmac = hmacIdentifier('sha256');
    expect(macProblem(pbmIdentifier(digestIdentifier('sha256'), hmac), onlyPbm)).toBeUndefined();
    expect(macProblem(hmac, onlyPbm)).toBe('the policy does not accept MACs by hmac-sha256');
    expect(macProblem(pbmac1Identifier(hmac), onlyPbm)).toBe('the policy does not accept MACs by pbmac1-hmac-sha256');
    expect(requireAllowedSignature(rsa(12), onlyPbm).name).toBe('rsa-sha384');
    expect(problem(() => requireAllowedSignature(rsa(11), onlyPbm))).toBe(
      'the policy does not accept signatures by rsa-sha256',
    );
  });

  it('takes no signature that it does not know', () => {
    expect(problem(() => requireAllowedSignature(rsa(4), all))).toContain('the signature algorithm is not supported');
    expect(problem(() => requireAllowedSignature(new Uint8Array(), all))).toContain(
      'the signature algorithm is malformed',
    );
  });
});
