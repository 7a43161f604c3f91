/** The values of controls (RFC 4211 section 6) and registration information (section 7). id-regInfo-certReq: cert-request.ts. */

import { DerError, DerReader, Tag } from '../../../src/x509/der.js';
import { readExplicit, readUtf8String } from './building-blocks.js';
import { type CertId, readCertId } from './cert-id.js';
import { type EncryptedKey, readEncryptedKey } from './encrypted-key.js';
import { readGeneralNameElement } from './pki-header.js';

/** Section 6.5. @throws DerError also when the issuer is no directoryName */
export function decodeOldCertId(value: Uint8Array): CertId {
  return DerReader.decode(value, readCertId);
}

/** Section 6.1: the one-time text that a registration token is. @throws DerError */
export function decodeRegToken(value: Uint8Array): string {
  return DerReader.decode(value, readUtf8String);
}

/** Section 6.2: the text of an authenticator. @throws DerError */
export function decodeAuthenticator(value: Uint8Array): string {
  return DerReader.decode(value, readUtf8String);
}

/** Section 6.3. */
export interface PkiPublicationInfo {
  readonly action: 'dontPublish' | 'pleasePublish';
  /** Empty says nothing but the action; it must be when nothing is to be published, which is not checked. */
  readonly pubInfos: readonly SinglePubInfo[];
}

export interface SinglePubInfo {
  readonly pubMethod: (typeof pubMethods)[number];
  /** DER GeneralName. */
  readonly pubLocation?: Uint8Array | undefined;
}

/** @throws DerError also for an action or a method that is unknown */
export function decodePkiPublicationInfo(value: Uint8Array): PkiPublicationInfo {
  return DerReader.decode(value, (r) =>
    r.sequence((p) => ({
      action: readNamed(p, actions),
      pubInfos: p.more ? p.each(Tag.sequence, readSinglePubInfo, maximumPubInfos) : [],
    })),
  );
}

/** Section 6.4. */
export type PkiArchiveOptions =
  | { readonly type: 'encryptedPrivKey'; readonly encryptedKey: EncryptedKey }
  | { readonly type: 'keyGenParameters'; readonly parameters: Uint8Array }
  | { readonly type: 'archiveRemGenPrivKey'; readonly archive: boolean };

/** @throws DerError */
export function decodePkiArchiveOptions(value: Uint8Array): PkiArchiveOptions {
  return DerReader.decode(value, (r) => {
    const encryptedKey = readExplicit(r, 0, readEncryptedKey);
    if (encryptedKey !== undefined) return { type: 'encryptedPrivKey', encryptedKey };
    if (r.tag === Tag.contextPrimitive(1)) {
      return { type: 'keyGenParameters', parameters: r.octetString(Tag.contextPrimitive(1)) };
    }
    return { type: 'archiveRemGenPrivKey', archive: r.boolean(Tag.contextPrimitive(2)) };
  });
}

/** Section 7.1: `Name?Value%Name?Value%`, with `?` and `%` inside of them written as %3f and %25. @throws DerError */
export function decodeUtf8Pairs(value: Uint8Array): [name: string, value: string][] {
  const text = DerReader.decode(value, readUtf8String);
  // The end of a value is a percent sign that does not begin an escape; the last one is left out by some.
  const pairs = text.split(/%(?!3f|25)/i).filter((pair) => pair.length > 0);
  return pairs.map((pair) => {
    const at = pair.indexOf('?');
    if (at <= 0) throw new DerError('malformed utf8Pairs', 0);
    return [unescaped(pair.slice(0, at)), unescaped(pair.slice(at + 1))];
  });
}

const actions = ['dontPublish', 'pleasePublish'] as const;
const pubMethods = ['dontCare', 'x500', 'web', 'ldap'] as const;
const maximumPubInfos = 32;

function readSinglePubInfo(reader: DerReader): SinglePubInfo {
  return reader.sequence((s) => ({
    pubMethod: readNamed(s, pubMethods),
    pubLocation: s.more ? readGeneralNameElement(s) : undefined,
  }));
}

function readNamed<Name extends string>(reader: DerReader, names: readonly Name[]): Name {
  const at = reader.offset;
  const name = names[reader.smallInteger()];
  if (name === undefined) throw new DerError('unknown number', at);
  return name;
}

function unescaped(text: string): string {
  return text.replace(/%(3f|25)/gi, (_, code: string) => (code === '25' ? '%' : '?'));
}
