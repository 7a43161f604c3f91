/** fullcmc: a Full PKI Request with one PKCS #10 request, answered with a Full PKI Response (RFC 7030 4.3, RFC 5272). */

import { randomBytes } from 'node:crypto';
import type { EnrollmentRequest } from '../../src/enrollment/request.js';
import type { EnrollmentResult } from '../../src/enrollment/result.js';
import { type ErrorCode, GatewayError, isRefusal } from '../../src/errors.js';
import { parseMediaType } from '../../src/http/media-type.js';
import { retryAfter } from '../../src/http/text-answer.js';
import type { PresentedCredential } from '../../src/model/presented-credential.js';
import type { PolicyView } from '../../src/policy-view.js';
import { type Exchange, originOf, type ProtocolServices, type Reply } from '../../src/protocol.js';
import { decodeBody } from './base64.js';
import { wholeMessage } from './cmc.js';
import { type CmcFailInfo, cmcFailInfos } from './cmc-fail-info.js';
import { type CmcAction, type CmcRequest, type CmcRequester, decodeCmcRequest } from './cmc-request.js';
import { type CmcEcho, type CmcStatusInfo, encodeCmcResponse } from './cmc-response.js';
import { checkMediaType, decodePkcs10, readCredentials } from './decode.js';
import { cmcReply } from './encode.js';
import { readMessage } from './enrollment.js';
import { errorStatus, UnsupportedMediaTypeError } from './errors.js';
import { checkLinking } from './linking.js';
import { readSignedRequest } from './signed-request.js';

/** Answers a Full PKI Request; refusals too, in a Full PKI Response under their HTTP status (RFC 7030 4.3.2). */
export async function answerFullCmc(exchange: Exchange, services: ProtocolServices): Promise<Reply> {
  const policy = await readMessage(operation, exchange, services, () => services.policy(exchange.params.label));
  const respond = createResponder(exchange, services);
  let echo: CmcEcho = {};
  let bodyPartId = wholeMessage;
  try {
    const message = await readMessage(operation, exchange, services, () => decodeMessage(exchange));
    echo = message.echo;
    const { action } = message;
    if (action.type !== 'refused') bodyPartId = action.bodyPartId;
    const ask = await readMessage(operation, exchange, services, () => readAction(action, exchange, policy, services));
    const result = await ask();
    return await respond.result(result, echo, bodyPartId);
  } catch (error) {
    if (!isRefusal(error) || error instanceof UnsupportedMediaTypeError) throw error;
    const status = error instanceof CmcRefusal ? error.status : failed(error, bodyPartId);
    const reply = await respond.refusal(status, echo, errorStatus(error, policy.acceptsPasswords));
    return { ...reply, refusal: error };
  }
}

const operation = 'fullcmc';

/** What the codec has refused already, with the status that says where in the message it was. */
class CmcRefusal extends GatewayError {
  readonly status: CmcStatusInfo;

  constructor(status: CmcStatusInfo) {
    const { outcome, statusString } = status;
    const code = outcome.status === 'failed' ? codes.get(outcome.failInfo) : undefined;
    super(code ?? 'malformed-request', statusString ?? 'the Full PKI Request is refused');
    this.name = 'CmcRefusal';
    this.status = status;
  }
}

const codes: ReadonlyMap<CmcFailInfo, ErrorCode> = new Map([
  ['badAlg', 'unsupported-algorithm'],
  ['badMessageCheck', 'invalid-signature'],
  ['badIdentity', 'bad-secret'],
]);

function failed(error: GatewayError, bodyPartId: number): CmcStatusInfo {
  const outcome = { status: 'failed', failInfo: cmcFailInfos[error.code] } as const;
  return { outcome, bodyPartIds: [bodyPartId], statusString: error.message };
}

function decodeMessage({ headers, body }: Exchange): CmcRequest {
  checkMediaType(headers['content-type'], 'application/pkcs7-mime');
  const kind = parseMediaType(headers['content-type'])?.parameters.get('smime-type');
  if (kind !== undefined && kind.toLowerCase() !== 'cmc-request') {
    throw new UnsupportedMediaTypeError("the smime-type of this operation's requests is CMC-request");
  }
  return decodeCmcRequest(decodeBody(body, ['CMS', 'PKCS7']));
}

/** What the message asks of the core. @throws GatewayError */
function readAction(
  action: CmcAction,
  exchange: Exchange,
  policy: PolicyView,
  services: ProtocolServices,
): () => Promise<EnrollmentResult> {
  switch (action.type) {
    case 'refused':
      throw new CmcRefusal(action.status);
    case 'enroll': {
      const request = readEnrollment(action, exchange, policy);
      return () => services.enroll(request);
    }
    case 'poll': {
      // RFC 5272 6.13: the token is what the pending answer had in it.
      const requestId = Buffer.from(action.pendToken).toString('latin1');
      const credentials = readRequesters(action.requester, exchange);
      return () => services.poll({ ...originOf(exchange), protocol: 'est', pending: { requestId, credentials } });
    }
  }
}

type EnrollAction = Extract<CmcAction, { type: 'enroll' }>;

function readEnrollment(action: EnrollAction, exchange: Exchange, policy: PolicyView): EnrollmentRequest {
  const csr = decodePkcs10(action.certificationRequest);
  // A certificate's signature over the whole message links identity and possession already; the requested key's own does not.
  const { challengePassword: rule } = policy.est;
  const isLinked = action.requester.type === 'certificate' && rule === 'require';
  checkLinking(csr.challengePassword, isLinked ? 'check' : rule, exchange.tls);
  const credentials = readRequesters(action.requester, exchange);
  const requester = credentials.find((credential) => credential.kind === 'certificate');
  return {
    ...originOf(exchange),
    ...readSignedRequest(operation, csr, requester?.chain[0]),
    protocol: 'est',
    // A message says nowhere whether it renews; who needs the rules of renewal uses simplereenroll.
    operation: 'enroll',
    credentials,
  };
}

/** Who signed the message asks, whoever holds the TLS connection; only else the TLS client does. */
function readRequesters(requester: CmcRequester, exchange: Exchange): PresentedCredential[] {
  const credentials = readCredentials(exchange);
  if (requester.type === 'requestKey') return credentials;
  const { certificate, certificates } = requester;
  const client = exchange.tls?.clientChain[0];
  if (client !== undefined && Buffer.compare(client, certificate) === 0) return credentials;
  const others = certificates.filter((other) => Buffer.compare(other, certificate) !== 0);
  const signer = { kind: 'certificate', chain: [certificate, ...others], proof: 'message' } as const;
  return [...credentials.filter(({ kind }) => kind === 'password'), signer];
}

interface Responder {
  result(result: EnrollmentResult, echo: CmcEcho, bodyPartId: number): Promise<Reply>;
  refusal(status: CmcStatusInfo, echo: CmcEcho, http: Pick<Reply, 'status' | 'headers'>): Promise<Reply>;
}

function createResponder({ params }: Exchange, services: ProtocolServices): Responder {
  async function respond(
    status: CmcStatusInfo,
    echo: CmcEcho,
    http: Pick<Reply, 'status' | 'headers'>,
    issued: readonly Uint8Array[] = [],
  ): Promise<Reply> {
    const signer = await services.serviceKey('cmc', params.label);
    const certificates = withoutRepeats([...issued, signer.certificate, ...signer.chain]);
    const nonce = randomBytes(16);
    const signingTime = services.clock.now();
    return cmcReply(await encodeCmcResponse({ echo, status, nonce, certificates, signer, signingTime }), http);
  }

  return {
    refusal: (status, echo, http) => respond(status, echo, http),
    result(result, echo, bodyPartId) {
      const bodyPartIds = [bodyPartId];
      if (result.outcome === 'issued') {
        const { certificate, chain } = result;
        const status: CmcStatusInfo = { outcome: { status: 'success' }, bodyPartIds };
        return respond(status, echo, { status: 200, headers: {} }, [certificate, ...chain]);
      }
      const { requestId, retryAfterSeconds } = result;
      const pendTime = new Date(services.clock.now().getTime() + retryAfterSeconds * 1000);
      const outcome = { status: 'pending', pendToken: Buffer.from(requestId), pendTime } as const;
      const statusString = 'the request waits for approval; ask again later';
      const http = { status: 202, headers: retryAfter(retryAfterSeconds) };
      return respond({ outcome, bodyPartIds, statusString }, echo, http);
    },
  };
}

function withoutRepeats(certificates: readonly Uint8Array[]): Uint8Array[] {
  return [...new Map(certificates.map((der) => [Buffer.from(der).toString('latin1'), der])).values()];
}
