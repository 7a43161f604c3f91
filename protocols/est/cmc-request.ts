/** RFC 5272 section 3.2: opens a Full PKI Request, verifies who signed it and says what it asks for. */

import { CmsError } from '../../src/cms/cms-error.js';
import { decodeSignedData, type SignedData, type SignerInfo } from '../../src/cms/signed-data.js';
import { findSignerCertificate, verifySigner } from '../../src/cms/verify-signed-data.js';
import { GatewayError } from '../../src/errors.js';
import { DerError, DerReader } from '../../src/x509/der.js';
import { findExtension } from '../../src/x509/extensions.js';
import { idCeSubjectKeyIdentifier } from '../../src/x509/oids.js';
import { decodeCertificationRequest } from '../../src/x509/pkcs10.js';
import { importPublicKey, subjectKeyIdentifier, UnsupportedKeyError } from '../../src/x509/public-key.js';
import {
  decodePkiData,
  idCctPkiData,
  idCmcDataReturn,
  idCmcIdentityProof,
  idCmcIdentityProofV2,
  idCmcQueryPending,
  idCmcSenderNonce,
  idCmcTransactionId,
  type PkiData,
  wholeMessage,
} from './cmc.js';
import { type KnownControl, type KnownControls, readControls } from './cmc-controls.js';
import type { CmcFailInfo } from './cmc-fail-info.js';
import type { CmcEcho, CmcStatusInfo } from './cmc-response.js';

/** Who signed the request. Whether a certificate is trusted is for others to say. */
export type CmcRequester =
  | {
      readonly type: 'certificate';
      /** DER. */
      readonly certificate: Uint8Array;
      /** DER: all that came with the message. */
      readonly certificates: readonly Uint8Array[];
    }
  /** The key that the certificate is asked for: says nothing of who holds it. */
  | { readonly type: 'requestKey' };

export type CmcAction =
  | {
      readonly type: 'enroll';
      readonly bodyPartId: number;
      /** DER, PKCS #10; its own signature is still to be verified. */
      readonly certificationRequest: Uint8Array;
      readonly requester: CmcRequester;
    }
  | {
      readonly type: 'poll';
      readonly bodyPartId: number;
      readonly pendToken: Uint8Array;
      readonly requester: CmcRequester;
    }
  /** To be answered with this status. */
  | { readonly type: 'refused'; readonly status: CmcStatusInfo };

export interface CmcRequest {
  readonly echo: CmcEcho;
  readonly action: CmcAction;
}

/**
 * Reads a Full PKI Request, in DER or BER. What is wrong in it becomes an action of type refused, so that the answer
 * can repeat the transaction; only what is no such request at all is thrown.
 * @throws GatewayError malformed-request
 */
export function decodeCmcRequest(body: Uint8Array): CmcRequest {
  const { signedData, data } = readMessage(body);
  const controls = readControls(data.controls);
  return { echo: echoOf(controls), action: decideAction(signedData, data, controls) };
}

function readMessage(body: Uint8Array): { signedData: SignedData; data: PkiData } {
  try {
    const signedData = decodeSignedData(body);
    if (signedData.contentType !== idCctPkiData || signedData.content === undefined) {
      throw new GatewayError('malformed-request', 'the message is not a Full PKI Request');
    }
    return { signedData, data: decodePkiData(signedData.content) };
  } catch (error) {
    if (!(error instanceof CmsError || error instanceof DerError)) throw error;
    throw new GatewayError('malformed-request', 'the message is not a Full PKI Request', { cause: error });
  }
}

function echoOf({ byType }: KnownControls): CmcEcho {
  const transactionId = byType.get(idCmcTransactionId)?.value;
  const senderNonce = byType.get(idCmcSenderNonce)?.value;
  const dataReturn = byType.get(idCmcDataReturn)?.value;
  return {
    ...(transactionId === undefined ? {} : { transactionId }),
    ...(senderNonce === undefined ? {} : { senderNonce }),
    ...(dataReturn === undefined ? {} : { dataReturn }),
  };
}

function decideAction(signedData: SignedData, data: PkiData, controls: KnownControls): CmcAction {
  const requester = verifyRequester(signedData, data);
  if ('status' in requester) return requester;
  if (controls.refused.length > 0) {
    return refused('badRequest', controls.refused, 'a control is not supported or malformed');
  }
  const unsupported = data.requests.filter(({ type }) => type !== 'pkcs10').map(({ bodyPartId }) => bodyPartId);
  if (unsupported.length > 0) {
    const statusString = 'certification requests other than PKCS #10 are not supported';
    return {
      type: 'refused',
      status: { outcome: { status: 'noSupport' }, bodyPartIds: unsupported, statusString },
    };
  }
  const queryPending = controls.byType.get(idCmcQueryPending);
  return queryPending === undefined
    ? decideEnrollment(data, controls, requester)
    : decidePoll(data, queryPending, requester);
}

function decidePoll({ requests }: PkiData, { bodyPartId, value }: KnownControl, requester: CmcRequester): CmcAction {
  if (requests.length > 0) {
    return refused('badRequest', [bodyPartId], 'a query for a pending request comes without other requests');
  }
  return { type: 'poll', bodyPartId, pendToken: value, requester };
}

function decideEnrollment(data: PkiData, { byType }: KnownControls, requester: CmcRequester): CmcAction {
  const [request, ...more] = data.requests;
  if (request === undefined) return refused('badRequest', [wholeMessage], 'there is no certification request');
  if (request.type !== 'pkcs10' || more.length > 0) {
    const bodyPartIds = data.requests.map(({ bodyPartId }) => bodyPartId);
    return refused('badRequest', bodyPartIds, 'a message may hold one certification request');
  }
  // The gateway keeps no passcode in a form that a MAC could be computed with.
  const proof = byType.get(idCmcIdentityProofV2) ?? byType.get(idCmcIdentityProof);
  if (proof !== undefined) {
    const statusString = 'an identity proof by shared secret is not accepted; use HTTP authentication';
    return refused('badIdentity', [proof.bodyPartId], statusString);
  }
  return { type: 'enroll', bodyPartId: request.bodyPartId, certificationRequest: request.der, requester };
}

type Refusal = Extract<CmcAction, { type: 'refused' }>;

function refused(failInfo: CmcFailInfo, bodyPartIds: readonly number[], statusString: string): Refusal {
  return { type: 'refused', status: { outcome: { status: 'failed', failInfo }, bodyPartIds, statusString } };
}

/** Section 3.2.1.3.4: a signature that fails is badMessageCheck for body part 0. */
function verifyRequester(signedData: SignedData, data: PkiData): CmcRequester | Refusal {
  const [signer, ...more] = signedData.signers;
  if (signer === undefined || more.length > 0) {
    return refused('badMessageCheck', [wholeMessage], 'a message has exactly one signer');
  }
  try {
    const found = findRequester(signedData, signer, data);
    if (found === undefined) {
      return refused('badMessageCheck', [wholeMessage], "the signer's certificate is not in the message");
    }
    if (verifySigner(signedData, signer, importPublicKey(found.subjectPublicKeyInfo))) return found.requester;
    return refused('badMessageCheck', [wholeMessage], 'the signature of the message is not valid');
  } catch (error) {
    if (error instanceof DerError) {
      return refused('badMessageCheck', [wholeMessage], "the signer's certificate or attributes are malformed");
    }
    if (error instanceof UnsupportedKeyError || error instanceof CmsError) {
      return refused('badAlg', [wholeMessage], 'the signature algorithm of the message is not supported');
    }
    throw error;
  }
}

function findRequester(
  signedData: SignedData,
  signer: SignerInfo,
  data: PkiData,
): { requester: CmcRequester; subjectPublicKeyInfo: Uint8Array } | undefined {
  const certificate = findSignerCertificate(signedData, signer);
  if (certificate !== undefined) {
    const { certificates } = signedData;
    return {
      requester: { type: 'certificate', certificate: certificate.der, certificates },
      subjectPublicKeyInfo: certificate.subjectPublicKeyInfo,
    };
  }
  const [request] = data.requests;
  if (request?.type !== 'pkcs10' || signer.identifier.type !== 'subjectKeyIdentifier') return undefined;
  const { subjectPublicKeyInfo, extensions } = decodeCertificationRequest(request.der);
  const requested = findExtension(extensions, idCeSubjectKeyIdentifier)?.value;
  // The extension is mandatory here (section 3.2), but a key's own identifier is as good.
  const identifier =
    requested === undefined
      ? subjectKeyIdentifier(subjectPublicKeyInfo)
      : DerReader.decode(requested, (reader) => reader.octetString());
  if (Buffer.compare(identifier, signer.identifier.subjectKeyIdentifier) !== 0) return undefined;
  return { requester: { type: 'requestKey' }, subjectPublicKeyInfo };
}
