/** The names that a request without PKCS #10 asks for. */
import { GatewayError } from '../../src/errors.js';
import type { RequestedCertificate } from '../../src/model/requested-certificate.js';
import { decodeCertificate, extension } from '../../src/x509/certificate.js';
import { DerError } from '../../src/x509/der.js';
import { encodeGeneralNames, type GeneralName } from '../../src/x509/general-names.js';
import { encodeName } from '../../src/x509/names.js';
import { idCeSubjectAltName } from '../../src/x509/oids.js';
import { parseName } from '../../src/x509/parse-name.js';
import type { WantedNames } from './requests.js';

export type RequestedNames = Pick<RequestedCertificate, 'subject' | 'extensions'>;

/**
 * @param renewed DER of the certificate that is renewed: its names are taken where the request has none
 * @throws GatewayError `malformed-request`
 */
export function readRequestedNames(wanted: WantedNames, renewed: Uint8Array | undefined): RequestedNames {
  const { subject, subjectAltNames } = wanted;
  if (renewed !== undefined && subject === undefined && subjectAltNames === undefined) return namesOf(renewed);
  const alternatives = alternativeNames(wanted);
  return {
    subject: readName('subject', subject ?? ''),
    extensions: alternatives.length === 0 ? [] : [alternativesExtension(encodeAlternatives(alternatives))],
  };
}

/** DER Name. @param field where it stands @throws GatewayError `malformed-request` */
export function readName(field: string, text: string): Uint8Array {
  return reading(field, () => encodeName(parseName(text)));
}

/** In the order in which a possession proof has them. */
export function alternativeNames({ subjectAltNames }: WantedNames): AlternativeName[] {
  return kinds.flatMap((type) => (subjectAltNames?.[type] ?? []).map((value) => ({ type, value })));
}

const kinds = ['dns', 'ip', 'email', 'uri'] as const;
type AlternativeName = Extract<GeneralName, { readonly type: (typeof kinds)[number] }>;

function encodeAlternatives(alternatives: readonly GeneralName[]): Uint8Array {
  return reading('subjectAltNames', () => encodeGeneralNames(alternatives));
}

function alternativesExtension(value: Uint8Array): RequestedNames['extensions'][number] {
  return { id: idCeSubjectAltName, critical: false, value };
}

function namesOf(der: Uint8Array): RequestedNames {
  try {
    const certificate = decodeCertificate(der);
    const alternatives = extension(certificate, idCeSubjectAltName);
    return {
      subject: certificate.subject,
      extensions: alternatives === undefined ? [] : [alternativesExtension(alternatives)],
    };
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw new GatewayError('malformed-request', `the client certificate is malformed: ${error.message}`, {
      cause: error,
    });
  }
}

function reading<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof RangeError || error instanceof DerError)) throw error;
    // What the field has in it is the client's, and may be long.
    const problem = error.message.slice(0, 200);
    throw new GatewayError('malformed-request', `the field "${field}" cannot be read: ${problem}`, { cause: error });
  }
}
