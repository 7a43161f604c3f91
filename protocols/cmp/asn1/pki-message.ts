/** PKIMessage (RFC 9810 5.1), the frame: header, body, protection, certificates. The bodies have files of their own. */

import { DerError, DerReader, Tag } from '../../../src/x509/der.js';
import { bitString, explicit, sequence } from '../../../src/x509/der-writer.js';
import { readExplicit } from './building-blocks.js';
import { type PkiHeader, readPkiHeader } from './pki-header.js';

/** In the order of their tags (RFC 9810 5.1.2). */
export const bodyTypes = [
  'ir',
  'ip',
  'cr',
  'cp',
  'p10cr',
  'popdecc',
  'popdecr',
  'kur',
  'kup',
  'krr',
  'krp',
  'rr',
  'rp',
  'ccr',
  'ccp',
  'ckuann',
  'cann',
  'rann',
  'crlann',
  'pkiconf',
  'nested',
  'genm',
  'genp',
  'error',
  'certConf',
  'pollReq',
  'pollRep',
] as const;

export type BodyType = (typeof bodyTypes)[number];

export interface PkiMessage {
  readonly der: Uint8Array;
  readonly header: PkiHeader;
  /** DER PKIHeader, as received. */
  readonly headerDer: Uint8Array;
  readonly bodyType: BodyType;
  /** DER of the content, inside of the tag that tells the type. */
  readonly body: Uint8Array;
  /** DER PKIBody, that tag included. */
  readonly bodyDer: Uint8Array;
  /** The octets of the BIT STRING; absent from an unprotected message. */
  readonly protection?: Uint8Array | undefined;
  /** DER, the sender's own first (RFC 9810 5.1). */
  readonly extraCerts: readonly Uint8Array[];
}

/** Decodes a message; what it returns are views of `der`. The content of the body is not looked into. @throws DerError */
export function decodePkiMessage(der: Uint8Array): PkiMessage {
  return DerReader.decode(der, readPkiMessage);
}

/** Reads a message as the next value. */
export function readPkiMessage(reader: DerReader): PkiMessage {
  const der = reader.element(Tag.sequence);
  return DerReader.decode(der, (r) =>
    r.sequence((m) => {
      const headerDer = m.element(Tag.sequence);
      const at = m.offset;
      const bodyDer = m.element();
      const bodyType = bodyTypes[(bodyDer[0] ?? 0) & 0x1f];
      if (((bodyDer[0] ?? 0) & 0xe0) !== 0xa0 || bodyType === undefined) throw new DerError('unknown PKIBody', at);
      return {
        der,
        header: DerReader.decode(headerDer, readPkiHeader),
        headerDer,
        bodyType,
        body: DerReader.decode(bodyDer, (b) => b.inside(bodyDer[0] ?? 0, (content) => content.element())),
        bodyDer,
        protection: readExplicit(m, 0, (p) => p.bitString()),
        extraCerts: readExplicit(m, 1, readCertificates) ?? [],
      };
    }),
  );
}

/** Decodes PKIMessages: the content of a nested message (RFC 9810 5.1.3.5) and origPKIMessage (5.1.1.3). @throws DerError */
export function decodePkiMessages(der: Uint8Array): PkiMessage[] {
  const messages = DerReader.decode(der, (r) => r.each(Tag.sequence, readPkiMessage, maximumMessages));
  if (messages.length === 0) throw new DerError('empty PKIMessages', 0);
  return messages;
}

/** Encodes PKIMessages. @param messages DER */
export function encodePkiMessages(messages: readonly Uint8Array[]): Uint8Array {
  return sequence(...messages);
}

/** DER ProtectedPart: what the protection is computed over (RFC 9810 5.1.3). */
export function protectedPart({ headerDer, bodyDer }: Pick<PkiMessage, 'headerDer' | 'bodyDer'>): Uint8Array {
  return sequence(headerDer, bodyDer);
}

/** Encodes a PKIBody around the DER of its content. */
export function encodeBody(type: BodyType, content: Uint8Array): Uint8Array {
  return explicit(bodyTypes.indexOf(type), content);
}

/** Encodes a message of parts that are encoded already: the protection was computed over them. */
export function encodePkiMessage(
  message: Pick<PkiMessage, 'headerDer' | 'bodyDer' | 'protection' | 'extraCerts'>,
): Uint8Array {
  const { headerDer, bodyDer, protection, extraCerts } = message;
  return sequence(
    headerDer,
    bodyDer,
    protection && explicit(0, bitString(protection)),
    extraCerts.length > 0 ? explicit(1, sequence(...extraCerts)) : undefined,
  );
}

const maximumCertificates = 100;
const maximumMessages = 100;

/** An empty list is accepted: it says as much as none. */
function readCertificates(reader: DerReader): Uint8Array[] {
  return reader.each(Tag.sequence, (certificate) => certificate.element(Tag.sequence), maximumCertificates);
}
