/** The least that an enrollment can cost: what the cryptography takes with nothing around it. */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { decodeCertificationRequest } from '../../src/x509/pkcs10.js';
import { createRequestFactory } from './prepared-request.js';

export interface CryptoFloor {
  /** Measures for about so long, and keeps the figure. */
  measure(milliseconds: number): void;
  /** The median of what was measured: CPU microseconds of one enrollment. */
  median(): number;
}

/** Import of a request's P-256 key as SubjectPublicKeyInfo, verification of its signature, and one signature with P-256. */
export function createCryptoFloor(): CryptoFloor {
  const makeRequest = createRequestFactory();
  const requests = Array.from({ length: 256 }, () => decodeCertificationRequest(makeRequest().csr));
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const figures: number[] = [];
  const round = () => {
    for (const { subjectPublicKeyInfo, signed, signature } of requests) {
      const key = createPublicKey({ key: Buffer.from(subjectPublicKeyInfo), format: 'der', type: 'spki' });
      enroll(key, signed, signature, privateKey);
    }
  };
  round();
  return {
    measure(milliseconds) {
      const end = performance.now() + milliseconds;
      while (performance.now() < end) {
        const before = process.cpuUsage();
        round();
        const { user, system } = process.cpuUsage(before);
        figures.push((user + system) / requests.length);
      }
    },
    median: () => figures.toSorted((a, b) => a - b)[figures.length >> 1] ?? 0,
  };
}

function enroll(key: KeyObject, signed: Uint8Array, signature: Uint8Array, privateKey: KeyObject): void {
  if (!verify('sha256', signed, key, signature)) throw new Error('a prepared request has a wrong signature');
  sign('sha256', signed, privateKey);
}
