/** Nonces (RFC 8555 6.5): they prove themselves, so that each process on a database knows all of them, and are good once. */
import { createHmac, randomFillSync, timingSafeEqual } from 'node:crypto';
import { GatewayError } from '../../src/errors.js';
import type { ProtocolServices } from '../../src/protocol.js';
import { decodeBase64url } from './jws/base64url.js';
import { AcmeError } from './problem.js';
import { createNonceStore } from './store/nonces.js';

/** A nonce that was made here and is not too old; it may have been used. */
export interface GenuineNonce {
  /** Without its authentication code. */
  readonly octets: Uint8Array;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

export interface Nonces {
  /** A fresh one, base64url. */
  issue(): string;
  /** Looks at the nonce alone, which costs nearly nothing. @throws AcmeError `badNonce`; `malformed` for what is not base64url */
  read(nonce: string | undefined): GenuineNonce;
  /** @throws AcmeError `badNonce` when it has been used */
  use(nonce: GenuineNonce): Promise<void>;
  removeExpired(now: Date): Promise<void>;
}

export function createNonces({
  database,
  clock,
  commit,
  deriveKey,
}: Pick<ProtocolServices, 'database' | 'clock' | 'commit' | 'deriveKey'>): Nonces {
  const store = createNonceStore(database);
  const key = deriveKey('acme-nonces');
  const codeOf = (octets: Uint8Array) => createHmac('sha256', key).update(octets).digest().subarray(0, codeOctets);
  return {
    issue() {
      const nonce = Buffer.allocUnsafe(nonceOctets + codeOctets);
      nonce.writeUInt32BE(Math.floor(clock.now().getTime() / 1000));
      randomFillSync(nonce, timeOctets, nonceOctets - timeOctets);
      nonce.set(codeOf(nonce.subarray(0, nonceOctets)), nonceOctets);
      return nonce.toString('base64url');
    },
    read(nonce) {
      if (nonce === undefined) throw badNonce('the protected header must have a "nonce"');
      const octets = decodeBase64url(nonce);
      if (octets === undefined) throw new AcmeError('malformed', 'the nonce is not base64url without padding');
      if (octets.length !== nonceOctets + codeOctets) throw badNonce('the nonce is none of this server');
      const unproved = octets.subarray(0, nonceOctets);
      if (!timingSafeEqual(codeOf(unproved), octets.subarray(nonceOctets))) {
        throw badNonce('the nonce is none of this server');
      }
      const issuedAt = octets.readUInt32BE() * 1000;
      const now = clock.now().getTime();
      if (now >= issuedAt + lifetime || now < issuedAt - clockDifference) throw badNonce('the nonce is too old');
      return { octets: Uint8Array.from(unproved), expiresAt: issuedAt + lifetime };
    },
    async use({ octets, expiresAt }) {
      try {
        // Kept for longer than it is good: the process that removes it may be ahead of one that would take it again.
        await commit([store.use({ nonce: octets, expiresAt: expiresAt + clockDifference })]);
      } catch (error) {
        if (!(error instanceof GatewayError) || error.code !== 'stale-message') throw error;
        throw badNonce('the nonce has been used');
      }
    },
    removeExpired: (now) => commit([store.removeExpired({ now: now.getTime() })]),
  };
}

/** Seconds since the epoch, then random octets. */
const nonceOctets = 16;
const timeOctets = 4;
/** Of HMAC-SHA-256. */
const codeOctets = 16;
const lifetime = 15 * 60_000;
/** How far the clocks of two processes may be apart. */
const clockDifference = 60_000;

/** The answer brings another one, and clients try again with it. */
function badNonce(detail: string): AcmeError {
  return new AcmeError('badNonce', `${detail}; use the one of this answer`);
}
