/** What the operations inside PKIOperation work with, and what they give back. */

import type { PolicyView } from '../../src/policy-view.js';
import type { Exchange, ProtocolServices } from '../../src/protocol.js';
import type { Outcome } from './cert-rep.js';
import type { Envelope } from './envelope.js';
import type { MessageSigner } from './message-signer.js';
import type { PkiMessage } from './pki-message.js';

/** A message whose signature and time have been verified. */
export interface VerifiedRequest {
  readonly exchange: Exchange;
  readonly services: ProtocolServices;
  readonly policy: PolicyView;
  readonly message: PkiMessage;
  readonly signer: MessageSigner;
  /** Until when a copy of the message would pass. */
  readonly replayableUntil: Date;
  /** @throws GatewayError when the message has none that can be opened */
  envelope(): Envelope;
}

/** Asks the core, after all that the message alone can be refused for. @throws GatewayError */
export type Ask = () => Promise<Exclude<Outcome, { status: 'FAILURE' }>>;
