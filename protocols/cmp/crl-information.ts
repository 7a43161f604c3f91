/** CRLs by general message (RFC 9810 5.3.19.6 and 5.3.19.17, RFC 9483 4.3.4). */

import type { CrlSource } from '../../src/enrollment/request.js';
import { GatewayError } from '../../src/errors.js';
import { decodeCertificateList } from '../../src/x509/crl.js';
import { type CrlStatus, decodeCrlStatusList } from './asn1/crl-status.js';
import { encodeSequenceOf } from './asn1/general-message.js';
import type { InfoTypeAndValue } from './asn1/info-type-and-value.js';
import { idItCrls, idItCurrentCrl } from './asn1/oids.js';
import { CmpError, decoding } from './errors.js';
import type { CmpRequest } from './request.js';

/** The CRL of the CA that issues under the policy. */
export async function currentCrl({ services, exchange }: CmpRequest): Promise<InfoTypeAndValue> {
  return { id: idItCurrentCrl, value: await services.currentCrl(exchange.params.label) };
}

/** The CRL of the source if it is newer than the client's; no value when it is not, or when there is none. */
export async function crlUpdate(request: CmpRequest, value: Uint8Array | undefined): Promise<InfoTypeAndValue> {
  if (value === undefined) throw new CmpError('badRequest', 'crlStatusList must say which CRL is asked for');
  const statuses = decoding('crlStatusList', () => decodeCrlStatusList(value));
  const crls: Uint8Array[] = [];
  for (const status of statuses) {
    const crl = await findNewer(request, status);
    if (crl) crls.push(crl);
  }
  return crls.length > 0 ? { id: idItCrls, value: encodeSequenceOf(crls) } : { id: idItCrls };
}

async function findNewer(
  { services, exchange }: CmpRequest,
  { source, thisUpdate }: CrlStatus,
): Promise<Uint8Array | undefined> {
  for (const wanted of sourcesOf(source)) {
    const crl = await services.currentCrl(exchange.params.label, wanted).catch(absent);
    if (crl === undefined) continue;
    const isNewer = thisUpdate === undefined || decodeCertificateList(crl).thisUpdate > thisUpdate;
    return isNewer ? crl : undefined;
  }
  return undefined;
}

function sourcesOf(source: CrlStatus['source']): CrlSource[] {
  if (source.type === 'relativeName') return [];
  return source.names.flatMap((name): CrlSource[] => {
    if (source.type === 'distributionPoint') return name.type === 'uri' ? [{ url: name.value }] : [];
    return name.type === 'directoryName' ? [{ issuer: name.value }] : [];
  });
}

function absent(error: unknown): undefined {
  if (error instanceof GatewayError && error.code === 'not-found') return undefined;
  throw error;
}
