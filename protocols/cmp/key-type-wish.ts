/** The kind of key that a client wants the gateway to make: an algorithm beside an empty key (RFC 9483 4.1.6). */

import { GatewayError } from '../../src/errors.js';
import type { Curve, GeneratedKeyType, KeyConstraints } from '../../src/model/key-constraints.js';
import { decoding } from '../../src/x509/decoding.js';
import { DerReader } from '../../src/x509/der.js';
import { idEcPublicKey, idEd25519, rsaEncryption, secp256r1, secp384r1, secp521r1 } from '../../src/x509/oids.js';

/**
 * What the wish leaves open, the smallest RSA key or the first curve that the policy allows decides; whether it allows the
 * kind at all is for the core to say.
 * @param wish DER AlgorithmIdentifier
 * @throws GatewayError `unsupported-algorithm` for a kind of key that the gateway does not make
 */
export function wantedKeyType(wish: Uint8Array, { rsa, ec }: KeyConstraints): GeneratedKeyType {
  const { id, curve } = decoding('the publicKey of the certTemplate', () =>
    DerReader.decode(wish, (reader) =>
      reader.sequence((algorithm) => {
        const type = algorithm.oid();
        if (type === idEcPublicKey && algorithm.more) return { id: type, curve: algorithm.oid() };
        if (algorithm.more) algorithm.element();
        return { id: type, curve: undefined };
      }),
    ),
  );
  switch (id) {
    case rsaEncryption: {
      const { minimumBits = 0, maximumBits = Number.POSITIVE_INFINITY } = rsa ?? {};
      const allowed = rsaTypes.find(({ bits }) => bits >= minimumBits && bits <= maximumBits);
      return allowed?.type ?? 'rsa-2048';
    }
    case idEcPublicKey: {
      const type = curve === undefined ? ecTypes[ec?.curves[0] ?? 'P-256'] : ecTypesByOid.get(curve);
      if (type !== undefined) return type;
      throw new GatewayError('unsupported-algorithm', `the gateway makes no keys on the curve ${curve}`);
    }
    case idEd25519:
      return 'ed25519';
    default:
      throw new GatewayError('unsupported-algorithm', `the gateway makes no keys of the algorithm ${id}`);
  }
}

const rsaTypes = [
  { bits: 2048, type: 'rsa-2048' },
  { bits: 3072, type: 'rsa-3072' },
  { bits: 4096, type: 'rsa-4096' },
] as const;

const ecTypes: Readonly<Record<Curve, GeneratedKeyType>> = {
  'P-256': 'ec-p256',
  'P-384': 'ec-p384',
  'P-521': 'ec-p521',
};

const ecTypesByOid: ReadonlyMap<string, GeneratedKeyType> = new Map([
  [secp256r1, 'ec-p256'],
  [secp384r1, 'ec-p384'],
  [secp521r1, 'ec-p521'],
]);
