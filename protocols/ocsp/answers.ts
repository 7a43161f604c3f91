/**
 * Signs answers, and gives one that was signed before to who asks again: as long as the certificate's status is the same, which
 * is looked up each time, and the answer is young (RFC 6960 2.5, RFC 5019 2.2.4).
 */

import type { CertificateStatus } from '../../src/ca-view.js';
import { GatewayError } from '../../src/errors.js';
import type { ProtocolServices } from '../../src/protocol.js';
import type { OcspResponder } from '../../src/service-key.js';
import type { CertId, OcspRequest } from '../../src/x509/ocsp-request.js';
import { type CertStatus, encodeBasicResponse, encodeResponseData } from '../../src/x509/ocsp-response.js';

export interface Answer {
  /** DER OCSPResponse. */
  readonly der: Uint8Array;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** Of HTTP caches, in seconds. */
  readonly maximumAge: number;
}

type Services = Pick<ProtocolServices, 'certificateStatus' | 'ocspResponder' | 'clock'>;

/** Some 20 MB. What was never issued is not among them: there is no end of such serial numbers. */
const maximumKept = 10_000;

/** Signatures under way at once: RSA keys make about a thousand in a second, and who waits longer has given up. */
const maximumSigning = 500;

/**
 * Returns what answers a request.
 * @throws GatewayError `not-found` when none of the certificates is of a CA that answers here, `rate-limited` while too many
 * answers are being signed, `unavailable`
 */
export function createAnswers(services: Services): (request: OcspRequest) => Promise<Answer> {
  const kept = new Map<string, Kept>();
  const underWay = new Map<string, Promise<Answer>>();
  let signing = 0;

  async function sign(content: Content, responder: OcspResponder): Promise<Answer> {
    if (signing >= maximumSigning) {
      throw new GatewayError('rate-limited', 'too many answers are being signed; ask again in a moment');
    }
    signing++;
    try {
      return await signAnswer(content, responder);
    } finally {
      signing--;
    }
  }

  async function signOnce(content: Content, responder: OcspResponder, { certId, state }: Same): Promise<Answer> {
    const known = kept.get(certId);
    if (known?.state === state && isYoung(known.answer, content.at)) {
      // The last used one is the last to go.
      kept.delete(certId);
      kept.set(certId, known);
      return known.answer;
    }
    const key = `${certId}:${state}`;
    const shared = underWay.get(key);
    if (shared !== undefined) return await shared;
    const turn = sign(content, responder).finally(() => underWay.delete(key));
    underWay.set(key, turn);
    const answer = await turn;
    kept.delete(certId);
    const [oldest] = kept.keys();
    if (kept.size >= maximumKept && oldest !== undefined) kept.delete(oldest);
    kept.set(certId, { state, answer });
    return answer;
  }

  return async ({ certIds, nonce }) => {
    // Before the records are read: what is signed was so at this time, whatever comes in between.
    const at = services.clock.now();
    const found = await Promise.all(certIds.map((certId) => services.certificateStatus(certId)));
    const generation = found.find((status) => status !== undefined)?.generation;
    if (generation === undefined) {
      throw new GatewayError('not-found', 'no certificate of the request is of a CA that is answered for here');
    }
    const responder = await services.ocspResponder(generation);
    // Another generation's certificates are for that one's responder to speak of (RFC 6960 4.2.2.2).
    const statuses = found.map((status) => (status?.generation === generation ? status : unknown));
    const content: Content = { certIds, statuses, at, ...(nonce === undefined ? {} : { nonce }) };
    const same = nonce === undefined ? sameness(certIds, statuses, responder) : undefined;
    return same === undefined ? await sign(content, responder) : await signOnce(content, responder, same);
  };
}

interface Kept {
  readonly state: string;
  readonly answer: Answer;
}

type Said = CertStatus & Pick<CertificateStatus, 'isUnissued'>;

interface Content {
  readonly certIds: readonly CertId[];
  /** In their order. */
  readonly statuses: readonly Said[];
  readonly at: Date;
  readonly nonce?: Uint8Array;
}

const unknown: Said = { status: 'unknown' };

/** What has to be the same for the same answer. */
interface Same {
  readonly certId: string;
  readonly state: string;
}

/** Undefined for what is not worth keeping. */
function sameness(
  [certId, ...others]: readonly CertId[],
  [status]: readonly Said[],
  { keyHash, validity }: OcspResponder,
): Same | undefined {
  if (certId === undefined || status === undefined || others.length > 0) return undefined;
  if (status.status === 'unknown' || status.isUnissued) return undefined;
  const since = status.status === 'revoked' ? `${status.revokedAt.getTime()}:${status.reason}` : '';
  return { certId: hex(certId.der), state: `${status.status}:${since}:${hex(keyHash)}:${validity}` };
}

function isYoung({ thisUpdate, nextUpdate }: Answer, at: Date): boolean {
  const age = at.getTime() - thisUpdate.getTime();
  return age >= 0 && age * 2 < nextUpdate.getTime() - thisUpdate.getTime();
}

async function signAnswer({ certIds, statuses, at, nonce }: Content, responder: OcspResponder): Promise<Answer> {
  const { keyHash, signatureAlgorithm, certificate, validity, maximumAge, notAfter } = responder;
  const thisUpdate = new Date(Math.floor(at.getTime() / 1000) * 1000);
  // No answer outlives the certificate that it is verified with.
  const nextUpdate = new Date(Math.min(thisUpdate.getTime() + validity * 1000, notAfter.getTime()));
  const data = encodeResponseData({
    responderKeyHash: keyHash,
    producedAt: thisUpdate,
    responses: certIds.map(({ der }, i) => ({ certId: der, status: statuses[i] ?? unknown, thisUpdate, nextUpdate })),
    ...(nonce === undefined ? {} : { nonce }),
    hasExtendedRevoke: statuses.some(({ isUnissued }) => isUnissued),
  });
  const signature = await responder.sign(data, 'sha256');
  return {
    der: encodeBasicResponse(data, signatureAlgorithm, signature, certificate),
    thisUpdate,
    nextUpdate,
    maximumAge,
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
