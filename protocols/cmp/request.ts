/** A message on its way to its answer. */

import type { GatewayError } from '../../src/errors.js';
import type { RequestOutline } from '../../src/policy-view.js';
import type { InfoTypeAndValue } from './asn1/info-type-and-value.js';
import type { BodyType } from './asn1/pki-message.js';
import type { CheckedHeader } from './header-checks.js';
import type { ReceivedMessage, Sender } from './sender.js';
import type { TransactionStore } from './store.js';

/** Its protection is good, its sender known, its header in order. */
export interface CmpRequest extends ReceivedMessage {
  readonly header: CheckedHeader;
  readonly sender: Sender;
  readonly transactions: TransactionStore;
  readonly now: Date;
  /** The senderNonce of the answer. */
  readonly answerNonce: Uint8Array;
}

/** The body of an answer, and what goes with it. */
export interface Answer {
  readonly bodyType: BodyType;
  /** DER. */
  readonly body: Uint8Array;
  readonly generalInfo?: readonly InfoTypeAndValue[];
  /** DER certificates for extraCerts, behind the protection certificate and its chain. */
  readonly certificates?: readonly Uint8Array[];
  /** In place of the new nonce, where an earlier answer is given again. */
  readonly answerNonce?: Uint8Array;
  /** What the answer refuses, for the log. */
  readonly refusal?: GatewayError;
}

/**
 * What a request of this sender has to be like, by the profile that it would get.
 * @throws GatewayError as the request would be refused for certProfile
 */
export function outlineFor({ services, exchange, sender, header }: CmpRequest): RequestOutline {
  return services.requestOutline(exchange.params.label, sender.requester, header.certProfile);
}

/** Asks the core, after all that the message alone can be refused for. @throws GatewayError */
export type Ask = () => Promise<Answer>;
