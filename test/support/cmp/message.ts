/** Makes PKIMessages (RFC 9810 5.1), wrong ones included, without anything of protocols/cmp. */
import { type KeyObject, randomBytes } from 'node:crypto';
import { type Certificate, decodeCertificate, extension } from '../../../src/x509/certificate.js';
import { bitString, explicit, sequence } from '../../../src/x509/der-writer.js';
import { decodeSubjectKeyIdentifier } from '../../../src/x509/extensions.js';
import { idCeSubjectKeyIdentifier } from '../../../src/x509/oids.js';
import { flipped } from '../flipped.js';
import { encodeHeader, generalName, type HeaderField, type HeaderFields } from './header.js';
import { type BodyType, bodyTags } from './identifiers.js';
import { computeMac, type MacWish, macIdentifier } from './macs.js';
import { type SignatureName, signatureIdentifier, signWith, usualSignature } from './signatures.js';

/** What a client protects its messages with. */
export type CmpCredential =
  | {
      readonly kind: 'mac';
      /** The senderKID; the common name of the sender says it as well (RFC 9483 3.1). */
      readonly reference: string;
      readonly secret: string | Uint8Array;
      readonly algorithm?: MacWish;
    }
  | {
      readonly kind: 'certificate';
      /** DER, the one that signs first: what extraCerts has. */
      readonly chain: readonly Uint8Array[];
      readonly privateKey: KeyObject;
      readonly algorithm?: SignatureName;
    }
  | { readonly kind: 'none' };

/** How a message differs from what a well-behaved client sends. */
export interface MessageWish {
  readonly credential?: CmpCredential;
  readonly header?: Partial<HeaderFields>;
  /** DER in place of a header field's value. */
  readonly rawHeader?: Partial<Record<HeaderField, Uint8Array>>;
  readonly omit?: readonly (HeaderField | 'protection' | 'extraCerts')[];
  /** DER certificates. */
  readonly extraCerts?: readonly Uint8Array[];
  /** Flips a bit of the MAC or signature. */
  readonly isDamaged?: boolean;
  /** The octets of the protection, in place of those computed. */
  readonly protection?: Uint8Array;
  /** Put in place of the header and body that were protected. */
  readonly afterwards?: { readonly header?: Partial<HeaderFields>; readonly body?: Uint8Array };
}

/** A message, with what its answer is held against. */
export interface SentMessage {
  readonly der: Uint8Array;
  readonly bodyType: BodyType;
  readonly pvno: number;
  /** DER GeneralName. */
  readonly sender: Uint8Array;
  /** Undefined where it has none, or none that is one. */
  readonly transactionId: Uint8Array | undefined;
  readonly senderNonce: Uint8Array | undefined;
  readonly credential: CmpCredential;
}

export interface MessageOptions extends MessageWish {
  readonly bodyType: BodyType;
  /** DER of what is inside of the body's tag. */
  readonly content: Uint8Array;
  readonly now: Date;
}

export function makeMessage(options: MessageOptions): SentMessage {
  const { bodyType, content, now, credential = { kind: 'none' }, omit = [], rawHeader = {}, afterwards } = options;
  const fields: HeaderFields = {
    pvno: 2,
    recipient: '',
    messageTime: now,
    transactionId: randomBytes(16),
    senderNonce: randomBytes(16),
    ...identityOf(credential),
    ...options.header,
  };
  const header = encodeHeader(fields, omit, rawHeader);
  const body = explicit(bodyTags[bodyType], content);
  const computed = options.protection ?? protect(credential, fields.protectionAlg, sequence(header, body));
  const protection = computed && bitString(options.isDamaged ? flipped(computed) : computed);
  const extraCerts = options.extraCerts ?? (credential.kind === 'certificate' ? credential.chain : []);
  const der = sequence(
    afterwards?.header ? encodeHeader({ ...fields, ...afterwards.header }, omit, rawHeader) : header,
    afterwards?.body ? explicit(bodyTags[bodyType], afterwards.body) : body,
    protection && !omit.includes('protection') ? explicit(0, protection) : undefined,
    extraCerts.length === 0 || omit.includes('extraCerts') ? undefined : explicit(1, sequence(...extraCerts)),
  );
  const isAsSaid = (field: HeaderField) => !omit.includes(field) && rawHeader[field] === undefined;
  return {
    der,
    bodyType,
    pvno: fields.pvno,
    sender: rawHeader.sender ?? generalName(fields.sender),
    transactionId: isAsSaid('transactionId') ? fields.transactionId : undefined,
    senderNonce: isAsSaid('senderNonce') ? fields.senderNonce : undefined,
    credential,
  };
}

/** The octets of a secret. */
export function secretOf(secret: string | Uint8Array): Uint8Array {
  return typeof secret === 'string' ? Buffer.from(secret, 'utf8') : secret;
}

/** The value of the extension, where a certificate has it. */
export function subjectKeyIdOf(certificate: Certificate): Uint8Array | undefined {
  const value = extension(certificate, idCeSubjectKeyIdentifier);
  return value && decodeSubjectKeyIdentifier(value);
}

/** RFC 9483 3.1: sender, senderKID and protectionAlg. */
function identityOf(credential: CmpCredential): Pick<HeaderFields, 'sender' | 'senderKid' | 'protectionAlg'> {
  if (credential.kind === 'none') return { sender: '' };
  if (credential.kind === 'mac') {
    const { reference, algorithm = { type: 'pbm' } } = credential;
    const sender = `CN=${reference.replace(/[,+"\\<>;=#]/g, '\\$&')}`;
    return { sender, senderKid: Buffer.from(reference), protectionAlg: macIdentifier(algorithm) };
  }
  const { chain, privateKey, algorithm = usualSignature(privateKey) } = credential;
  const certificate = decodeCertificate(chain[0] ?? new Uint8Array());
  const senderKid = subjectKeyIdOf(certificate);
  return {
    sender: generalName(explicit(4, certificate.subject)),
    ...(senderKid && { senderKid }),
    protectionAlg: signatureIdentifier(algorithm),
  };
}

function protect(
  credential: CmpCredential,
  algorithm: Uint8Array | undefined,
  data: Uint8Array,
): Uint8Array | undefined {
  if (credential.kind === 'none' || algorithm === undefined) return undefined;
  if (credential.kind === 'mac') return computeMac(algorithm, secretOf(credential.secret), data);
  return signWith(algorithm, credential.privateKey, data);
}
