/** Keys that the gateway makes, in the form that was asked for. */
import { GatewayError } from '../errors.js';
import type { KeyDelivery } from '../model/key-delivery.js';
import { toPem } from '../x509/pem.js';
import { encryptPrivateKey } from './encrypted-private-key.js';
import { encodePkcs12 } from './pkcs12.js';

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

interface IssuedWithKey {
  /** DER. */
  readonly certificate: Uint8Array;
  /** DER: who has issued it and so on. */
  readonly chain: readonly Uint8Array[];
  /** DER PrivateKeyInfo. */
  readonly generatedKey?: { readonly pkcs8: Uint8Array };
}

/** One of the two. */
export interface DeliveredKey {
  /** PEM. */
  readonly privateKey?: string;
  /** Base64. */
  readonly pkcs12?: string;
}

/** The key is nowhere else once it is sent, so that it is wiped here. */
export async function deliverKey(
  { certificate, chain, generatedKey }: IssuedWithKey,
  delivery: KeyDelivery,
): Promise<DeliveredKey> {
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
