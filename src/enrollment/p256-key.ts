/** P-256 key pairs in DER (RFC 5480, 5915, 5958) for a tenth of what key objects cost, most of which is their export. */
import { createECDH } from 'node:crypto';
import { bitString, explicit, octetString, oid, sequence, smallInteger } from '../x509/der-writer.js';
import { idEcPublicKey, secp256r1 } from '../x509/oids.js';

/** Takes some 60 µs, which is no longer than to hand it to another thread. */
export function makeP256Key(): { readonly pkcs8: Uint8Array; readonly subjectPublicKeyInfo: Uint8Array } {
  const pair = createECDH('prime256v1');
  const point = pair.generateKeys();
  const secret = pair.getPrivateKey();
  // Zeros that it begins with are left out there, but belong to the octets (RFC 5915 3).
  const octets = new Uint8Array(secretLength);
  octets.set(secret, secretLength - secret.length);
  const key = sequence(smallInteger(1), octetString(octets), explicit(1, bitString(point)));
  const made = {
    pkcs8: sequence(smallInteger(0), algorithm, octetString(key)),
    subjectPublicKeyInfo: sequence(algorithm, bitString(point)),
  };
  for (const copy of [secret, octets, key]) copy.fill(0);
  return made;
}

const secretLength = 32;
const algorithm = sequence(oid(idEcPublicKey), oid(secp256r1));
