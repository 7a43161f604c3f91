/** What a request brings beside its template: controls (RFC 4211 section 6) and registration information (section 7). */

import { decoding } from '../../src/x509/decoding.js';
import { type CertReqMsg, decodeCertRequest } from './asn1/cert-request.js';
import type { CertTemplate } from './asn1/cert-template.js';
import {
  decodeAuthenticator,
  decodePkiArchiveOptions,
  decodePkiPublicationInfo,
  decodeRegToken,
  decodeUtf8Pairs,
} from './asn1/controls.js';
import type { AttributeTypeAndValue } from './asn1/info-type-and-value.js';
import {
  idRegCtrlAuthenticator,
  idRegCtrlOldCertId,
  idRegCtrlPkiArchiveOptions,
  idRegCtrlPkiPublicationInfo,
  idRegCtrlRegToken,
  idRegInfoCertReq,
  idRegInfoUtf8Pairs,
} from './asn1/oids.js';
import type { BodyType } from './asn1/pki-message.js';
import { requireAssignable } from './cert-template-checks.js';
import { CmpError } from './errors.js';

/**
 * The text of regToken or authenticator: a secret that its subject shares with the policy besides. Both are passcodes here;
 * whether one is good once or for long is for its own limits to say.
 * @throws GatewayError also for controls that the gateway does not serve
 */
export function readPasscode({ controls }: CertReqMsg, bodyType: BodyType): string | undefined {
  const texts = controls.flatMap((control) => readControl(control, bodyType) ?? []);
  if (texts.length > 1)
    throw new CmpError('badRequest', 'one of regToken and authenticator can be checked, not several');
  return texts[0];
}

/**
 * The template to go by: id-regInfo-certReq takes the place of the one that the proof of possession covers (RFC 4211 7.2).
 * @throws GatewayError also for registration information that the gateway does not serve
 */
export function readTemplate({ certReqId, template, regInfo }: CertReqMsg): CertTemplate {
  const unknown = regInfo.find(({ id }) => id !== idRegInfoUtf8Pairs && id !== idRegInfoCertReq);
  if (unknown !== undefined) {
    throw new CmpError('badRequest', `the gateway does not serve the regInfo ${unknown.id}`, 'unsupported-operation');
  }
  for (const { value } of regInfo.filter(({ id }) => id === idRegInfoUtf8Pairs)) {
    decoding('utf8Pairs', () => decodeUtf8Pairs(value));
  }
  const [replacement, ...others] = regInfo.filter(({ id }) => id === idRegInfoCertReq);
  if (replacement === undefined) return template;
  if (others.length > 0) throw new CmpError('badRequest', 'regInfo has more than one certReq');
  const certReq = decoding('certReq in regInfo', () => decodeCertRequest(replacement.value));
  if (certReq.certReqId !== certReqId) {
    throw new CmpError(
      'badRequest',
      `the certReqId of certReq in regInfo is ${certReq.certReqId} instead of ${certReqId}`,
    );
  }
  requireAssignable(certReq.template);
  if (!isSame(certReq.template.publicKey, template.publicKey)) {
    throw new CmpError('badCertTemplate', 'certReq in regInfo has another key than the certTemplate');
  }
  return certReq.template;
}

/** The text to be checked as a passcode, if that is what the control has. */
function readControl({ id, value }: AttributeTypeAndValue, bodyType: BodyType): string | undefined {
  switch (id) {
    case idRegCtrlOldCertId:
      if (bodyType === 'kur') return undefined;
      throw new CmpError('badRequest', `oldCertID says what a kur updates; it has no place in this ${bodyType}`);
    case idRegCtrlRegToken:
      return decoding('regToken', () => decodeRegToken(value));
    case idRegCtrlAuthenticator:
      return decoding('authenticator', () => decodeAuthenticator(value));
    case idRegCtrlPkiPublicationInfo:
      checkPublication(value);
      return undefined;
    case idRegCtrlPkiArchiveOptions:
      checkArchive(value);
      return undefined;
    default:
      throw new CmpError('badRequest', `the gateway does not serve the control ${id}`, 'unsupported-operation');
  }
}

/** Advisory (RFC 4211 6.3): the gateway publishes nothing by itself. */
function checkPublication(value: Uint8Array): void {
  const { action, pubInfos } = decoding('pkiPublicationInfo', () => decodePkiPublicationInfo(value));
  if (action === 'dontPublish' && pubInfos.length > 0) {
    throw new CmpError('badRequest', 'pkiPublicationInfo says where to publish what is not to be published');
  }
  if (pubInfos.length === 1 && pubInfos[0]?.pubMethod === 'dontCare') {
    throw new CmpError('badRequest', 'pkiPublicationInfo leaves pubInfos out where it does not care');
  }
}

function checkArchive(value: Uint8Array): void {
  const options = decoding('pkiArchiveOptions', () => decodePkiArchiveOptions(value));
  if (options.type === 'archiveRemGenPrivKey' && !options.archive) return;
  throw new CmpError('badRequest', 'the gateway archives no private keys', 'unsupported-operation');
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return Buffer.compare(a, b) === 0;
}
