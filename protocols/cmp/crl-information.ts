/** CRLs by general message (RFC 9810 5.3.19.6 and 5.3.19.17, RFC 9483 4.3.4). */

import { hash } from 'node:crypto';
import type { CrlSource } from '../../src/enrollment/request.js';
import { GatewayError } from '../../src/errors.js';
import { decodeCertificateList } from '../../src/x509/crl.js';
import { decoding } from '../../src/x509/decoding.js';
import { type CrlStatus, decodeCrlStatusList } from './asn1/crl-status.js';
import { encodeSequenceOf } from './asn1/general-message.js';
import type { InfoTypeAndValue } from './asn1/info-type-and-value.js';
import { idItCrls, idItCurrentCrl } from './asn1/oids.js';
import { CmpError } from './errors.js';
import type { CmpRequest } from './request.js';

/** The CRL of the CA that issues under the policy; this infoType has room for one, so the first of several partitions. */
export async function currentCrl({ services, exchange }: CmpRequest): Promise<InfoTypeAndValue> {
  return { id: idItCurrentCrl, value: await services.currentCrl(exchange.params.label) };
}

/**
 * The CRL of the source, with all its partitions, as far as they are newer than the client's; no value when none is, or when
 * there is none. Sources may name the same CRL, which comes once.
 */
export async function crlUpdate(request: CmpRequest, value: Uint8Array | undefined): Promise<InfoTypeAndValue> {
  if (value === undefined) throw new CmpError('badRequest', 'crlStatusList must say which CRL is asked for');
  const statuses = decoding('crlStatusList', () => decodeCrlStatusList(value));
  const crls = new Map<string, Uint8Array>();
  for (const status of statuses) {
    for (const crl of await findNewer(request, status)) crls.set(hash('sha256', crl, 'hex'), crl);
  }
  return crls.size > 0 ? { id: idItCrls, value: encodeSequenceOf([...crls.values()]) } : { id: idItCrls };
}

async function findNewer(
  { services, exchange }: CmpRequest,
  { source, thisUpdate }: CrlStatus,
): Promise<readonly Uint8Array[]> {
  for (const wanted of sourcesOf(source)) {
    const crls = await services.crls(exchange.params.label, wanted).catch(absent);
    if (crls === undefined) continue;
    return thisUpdate === undefined ? crls : crls.filter((crl) => decodeCertificateList(crl).thisUpdate > thisUpdate);
  }
  return [];
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
