/** PKIOperation (RFC 8894 section 4.1): reads a message, verifies it, has it answered, and puts the answer into a CertRep. */

import { GatewayError, isRefusal } from '../../src/errors.js';
import type { PolicyView } from '../../src/policy-view.js';
import type { Exchange, ProtocolServices, Reply } from '../../src/protocol.js';
import { messageReader } from '../../src/refused-message.js';
import type { HashAlgorithm } from '../../src/x509/signature-algorithms.js';
import type { MessageType } from './attributes.js';
import { encodeCertRep, type Outcome } from './cert-rep.js';
import { readGetCert, readGetCrl } from './certificate-access.js';
import { readEnrollment, readPoll } from './enrollment.js';
import { type Envelope, readEnvelope } from './envelope.js';
import { failInfos } from './fail-info.js';
import { verifyMessageSigner } from './message-signer.js';
import { raKeys, scepPolicy } from './operations.js';
import { decodePkiMessage, type PkiMessage, signingTime } from './pki-message.js';
import { decodeMessage } from './query.js';
import type { Ask, VerifiedRequest } from './verified-request.js';

/**
 * Answers a message with a CertRep; refusals too, once its transaction can be read.
 * @param queryMessage the message of a GET, still escaped
 * @throws GatewayError for what is answered by an HTTP status
 */
export async function answerPkiOperation(
  exchange: Exchange,
  queryMessage: string | undefined,
  services: ProtocolServices,
): Promise<Reply> {
  const { label } = exchange.params;
  const { policy, message } = await recorded('PKIOperation', exchange, services, async () => ({
    policy: scepPolicy(services, label),
    message: decodePkiMessage(readBytes(exchange, queryMessage)),
  }));
  const [currentKey, ...earlierKeys] = await raKeys(services, label);
  const envelope = attempt(() =>
    readEnvelope(message.signedData.content ?? new Uint8Array(), [currentKey, ...earlierKeys], policy.scep.legacy),
  );
  const respond = async (outcome: Outcome): Promise<Reply> => {
    const body = await encodeCertRep({
      request: message,
      outcome,
      // Clients that know an earlier certificate only could not verify the present one.
      signer: envelope.value?.key ?? currentKey,
      digest: answerDigest(message, policy),
      signingTime: services.clock.now(),
    });
    return { status: 200, headers: messageHeaders, body };
  };
  try {
    const ask = await recorded(message.type ?? 'PKIOperation', exchange, services, () =>
      readMessage(message, envelope, policy, exchange, services),
    );
    return await respond(await ask());
  } catch (error) {
    const failInfo = error instanceof GatewayError ? failInfos[error.code] : undefined;
    if (!isRefusal(error) || failInfo === undefined) throw error;
    return { ...(await respond({ status: 'FAILURE', failInfo, text: error.message })), refusal: error };
  }
}

const messageHeaders = { 'Content-Type': 'application/x-pki-message', 'Cache-Control': 'no-store' };

function readBytes({ method, body }: Exchange, queryMessage: string | undefined): Uint8Array {
  // A HEAD would have a certificate issued that nobody gets to see.
  if (method === 'HEAD') throw new GatewayError('unsupported-operation', 'a message is sent by GET or POST');
  const bytes = method === 'POST' ? body : decodeMessage(queryMessage ?? '');
  if (bytes.length === 0) throw new GatewayError('malformed-request', 'the request has no message');
  return bytes;
}

/** A message that is refused goes into the audit log, because the core will never see it. */
const recorded = messageReader('scep');

type Attempt<T> =
  | { readonly value: T; readonly refusal?: undefined }
  | { readonly value?: undefined; readonly refusal: GatewayError };

/** Not every answer needs the envelope, and who refuses it wants to say so only after the signature is verified. */
function attempt(read: () => Envelope): Attempt<Envelope> {
  try {
    return { value: read() };
  } catch (error) {
    if (error instanceof GatewayError) return { refusal: error };
    throw error;
  }
}

async function readMessage(
  message: PkiMessage,
  envelope: Attempt<Envelope>,
  policy: PolicyView,
  exchange: Exchange,
  services: ProtocolServices,
): Promise<Ask> {
  const { type, senderNonce, signedData } = message;
  if (senderNonce === undefined) {
    throw new GatewayError('malformed-request', 'the message has no senderNonce of 1 to 64 octets');
  }
  if (type === undefined) {
    throw new GatewayError(
      'unsupported-operation',
      'the messageType must be 17 (RenewalReq), 19 (PKCSReq), 20 (CertPoll), 21 (GetCert) or 22 (GetCRL)',
    );
  }
  if (signedData.content === undefined) {
    throw new GatewayError('malformed-request', 'the message has no encrypted content');
  }
  const signer = verifyMessageSigner(message, policy.scep.legacy);
  return readers[type]({
    exchange,
    services,
    policy,
    message,
    signer,
    replayableUntil: checkSigningTime(message, policy, services.clock.now()),
    envelope() {
      if (envelope.refusal !== undefined) throw envelope.refusal;
      return envelope.value;
    },
  });
}

const readers: Readonly<Record<MessageType, (request: VerifiedRequest) => Ask | Promise<Ask>>> = {
  RenewalReq: readEnrollment,
  PKCSReq: readEnrollment,
  CertPoll: readPoll,
  GetCert: readGetCert,
  GetCRL: readGetCrl,
};

/** Returns until when a copy of the message would pass: for good when it says no time. @throws GatewayError `stale-message` */
function checkSigningTime(message: PkiMessage, { scep }: PolicyView, now: Date): Date {
  const signed = signingTime(message);
  if (signed === undefined) return endOfTime;
  const tolerance = scep.clockTolerance * 1000;
  if (Math.abs(signed.getTime() - now.getTime()) > tolerance) {
    throw new GatewayError(
      'stale-message',
      `the message was signed at ${seconds(signed)} by the client's clock, too far from ${seconds(now)} by the gateway's`,
    );
  }
  return new Date(signed.getTime() + tolerance);
}

/** The last moment that a Date can hold. */
const endOfTime = new Date(8_640_000_000_000_000);

function seconds(moment: Date): string {
  return moment.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** The request's own, where it may be used: a client that sends it can read it. */
function answerDigest({ signer }: PkiMessage, { scep }: PolicyView): HashAlgorithm {
  const { digest = 'sha256' } = signer;
  return digest === 'sha1' && !scep.legacy ? 'sha256' : digest;
}
