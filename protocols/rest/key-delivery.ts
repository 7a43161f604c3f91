/** Keys that the gateway makes, in the form that was asked for. */
import { encryptPrivateKey } from '../../src/cms/encrypted-private-key.js';
import { encodePkcs12 } from '../../src/cms/pkcs12.js';
import type { EnrollmentResult } from '../../src/enrollment/result.js';
import { GatewayError } from '../../src/errors.js';
import { toPem } from '../../src/x509/pem.js';
import type { GenerateKeyRequest } from './requests.js';

export type Issued = Extract<EnrollmentResult, { outcome: 'issued' }>;
export type KeyDelivery = GenerateKeyRequest['generateKey'];

/**
 * Takes a place among the requests whose keys are encrypted, before anything is issued: deriving keys from passwords is slow
 * on purpose. The returned function gives it back.
 * @throws GatewayError `unavailable`
 */
export function takePlace(delivery: KeyDelivery | undefined): () => void {
  if (delivery === undefined || delivery.format === 'pkcs8') return () => undefined;
  if (taken >= maximumAtOnce) {
    throw new GatewayError('unavailable', 'too many keys are being encrypted at the moment; try again', {
      retryAfterSeconds: 5,
    });
  }
  taken++;
  return () => {
    taken--;
  };
}

const maximumAtOnce = 16;
let taken = 0;

/** The members of the answer that have the key. It is nowhere else once they are sent, so that it is wiped here. */
export async function deliverKey(
  { certificate, chain, generatedKey }: Issued,
  delivery: KeyDelivery,
): Promise<Readonly<Record<string, string>>> {
  if (generatedKey === undefined) throw new GatewayError('internal', 'there is no key to deliver');
  const { pkcs8 } = generatedKey;
  try {
    switch (delivery.format) {
      case 'pkcs8':
        return { privateKey: toPem('PRIVATE KEY', pkcs8) };
      case 'encrypted-pkcs8':
        return { privateKey: toPem('ENCRYPTED PRIVATE KEY', await encryptPrivateKey(pkcs8, delivery.password)) };
      case 'pkcs12': {
        const { password } = delivery;
        const pkcs12 = await encodePkcs12({ privateKey: pkcs8, certificate, chain, password });
        return { pkcs12: Buffer.from(pkcs12).toString('base64') };
      }
    }
  } finally {
    pkcs8.fill(0);
  }
}
