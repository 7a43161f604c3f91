/** ir, cr and kur (RFC 9810 5.3.1 to 5.3.5, RFC 9483 4.1.1 to 4.1.3). */

import { decoding } from '../../src/x509/decoding.js';
import { namesEqual } from '../../src/x509/names.js';
import { type CertReqMsg, decodeCertReqMessages } from './asn1/cert-request.js';
import { decodeOldCertId } from './asn1/controls.js';
import { idRegCtrlOldCertId } from './asn1/oids.js';
import type { BodyType } from './asn1/pki-message.js';
import { readGeneratedKey } from './central-key.js';
import { checkWishes, requireAssignable } from './cert-template-checks.js';
import { challenge, repeatChallenge } from './challenge.js';
import { type CertificateWish, enroll, repeatAnswer } from './enrollment.js';
import { CmpError } from './errors.js';
import { type AssignedFields, readAssigned } from './modifications.js';
import { findRepeated } from './operation.js';
import { verifyPossession } from './proof-of-possession.js';
import { readPasscode, readTemplate } from './registration.js';
import type { Ask, CmpRequest } from './request.js';

/** @throws GatewayError */
export async function readCertificateRequest(request: CmpRequest): Promise<Ask> {
  const repeated = await findRepeated(request);
  if (repeated) {
    const isKeyGenerated = isKeyWanted(request);
    if (repeated.state === 'challenged') {
      const asked = await readWish(request);
      return () => repeatChallenge(request, asked, repeated);
    }
    return async () => repeatAnswer(request, repeated, isKeyGenerated);
  }
  const wish = await readWish(request);
  return () => (wish.outstanding === 'challengeResp' ? challenge(request, wish) : enroll(request, wish));
}

/** Whether the gateway is to make the key. @throws GatewayError */
export function isKeyWanted(request: CmpRequest): boolean {
  return withTemplates.has(request.message.bodyType) && decodeWish(request).template.publicKey === undefined;
}

const withTemplates: ReadonlySet<BodyType> = new Set<BodyType>(['ir', 'cr', 'kur']);

/** What the message asks for, in the terms of the core. @throws GatewayError */
export async function readWish(request: CmpRequest): Promise<CertificateWish> {
  const wish = decodeWish(request);
  const template = readTemplate(wish);
  const { message } = request;
  const passcode = readPasscode(wish, message.bodyType);
  const subject = checkWishes(template);
  const key = template.publicKey;
  const generateKey = key === undefined ? readGeneratedKey(request, { ...wish, template }) : undefined;
  const { requestHash, outstanding } = key ? await verifyPossession(request, wish, key) : {};
  const { notBefore, notAfter } = template.validity ?? {};
  return {
    certReqId: 0,
    answerType: message.bodyType === 'ir' ? 'ip' : message.bodyType === 'cr' ? 'cp' : 'kup',
    requested: {
      subject,
      extensions: template.extensions,
      ...(key === undefined ? {} : { subjectPublicKeyInfo: key }),
      ...(notBefore === undefined ? {} : { notBefore }),
      ...(notAfter === undefined ? {} : { notAfter }),
      ...(requestHash === undefined ? {} : { requestHash }),
    },
    ...readAssigned(request, template),
    ...(generateKey === undefined ? {} : { generateKey }),
    ...(outstanding === undefined ? {} : { outstanding }),
    ...(passcode === undefined ? {} : { passcode }),
    ...readUpdate(request, wish, passcode),
  };
}

/** Those wishes of a message, of any that asks for a certificate, that its answer has to be held against. @throws GatewayError */
export function readAssignedFields(request: CmpRequest): AssignedFields {
  if (request.message.bodyType === 'p10cr') return { notes: [] };
  return readAssigned(request, readTemplate(decodeWish(request)));
}

/** @throws GatewayError */
export function decodeWish({ message }: CmpRequest): CertReqMsg {
  const [wish, ...others] = decoding('the body', () => decodeCertReqMessages(message.body));
  if (wish === undefined || others.length > 0) throw new CmpError('badRequest', 'a message asks for one certificate');
  if (wish.certReqId !== 0) throw new CmpError('badRequest', `the certReqId is ${wish.certReqId} instead of 0`);
  requireAssignable(wish.template);
  return wish;
}

/** RFC 9483 4.1.3: what is updated is the certificate that signs the message, and oldCertID may say so. */
function readUpdate(
  { message, sender }: CmpRequest,
  { controls }: CertReqMsg,
  passcode: string | undefined,
): Pick<CertificateWish, 'isUpdate' | 'onBehalfOf'> {
  if (message.bodyType !== 'kur') return { isUpdate: false };
  if (passcode !== undefined) {
    throw new CmpError('badRequest', 'the certificate alone authenticates its update: no regToken, no authenticator');
  }
  const control = controls.find(({ id }) => id === idRegCtrlOldCertId);
  const named = control && decoding('oldCertID', () => decodeOldCertId(control.value));
  const { protection, requester } = sender;
  if (requester.isRegistrationAuthority) {
    if (named === undefined) throw new CmpError('badCertId', 'oldCertID must say which certificate is updated');
    return { isUpdate: true, onBehalfOf: named };
  }
  const isOwn =
    named === undefined ||
    (protection.kind === 'signature' &&
      protection.certificate.serialNumber === named.serialNumber &&
      decoding('oldCertID', () => namesEqual(protection.certificate.issuer, named.issuer)));
  if (!isOwn) throw new CmpError('badCertId', 'oldCertID is not the certificate that the message is signed with');
  return { isUpdate: true };
}
