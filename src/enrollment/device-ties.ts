/** What a device is tied to in a protocol's own state, and what ends that when the device is compromised. */
import type { Statement } from '../store/change.js';
import type { ProtocolEvent } from './request.js';

/** What ties a device to state of a protocol's own. */
export interface DeviceTies {
  /** The device's, unique in its division. */
  readonly name: string;
  /** The names of its division's policies. */
  readonly policies: readonly string[];
  /** `Requester.id` of those who have asked for its certificates over the protocol. */
  readonly requesters: readonly string[];
  /** The ids of the credentials that are bound to it, revoked ones too. */
  readonly credentials: readonly string[];
}

/** What ends them, for one commit, and what is to be told of that; no events where nothing is left of them. */
export interface EndedTies {
  readonly statements: readonly Statement[];
  readonly events: readonly ProtocolEvent[];
}
