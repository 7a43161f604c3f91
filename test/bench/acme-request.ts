/** What an order ends with: a name of its own and a PKCS #10 request for it, with a P-256 key. */
import { randomBytes } from 'node:crypto';
import { makeCsr, newKey, spkiOf } from '../support/make-csr.js';

export interface OrderRequest {
  readonly name: string;
  /** DER */
  readonly csr: Uint8Array;
  /** DER SubjectPublicKeyInfo of what is to be certified. */
  readonly spki: Uint8Array;
}

/** Makes requests for names below the domain. */
export function createOrderRequests(domain: string): () => OrderRequest {
  const run = randomBytes(4).toString('hex');
  let count = 0;
  return () => {
    const name = `${run}-${count++}.${domain}`;
    const key = newKey();
    const csr = makeCsr({ key, subject: `CN=${name}`, alternatives: [{ type: 'dns', value: name }] });
    return { name, csr, spki: spkiOf(key) };
  };
}
