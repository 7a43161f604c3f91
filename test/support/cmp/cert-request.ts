/** CertReqMessages (RFC 4211 3) as a client makes them. */
import type { X509Certificate } from 'node:crypto';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { explicit, oid, sequence, smallInteger, unsignedInteger, utf8String } from '../../../src/x509/der-writer.js';
import type { Extension } from '../../../src/x509/extensions.js';
import { encodeGeneralNames, type GeneralName } from '../../../src/x509/general-names.js';
import { idCeSubjectAltName } from '../../../src/x509/oids.js';
import { type KeyPair, spkiOf } from '../make-csr.js';
import { encodeTemplate, type TemplateField, type TemplateFields } from './cert-template.js';
import { distinguishedName, type TypedValue } from './header.js';
import { type RegistrationId, registrationIds } from './identifiers.js';
import { makePossession, type PossessionWish } from './possession.js';

/** What is to be certified, and how it is asked for. */
export interface CertificateWish {
  /** Absent where the server is to make it. */
  readonly key?: KeyPair;
  /** RFC 4514 text or DER Name; default: CN=device-1. */
  readonly subject?: string | Uint8Array;
  readonly alternatives?: readonly GeneralName[];
  readonly extensions?: readonly Extension[];
  /** Whatever else the CertTemplate is to have. */
  readonly template?: TemplateFields;
  readonly omitFromTemplate?: readonly TemplateField[];
  readonly controls?: readonly Registration[];
  readonly regInfo?: readonly Registration[];
  /** Default: 0. */
  readonly certReqId?: number;
  /** Default: a signature where there is a key. */
  readonly possession?: PossessionWish;
}

export interface Registration extends TypedValue {
  /** A name, or an object identifier in dotted digits. */
  readonly type: RegistrationId | (string & {});
}

/** DER CertReqMsg */
export function makeCertReqMsg(wish: CertificateWish): Uint8Array {
  const { key, possession = { kind: key === undefined ? 'none' : 'signature' }, regInfo = [] } = wish;
  const request = makeCertRequest(wish);
  return sequence(
    request,
    makePossession(possession, request, key),
    regInfo.length === 0 ? undefined : sequence(...regInfo.map(encodeRegistration)),
  );
}

/** DER CertRequest, which regInfo can hold as well. */
export function makeCertRequest(wish: CertificateWish): Uint8Array {
  const { controls = [], certReqId = 0 } = wish;
  return sequence(
    integer(certReqId),
    encodeTemplate(templateOf(wish)),
    controls.length === 0 ? undefined : sequence(...controls.map(encodeRegistration)),
  );
}

/** INTEGER of one octet, negative ones too. */
export function integer(value: number): Uint8Array {
  return value < 0 ? Uint8Array.of(2, 1, value & 0xff) : smallInteger(value);
}

/** RFC 4211 6.5; a serial number in hex takes the place of the certificate's, RFC 4514 text that of its issuer. */
export function oldCertId(
  certificate: X509Certificate | Uint8Array,
  instead: { readonly serialNumber?: string; readonly issuer?: string } = {},
): Registration {
  const { issuer, serialNumber } = decodeCertificate(certificate instanceof Uint8Array ? certificate : certificate.raw);
  const name = explicit(4, distinguishedName(instead.issuer ?? issuer));
  const serial = unsignedInteger(Buffer.from(instead.serialNumber ?? serialNumber, 'hex'));
  return { type: 'oldCertID', value: sequence(name, serial) };
}

/** RFC 4211 6.1 and 6.2 */
export function textControl(type: 'regToken' | 'authenticator', text: string): Registration {
  return { type, value: utf8String(text) };
}

/** RFC 4211 6.3: 0 is dontPublish, 1 pleasePublish. */
export function publicationInfo(action: number, ...methods: readonly number[]): Registration {
  const infos = methods.map((method) => sequence(smallInteger(method)));
  return {
    type: 'pkiPublicationInfo',
    value: sequence(smallInteger(action), infos.length ? sequence(...infos) : undefined),
  };
}

function templateOf(wish: CertificateWish): TemplateFields {
  const { key, subject = 'CN=device-1', alternatives = [], extensions = [], template, omitFromTemplate = [] } = wish;
  const all = [...alternativesExtension(alternatives), ...extensions];
  const fields: TemplateFields = {
    subject,
    ...(key && { publicKey: spkiOf(key) }),
    ...(all.length > 0 && { extensions: all }),
    ...template,
  };
  const isLeft = ([name]: [string, unknown]) => omitFromTemplate.every((omitted) => omitted !== name);
  return Object.fromEntries(Object.entries(fields).filter(isLeft));
}

function alternativesExtension(names: readonly GeneralName[]): Extension[] {
  return names.length === 0 ? [] : [{ id: idCeSubjectAltName, critical: false, value: encodeGeneralNames(names) }];
}

function encodeRegistration({ type, value }: Registration): Uint8Array {
  return sequence(oid(Object.entries(registrationIds).find(([name]) => name === type)?.[1] ?? type), value);
}
