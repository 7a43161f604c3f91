/** The cryptography of one order: its messages, its request, its certificate. */
import { createPublicKey, generateKeyPairSync, hash, type KeyObject, sign, verify } from 'node:crypto';
import { decodeCertificationRequest } from '../../src/x509/pkcs10.js';
import { encode, makeAccountKey, signingInput } from './acme-jws.js';
import { createOrderRequests } from './acme-request.js';
import { createFloor, type Floor } from './floor.js';

export interface AcmeFloor extends Floor {
  readonly name: string;
}

/** newOrder, finalize, certificate; the thumbprint is for the key authorization. */
const readyMessages = 3;
/** And authorization, challenge, authorization once more. */
const challengeMessages = 6;

/** The key of an account may have been imported before. */
export function createAcmeFloor({ challenges }: { readonly challenges: boolean }): AcmeFloor {
  const count = challenges ? challengeMessages : readyMessages;
  const next = createOrderRequests('bench.test');
  const account = makeAccountKey();
  const jwk = JSON.stringify(account.jwk);
  const orders = Array.from({ length: 64 }, () => {
    const { name, csr } = next();
    const messages = Array.from({ length: count }, (_, index) => {
      const payload = index === 0 ? encode(Buffer.from(csr).toString('base64url')) : '';
      const header = {
        alg: 'ES256',
        kid: `https://localhost/acme/account/${name}`,
        nonce: `${name}-${index}`,
        url: `https://localhost/acme/order/${name}`,
      };
      const signed = signingInput(encode(JSON.stringify(header)), payload);
      return { signed, signature: sign('sha256', signed, { key: account.privateKey, dsaEncoding: 'ieee-p1363' }) };
    });
    return { messages, request: decodeCertificationRequest(csr) };
  });
  const ca = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const floor = createFloor(orders, ({ messages, request: { subjectPublicKeyInfo, signed, signature } }) => {
    for (const message of messages) {
      requireValid(
        verify('sha256', message.signed, { key: account.publicKey, dsaEncoding: 'ieee-p1363' }, message.signature),
      );
    }
    if (challenges) hash('sha256', jwk);
    requireValid(verify('sha256', signed, importKey(subjectPublicKeyInfo), signature));
    sign('sha256', signed, ca);
  });
  const name = `${count} messages verified by ES256; import of a P-256 key, verification, signature`;
  return { name, ...floor };
}

function requireValid(isValid: boolean): void {
  if (!isValid) throw new Error('a prepared message has a wrong signature');
}

function importKey(spki: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
}
