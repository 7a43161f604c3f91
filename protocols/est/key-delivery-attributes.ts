/** RFC 7030 section 4.4.1: the CSR attributes that ask for a gateway-made key to be encrypted to the client. */

import { decodeSmimeCapabilities, type SmimeCapability } from '../../src/cms/smime-capabilities.js';
import { GatewayError } from '../../src/errors.js';
import { DerError, DerReader } from '../../src/x509/der.js';

/** What the client asks for; without an identifier it asks for no encryption beyond TLS. */
export interface KeyDeliveryWishes {
  /** Names a secret key (section 4.4.1.1, RFC 4108 section 2.2.5). */
  readonly decryptKeyIdentifier?: Uint8Array;
  /** Names a public key (section 4.4.1.2). */
  readonly asymmetricDecryptKeyIdentifier?: Uint8Array;
  /** What the client can decrypt, preferred first; empty when it does not say. */
  readonly capabilities: readonly SmimeCapability[];
}

interface CsrAttribute {
  /** Dotted OID. */
  readonly type: string;
  /** DER. */
  readonly values: readonly Uint8Array[];
}

/** Reads the three attributes from those of a CSR. @throws GatewayError malformed-request */
export function decodeKeyDeliveryWishes(attributes: readonly CsrAttribute[]): KeyDeliveryWishes {
  try {
    const symmetric = singleValue(attributes, idAaDecryptKeyId);
    const asymmetric = singleValue(attributes, idAaAsymmDecryptKeyId);
    const capabilities = singleValue(attributes, smimeCapabilities);
    if (symmetric !== undefined && asymmetric !== undefined) {
      throw malformed('a request names either a secret or a public key to encrypt the private key with, not both');
    }
    return {
      ...(symmetric === undefined ? {} : { decryptKeyIdentifier: decodeKeyIdentifier(symmetric) }),
      ...(asymmetric === undefined ? {} : { asymmetricDecryptKeyIdentifier: decodeKeyIdentifier(asymmetric) }),
      capabilities: capabilities === undefined ? [] : decodeSmimeCapabilities(capabilities),
    };
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw new GatewayError('malformed-request', 'an attribute about the delivery of the key is malformed', {
      cause: error,
    });
  }
}

const idAaDecryptKeyId = '1.2.840.113549.1.9.16.2.37';
const idAaAsymmDecryptKeyId = '1.2.840.113549.1.9.16.2.54';
const smimeCapabilities = '1.2.840.113549.1.9.15';
const maximumIdentifierLength = 256;

function singleValue(attributes: readonly CsrAttribute[], type: string): Uint8Array | undefined {
  const values = attributes.filter((attribute) => attribute.type === type).flatMap((attribute) => attribute.values);
  if (values.length > 1) throw malformed('an attribute about the delivery of the key has more than one value');
  return values[0];
}

function decodeKeyIdentifier(der: Uint8Array): Uint8Array {
  const identifier = DerReader.decode(der, (reader) => reader.octetString());
  if (identifier.length === 0 || identifier.length > maximumIdentifierLength) {
    throw malformed('a key identifier has 1 to 256 octets');
  }
  return identifier;
}

function malformed(message: string): GatewayError {
  return new GatewayError('malformed-request', message);
}
