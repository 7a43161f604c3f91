/** From a decoded message to one whose sender is known and whose header is in order (RFC 9483 3.5). */

import type { GatewayError } from '../../src/errors.js';
import { originOf } from '../../src/protocol.js';
import { recordingRefused, recordRefused } from '../../src/refused-message.js';
import type { BodyType, PkiMessage } from './asn1/pki-message.js';
import type { CmpContext } from './context.js';
import { checkHeader, checkVersion } from './header-checks.js';
import { isOfDelayedRevocation } from './operation.js';
import { checkOriginals } from './original-messages.js';
import type { CmpRequest } from './request.js';
import { type Protection, readCredential, type Sender, unsigned } from './sender.js';

interface Reading {
  /** The senderNonce of the answer. */
  readonly answerNonce: Uint8Array;
  /** Is told what is looked at from now on: what is refused next is refused for that. */
  readonly onAspect: (aspect: Aspect) => void;
  /** Is told of protection that is good, also when the message is refused later. */
  readonly onProtected: (protection: Protection) => void;
}

export type Aspect = 'header' | 'protection';

/** @throws GatewayError after its audit event is committed */
export async function readRequest(message: PkiMessage, context: CmpContext, reading: Reading): Promise<CmpRequest> {
  const { exchange, services, policy } = context;
  const { bodyType } = message;
  const { answerNonce, onProtected, onAspect } = reading;
  const isOfDelayed = await isOfDelayedRevocation(message, context);
  const forRevocation = bodyType === 'rr' || isOfDelayed;
  const { credential, protection } = await recorded(bodyType, context, async () => {
    checkVersion(message.header);
    onAspect('protection');
    return readCredential({ message, policy, forRevocation }, onProtected);
  });
  const requester = await services.authenticate({
    ...originOf(exchange),
    protocol: 'cmp',
    operation: bodyType,
    credentials: [credential],
    acceptHeld: bodyType === 'rr',
    acceptRevoked: isOfDelayed,
  });
  const sender = { credential, requester, protection: protection() };
  const now = services.clock.now();
  const header = await recorded(bodyType, context, async () => {
    requireSignature(bodyType, sender);
    onAspect('header');
    const checked = checkHeader(message.header, bodyType, policy, now);
    await checkOriginals(message, context);
    return checked;
  });
  return { ...context, message, header, sender, now, answerNonce };
}

/** Does `read`; a message that it refuses goes into the audit log, because the core will never see it. */
export function recorded<T>(
  operation: string,
  { exchange, services }: Pick<CmpContext, 'exchange' | 'services'>,
  read: () => Promise<T>,
): Promise<T> {
  return recordingRefused({ protocol: 'cmp', operation, exchange }, services, read);
}

export function recordRefusal(
  operation: string,
  refusal: GatewayError,
  { exchange, services }: Pick<CmpContext, 'exchange' | 'services'>,
): Promise<void> {
  return recordRefused({ protocol: 'cmp', operation, exchange }, refusal, services);
}

/** RFC 9483 4.1.3, 4.2, 5.2.2 and RFC 9810 D.6: what these are about is proved by a certificate. */
const signedOnly: ReadonlySet<BodyType> = new Set<BodyType>(['kur', 'rr', 'ccr', 'nested']);

/** A revocation passphrase is the one secret that will do (RFC 9810 appendix B); it is looked for in nothing else. */
function requireSignature(bodyType: BodyType, { protection, requester }: Sender): void {
  if (protection.kind === 'signature' || requester.isByRevocationPassphrase || !signedOnly.has(bodyType)) return;
  throw unsigned(bodyType);
}
