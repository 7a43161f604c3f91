/** genm and genp (RFC 9810 5.3.19, RFC 9483 4.3): what a client may ask besides certificates. */

import { originOf } from '../../src/protocol.js';
import { decoding } from '../../src/x509/decoding.js';
import { decodeGeneralMessage, encodeGeneralMessage, encodeOids } from './asn1/general-message.js';
import type { InfoTypeAndValue } from './asn1/info-type-and-value.js';
import {
  idItCaCerts,
  idItCaProtEncCert,
  idItCertReqTemplate,
  idItCrlStatusList,
  idItCurrentCrl,
  idItEncKeyPairTypes,
  idItPreferredSymmAlg,
  idItRevPassphrase,
  idItRootCaCert,
  idItSignKeyPairTypes,
  idItSuppLangTags,
  idItUnsupportedOids,
} from './asn1/oids.js';
import { certReqTemplate } from './cert-req-template.js';
import { crlUpdate, currentCrl } from './crl-information.js';
import { unlessWaiting, waitingError, waitStatements } from './delayed-delivery.js';
import { CmpError } from './errors.js';
import {
  caCertificates,
  encryptionCertificate,
  encryptionKeyTypes,
  languageTags,
  preferredSymmetricAlgorithm,
  rootUpdate,
  signingKeyTypes,
} from './general-information.js';
import { recorded } from './read-request.js';
import type { Answer, Ask, CmpRequest } from './request.js';
import { takePassphrase } from './revocation-passphrase.js';

/** Answers one infoType. @throws GatewayError */
type Inform = (request: CmpRequest, value: Uint8Array | undefined) => Promise<InfoTypeAndValue>;

/** @throws GatewayError */
export async function readGeneralMessage(request: CmpRequest): Promise<Ask> {
  const { services, exchange, sender } = request;
  const infos = readInfos(request);
  return await unlessWaiting(request, async () => {
    const pending = await services.requestApproval({
      ...originOf(exchange),
      protocol: 'cmp',
      operation: 'genm',
      credentials: [sender.credential],
      accompanying: (result) => waitStatements(request, 'genp', result),
    });
    return pending === undefined ? await answerInfos(request, infos) : waitingError();
  });
}

/** The answer to a genm that waited: what there is to say now. @throws GatewayError */
export function answerGeneralMessage(request: CmpRequest): Promise<Answer> {
  return answerInfos(request, readInfos(request));
}

function readInfos({ message }: CmpRequest): readonly InfoTypeAndValue[] {
  const infos = decoding('the body', () => decodeGeneralMessage(message.body));
  // What changes something is done or refused as a whole.
  if (infos.length > 1 && infos.some(({ id }) => id === idItRevPassphrase)) {
    throw new CmpError('badRequest', 'send revPassphrase in a genm of its own');
  }
  return infos;
}

function answerInfos(request: CmpRequest, infos: readonly InfoTypeAndValue[]): Promise<Answer> {
  return recorded('genm', request, () => inform(request, infos));
}

async function inform(request: CmpRequest, infos: readonly InfoTypeAndValue[]): Promise<Answer> {
  // RFC 9810 5.3.19: a client that asks for nothing gets whatever there is.
  if (infos.length === 0) return genp(await Promise.all(volunteered.map((answer) => answer(request))));
  const answers: InfoTypeAndValue[] = [];
  const unknown: string[] = [];
  for (const { id, value } of infos) {
    const informer = informers.get(id);
    if (informer) answers.push(await informer(request, value));
    else unknown.push(id);
  }
  // RFC 9810 5.3.19.7: those that are supported have their answers.
  if (unknown.length > 0) answers.push({ id: idItUnsupportedOids, value: encodeOids(unknown) });
  return genp(answers);
}

const volunteered = [caCertificates, certReqTemplate, currentCrl, signingKeyTypes, encryptionKeyTypes];

function genp(infos: readonly InfoTypeAndValue[]): Answer {
  return { bodyType: 'genp', body: encodeGeneralMessage(infos) };
}

/** For infoTypes that have no value in a request. */
function withoutValue(inform: (request: CmpRequest) => Promise<InfoTypeAndValue>): Inform {
  return (request, value) => {
    if (value !== undefined) throw new CmpError('badRequest', 'this infoType has no value in a request');
    return inform(request);
  };
}

const informers: ReadonlyMap<string, Inform> = new Map([
  [idItCaCerts, withoutValue(caCertificates)],
  [idItCaProtEncCert, withoutValue(encryptionCertificate)],
  [idItRootCaCert, rootUpdate],
  [idItCertReqTemplate, withoutValue(certReqTemplate)],
  [idItCrlStatusList, crlUpdate],
  [idItCurrentCrl, withoutValue(currentCrl)],
  [idItSignKeyPairTypes, withoutValue(signingKeyTypes)],
  [idItEncKeyPairTypes, withoutValue(encryptionKeyTypes)],
  [idItPreferredSymmAlg, withoutValue(preferredSymmetricAlgorithm)],
  [idItSuppLangTags, languageTags],
  [idItRevPassphrase, takePassphrase],
]);
