/** Import of a request's P-256 key as SubjectPublicKeyInfo, verification of its signature, and one signature with P-256. */
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { decodeCertificationRequest } from '../../src/x509/pkcs10.js';
import { createFloor, type Floor } from './floor.js';
import { createRequestFactory } from './prepared-request.js';

export function createEstFloor(): Floor {
  const makeRequest = createRequestFactory();
  const requests = Array.from({ length: 256 }, () => decodeCertificationRequest(makeRequest().csr));
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return createFloor(requests, ({ subjectPublicKeyInfo, signed, signature }) => {
    const key = createPublicKey({ key: Buffer.from(subjectPublicKeyInfo), format: 'der', type: 'spki' });
    if (!verify('sha256', signed, key, signature)) throw new Error('a prepared request has a wrong signature');
    sign('sha256', signed, privateKey);
  });
}
