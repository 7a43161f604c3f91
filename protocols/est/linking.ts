/** Linking identity and proof of possession (RFC 7030 3.5): the request was signed on this very TLS connection. */

import { timingSafeEqual } from 'node:crypto';
import { GatewayError } from '../../src/errors.js';
import type { PolicyView } from '../../src/policy-view.js';
import type { TlsClient } from '../../src/protocol.js';

/**
 * Checks the challengePassword of a request: the base64 of the connection's `tls-exporter` (RFC 9266) or, on TLS 1.2,
 * `tls-unique` value.
 * @throws GatewayError `invalid-proof-of-possession`
 */
export function checkLinking(
  challengePassword: string | undefined,
  rule: PolicyView['est']['challengePassword'],
  tls: TlsClient | undefined,
): void {
  if (rule === 'ignore') return;
  if (challengePassword === undefined) {
    if (rule === 'check') return;
    throw refusal(
      'the request must have a challengePassword that binds it to its TLS connection (RFC 7030 section 3.5)',
    );
  }
  const bindings = [tls?.channelBinding('tls-exporter'), tls?.channelBinding('tls-unique')].filter(
    (binding) => binding !== undefined,
  );
  if (bindings.length === 0) {
    throw refusal(
      'the challengePassword cannot be compared, because TLS ends before the gateway; an operator can set est.challengePassword of the policy to ignore',
    );
  }
  // Both comparisons are always made, so that the time says nothing about which kind of value came near.
  const matches = bindings.map((binding) => isEncodingOf(challengePassword, binding));
  if (!matches.includes(true)) {
    throw refusal('the challengePassword is not the channel binding value of this TLS connection');
  }
}

function isEncodingOf(text: string, binding: Uint8Array): boolean {
  const expected = Buffer.from(Buffer.from(binding).toString('base64'));
  const given = Buffer.from(text);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function refusal(message: string): GatewayError {
  return new GatewayError('invalid-proof-of-possession', message);
}
