/** Reads what a server's bodies say (RFC 9810 5.3) with asn1js into plain data. */
import { X509Certificate } from 'node:crypto';
import { type BaseBlock, BitString, Integer, Null } from 'asn1js';
import { sequence } from '../../../src/x509/der-writer.js';
import { octetsOf, originalOf, partsOf, smallIntegerOf } from '../asn1-values.js';
import { hexOf, infoOf, insideOf, isContext, isUniversal, type ReadInfo, textsOf } from './blocks.js';
import { type BodyType, type FailInfo, failInfos, type PkiStatus, pkiStatuses } from './identifiers.js';
import type { CmpMessage } from './read-message.js';

export interface StatusInfo {
  readonly status: PkiStatus;
  readonly texts: readonly string[];
  readonly failInfo: readonly FailInfo[];
}

export interface CertResponse {
  readonly certReqId: number;
  readonly status: StatusInfo;
  readonly certificate?: X509Certificate;
  /** DER EnvelopedData. */
  readonly encryptedCert?: Uint8Array;
  /** DER EncryptedValue, the older form. */
  readonly encryptedCertValue?: Uint8Array;
  readonly privateKey?: Uint8Array;
}

export interface Challenge {
  /** DER AlgorithmIdentifier. */
  readonly owf?: Buffer;
  readonly witness: Buffer;
  readonly challenge: Buffer;
  /** DER EnvelopedData. */
  readonly encryptedRand?: Buffer;
}

export interface CertId {
  /** DER GeneralName. */
  readonly issuer: Buffer;
  /** Lower-case hex. */
  readonly serialNumber: string;
}

export type CmpBody =
  | {
      readonly type: 'ip' | 'cp' | 'kup' | 'ccp';
      readonly caPubs: readonly X509Certificate[];
      readonly responses: readonly CertResponse[];
    }
  | {
      readonly type: 'rp';
      readonly statuses: readonly StatusInfo[];
      readonly revCerts: readonly CertId[];
      /** DER. */
      readonly crls: readonly Buffer[];
    }
  | {
      readonly type: 'error';
      readonly status: StatusInfo;
      readonly errorCode?: number;
      readonly details: readonly string[];
    }
  | { readonly type: 'genm' | 'genp'; readonly infos: readonly ReadInfo[] }
  | {
      readonly type: 'pollRep';
      /** checkAfter in seconds. */
      readonly polls: readonly { readonly certReqId: number; readonly checkAfter: number; readonly reason: string[] }[];
    }
  | { readonly type: 'popdecc'; readonly challenges: readonly Challenge[] }
  | { readonly type: 'nested'; readonly messages: readonly CmpMessage[] }
  | { readonly type: 'pkiconf' }
  /** DER of those that a server does not send. */
  | { readonly type: Exclude<BodyType, ServerBody>; readonly content: Buffer };

type ServerBody =
  | 'ip'
  | 'cp'
  | 'kup'
  | 'ccp'
  | 'rp'
  | 'error'
  | 'genm'
  | 'genp'
  | 'pollRep'
  | 'popdecc'
  | 'nested'
  | 'pkiconf';

/** @param readNested reads the PKIMessages of a nested body */
export function readBody(
  type: BodyType,
  content: BaseBlock | undefined,
  readNested: (block: BaseBlock) => CmpMessage,
): CmpBody {
  if (content === undefined) throw new Error('an empty body');
  switch (type) {
    case 'ip':
    case 'cp':
    case 'kup':
    case 'ccp':
      return { type, ...readCertRepMessage(content) };
    case 'rp':
      return { type, ...readRevRep(content) };
    case 'error': {
      const [status, ...more] = partsOf(content);
      const errorCode = more.find((one) => one instanceof Integer);
      const details = more.find((one) => !(one instanceof Integer));
      return {
        type,
        status: readStatus(status),
        ...(errorCode && { errorCode: smallIntegerOf(errorCode) }),
        details: textsOf(details),
      };
    }
    case 'genm':
    case 'genp':
      return { type, infos: partsOf(content).map(infoOf) };
    case 'pollRep':
      return { type, polls: partsOf(content).map(readPoll) };
    case 'popdecc':
      return { type, challenges: partsOf(content).map(readChallenge) };
    case 'nested':
      return { type, messages: partsOf(content).map(readNested) };
    case 'pkiconf':
      if (!(content instanceof Null)) throw new Error('a pkiconf that is not NULL');
      return { type };
    default:
      return { type, content: originalOf(content) };
  }
}

/** PKIStatusInfo (RFC 9810 5.2.3). */
function readStatus(block: BaseBlock | undefined): StatusInfo {
  const [number, ...more] = partsOf(block);
  const status = pkiStatuses[smallIntegerOf(number)];
  if (status === undefined) throw new Error('no PKIStatus');
  const bits = more.find((one) => one instanceof BitString);
  const octets = bits === undefined ? Buffer.alloc(0) : octetsOf(bits);
  return {
    status,
    texts: textsOf(more.find((one) => !(one instanceof BitString))),
    failInfo: failInfos.filter((_name, bit) => ((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0),
  };
}

/** RFC 9810 5.3.4 */
function readCertRepMessage(content: BaseBlock) {
  const parts = partsOf(content);
  const caPubs = insideOf(parts, 1);
  return {
    caPubs: caPubs === undefined ? [] : partsOf(caPubs).map((one) => new X509Certificate(originalOf(one))),
    responses: partsOf(parts.at(-1)).map(readCertResponse),
  };
}

function readCertResponse(block: BaseBlock): CertResponse {
  const [certReqId, status, pair] = partsOf(block);
  const response = { certReqId: smallIntegerOf(certReqId), status: readStatus(status) };
  // rspInfo, an OCTET STRING, has this place where there is no pair.
  if (pair === undefined || !isUniversal(pair, 16)) return response;
  const [certificateOrEncrypted, ...more] = partsOf(pair);
  const alternatives = certificateOrEncrypted === undefined ? [] : [certificateOrEncrypted];
  const certificate = insideOf(alternatives, 0);
  const encrypted = insideOf(alternatives, 1);
  const privateKey = insideOf(more, 0);
  return {
    ...response,
    ...(certificate && { certificate: new X509Certificate(originalOf(certificate)) }),
    ...(encrypted &&
      (isUniversal(encrypted, 16)
        ? { encryptedCertValue: originalOf(encrypted) }
        : { encryptedCert: envelopeOf(encrypted) })),
    ...(privateKey && { privateKey: envelopeOf(privateKey) }),
  };
}

/** EncryptedKey (RFC 4211 2.1) in its newer form: the EnvelopedData is IMPLICIT [0]. */
function envelopeOf(block: BaseBlock): Uint8Array {
  if (!isContext(block, 0)) throw new Error('an EncryptedKey that is no EnvelopedData');
  return sequence(...partsOf(block).map(originalOf));
}

/** RFC 9810 5.3.10 */
function readRevRep(content: BaseBlock) {
  const [statuses, ...more] = partsOf(content);
  const [revCerts, crls] = [insideOf(more, 0), insideOf(more, 1)];
  return {
    statuses: partsOf(statuses).map(readStatus),
    revCerts: revCerts === undefined ? [] : partsOf(revCerts).map(readCertId),
    crls: crls === undefined ? [] : partsOf(crls).map(originalOf),
  };
}

function readCertId(block: BaseBlock): CertId {
  const [issuer, serial] = partsOf(block);
  if (issuer === undefined) throw new Error('no CertId');
  return { issuer: originalOf(issuer), serialNumber: hexOf(serial) };
}

/** RFC 9810 5.3.22 */
function readPoll(block: BaseBlock) {
  const [certReqId, checkAfter, reason] = partsOf(block);
  return { certReqId: smallIntegerOf(certReqId), checkAfter: smallIntegerOf(checkAfter), reason: textsOf(reason) };
}

/** RFC 9810 5.2.8.3.3 */
function readChallenge(block: BaseBlock): Challenge {
  const parts = partsOf(block);
  const owf = parts.find((part) => isUniversal(part, 16));
  const [witness, challenge] = parts.filter((part) => isUniversal(part, 4));
  const encryptedRand = insideOf(parts, 0);
  return {
    ...(owf && { owf: originalOf(owf) }),
    witness: octetsOf(witness),
    challenge: octetsOf(challenge),
    ...(encryptedRand && { encryptedRand: originalOf(encryptedRand) }),
  };
}
