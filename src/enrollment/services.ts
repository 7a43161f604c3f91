/** What the enrollment flow works with; gateway.ts puts it together. */
import type { KeyObject } from 'node:crypto';
import type { Authority } from '../ca/authority.js';
import type { CrlPublisher } from '../ca/crl.js';
import type { Catalog } from '../catalog/catalog.js';
import type { Clock } from '../clock.js';
import type { PasscodeLookup } from '../keys/passcode-lookup.js';
import type { Sealing } from '../keys/sealing.js';
import type { Log } from '../log.js';
import type { MinuteCounter } from '../minute-counter.js';
import type { OutboundClient } from '../outbound/outbound-client.js';
import type { Store } from '../store/store.js';

export interface EnrollmentServices {
  readonly store: Store;
  readonly authority: Authority;
  readonly crls: CrlPublisher;
  readonly sealing: Sealing;
  readonly catalog: () => Catalog;
  readonly clock: Clock;
  readonly log: Log;
  readonly passcodeLookup: PasscodeLookup;
  /** A secret key for one purpose alone, from the key-encryption key: always the same for the same purpose. */
  readonly deriveKey: (purpose: 'acme-nonces' | 'ca-possession') => KeyObject;
  readonly outbound: OutboundClient;
  /** SPKI SHA-256 hashes, lower-case hex, of keys that are known to be compromised. */
  readonly isCompromisedKey: (fingerprint: string) => boolean;
  /** Failed authentications with a password, by remote network. */
  readonly failures: MinuteCounter;
  readonly failuresPerMinute: number;
  /** Recorded refusals of requests that nobody has authenticated, by remote network. */
  readonly refusals: MinuteCounter;
  /** Enrollments by policy. */
  readonly enrollments: MinuteCounter;
}
