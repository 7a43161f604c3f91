/** What protects a message, as a credential (RFC 9483 3.2 and 3.5): whether to trust it is for the core to say. */

import type { Requester } from '../../src/enrollment/requester.js';
import { GatewayError } from '../../src/errors.js';
import type { PresentedCredential } from '../../src/model/presented-credential.js';
import type { PolicyView } from '../../src/policy-view.js';
import type { Exchange, ProtocolServices } from '../../src/protocol.js';
import { type Certificate, decodeCertificate, extension } from '../../src/x509/certificate.js';
import { decoding } from '../../src/x509/decoding.js';
import { decodeSubjectKeyIdentifier } from '../../src/x509/extensions.js';
import type { MessageSignatureAlgorithm } from '../../src/x509/message-signatures.js';
import { namesEqual } from '../../src/x509/names.js';
import { idCeSubjectKeyIdentifier } from '../../src/x509/oids.js';
import { type BodyType, type PkiMessage, protectedPart } from './asn1/pki-message.js';
import { CmpError } from './errors.js';
import { requireAllowedMac, requireAllowedSignature } from './protection/allowed-algorithms.js';
import { decodeMacAlgorithm, type MacAlgorithm, type MacKey } from './protection/mac-algorithms.js';
import { mayProtectMessages, verifyMessageSignature } from './protection/signature.js';

/** The protection of a message, once it is known to be good. */
export type Protection =
  | { readonly kind: 'signature'; readonly certificate: Certificate; readonly algorithm: MessageSignatureAlgorithm }
  | {
      readonly kind: 'mac';
      readonly key: MacKey;
      readonly secret: Uint8Array;
      /** What names the secret, as the message has it. */
      readonly senderKid: Uint8Array;
    };

/** A message before it is known whether its protection is any good. */
export interface ReceivedMessage {
  readonly exchange: Exchange;
  readonly services: ProtocolServices;
  readonly policy: PolicyView;
  readonly message: PkiMessage;
}

export interface Sender {
  readonly protection: Protection;
  readonly credential: PresentedCredential;
  readonly requester: Requester;
}

/** A credential whose protection is good when it is a signature, and turns out to be when the core asks for the MAC. */
export interface ReadCredential {
  readonly credential: PresentedCredential;
  /** To be called once the core has taken the credential. */
  protection(): Protection;
}

interface Readable extends Pick<ReceivedMessage, 'message' | 'policy'> {
  /** Whether a revocation passphrase may protect it. */
  readonly forRevocation?: boolean;
}

/**
 * Reads what protects a message, and verifies a signature.
 * @param onProtected is told of protection that is good before anything else is asked: refusals can be protected alike.
 * @throws GatewayError
 */
export function readCredential(
  { message, policy, forRevocation = false }: Readable,
  onProtected: (protection: Protection) => void,
): ReadCredential {
  const { protectionAlg } = message.header;
  if (protectionAlg === undefined || message.protection === undefined) {
    throw new CmpError('badMessageCheck', 'the message is not protected', 'invalid-signature');
  }
  const algorithm = decoding('the protection algorithm', () => decodeMacAlgorithm(protectionAlg));
  if (algorithm === undefined) return verifySigned(message, policy, message.protection, onProtected);
  // RFC 9483 5.2.2: no secret makes a registration authority, so that none need be looked for.
  if (message.bodyType === 'nested') throw unsigned('nested');
  requireAllowedMac(algorithm, policy.cmp);
  return presentMac({ message, algorithm, mac: message.protection, forRevocation }, onProtected);
}

/** The refusal of a MAC where only a signature will do. */
export function unsigned(bodyType: BodyType): CmpError {
  const article = bodyType === 'rr' ? 'an' : 'a';
  return new CmpError('wrongIntegrity', `${article} ${bodyType} must be protected by a signature`, 'forbidden');
}

interface MessageWithMac {
  readonly message: PkiMessage;
  readonly algorithm: MacAlgorithm;
  readonly mac: Uint8Array;
  readonly forRevocation: boolean;
}

/** RFC 9483 3.1: the secret's name is a commonName, which some write as a whole name: "CN=name". */
function presentMac(
  { message, algorithm, mac, forRevocation }: MessageWithMac,
  onProtected: (protection: Protection) => void,
): ReadCredential {
  const { senderKid, senderDirectoryName } = message.header;
  if (senderDirectoryName === undefined) {
    throw new CmpError(
      'badMessageCheck',
      'the sender of a message with a MAC must be a directoryName',
      'invalid-signature',
    );
  }
  if (senderKid === undefined) {
    throw new CmpError(
      'badMessageCheck',
      'a message with a MAC needs a senderKID, which names the secret',
      'bad-secret',
    );
  }
  let verified: Extract<Protection, { kind: 'mac' }> | undefined;
  const work = algorithm.work(message.der.length);
  const verify = async (secret: Uint8Array): Promise<boolean> => {
    const key = await algorithm.deriveKey(secret);
    if (!key.verify(protectedPart(message), mac)) return false;
    // The core wipes its own once it has asked.
    verified = { kind: 'mac', key, secret: Uint8Array.from(secret), senderKid };
    onProtected(verified);
    return true;
  };
  return {
    credential: { kind: 'mac', reference: referenceOf(senderKid), verify, forRevocation, work },
    protection() {
      if (verified === undefined) throw new GatewayError('internal', 'a MAC was accepted that nobody has verified');
      return verified;
    },
  };
}

const commonNamePrefix = Buffer.from('CN=');

/** The octets of senderKID that name a secret. */
export function referenceOf(senderKid: Uint8Array): Uint8Array {
  const octets = Buffer.from(senderKid);
  const hasPrefix = octets.subarray(0, commonNamePrefix.length).equals(commonNamePrefix);
  return hasPrefix ? octets.subarray(commonNamePrefix.length) : octets;
}

/** RFC 9483 3.1 to 3.3: the protection certificate is the first of extraCerts, and sender and senderKID name it. */
function verifySigned(
  message: PkiMessage,
  policy: PolicyView,
  signature: Uint8Array,
  onProtected: (protection: Protection) => void,
): ReadCredential {
  const { header, extraCerts } = message;
  const algorithm = requireAllowedSignature(header.protectionAlg ?? new Uint8Array(), policy.cmp);
  const [first, ...others] = extraCerts;
  if (first === undefined) {
    throw new CmpError(
      'badMessageCheck',
      'extraCerts must begin with the certificate that the message is signed by',
      'untrusted-signer',
    );
  }
  const certificate = decoding('the protection certificate', () => decodeCertificate(first));
  requireNamed(message, certificate);
  if (!mayProtectMessages(certificate)) {
    throw new CmpError(
      'badMessageCheck',
      'the key usage of the protection certificate lacks digitalSignature',
      'untrusted-signer',
    );
  }
  if (!verifyMessageSignature(algorithm, certificate, protectedPart(message), signature)) {
    throw new GatewayError('invalid-signature', 'the signature of the message is not valid');
  }
  const protection: Protection = { kind: 'signature', certificate, algorithm };
  onProtected(protection);
  return {
    credential: { kind: 'certificate', chain: [first, ...others], proof: 'message', chainRequired: true },
    protection: () => protection,
  };
}

function requireNamed({ header }: PkiMessage, certificate: Certificate): void {
  const { senderDirectoryName, senderKid } = header;
  const isSender =
    senderDirectoryName !== undefined &&
    decoding('the sender', () => namesEqual(senderDirectoryName, certificate.subject));
  if (!isSender) {
    throw new CmpError(
      'badMessageCheck',
      'the sender is not the subject of the first certificate of extraCerts',
      'invalid-signature',
    );
  }
  const identifier = extension(certificate, idCeSubjectKeyIdentifier);
  if (identifier === undefined) return;
  const expected = decoding('the protection certificate', () => decodeSubjectKeyIdentifier(identifier));
  if (senderKid === undefined || Buffer.compare(senderKid, expected) !== 0) {
    throw new CmpError(
      'badMessageCheck',
      'senderKID is not the subject key identifier of the first certificate of extraCerts',
      'invalid-signature',
    );
  }
}
