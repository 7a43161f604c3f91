/** Words of ACME that configuration and policy share. */
import { isIP } from 'node:net';
import { z } from 'zod';

/** RFC 8555 8.3, 8.4; RFC 8737; draft-ietf-acme-device-attest. */
export const acmeChallengeNames = ['http-01', 'dns-01', 'tls-alpn-01', 'device-attest-01'] as const;
export const acmeChallengeSchema = z.enum(acmeChallengeNames);
export type AcmeChallenge = z.output<typeof acmeChallengeSchema>;

/** RFC 8555 9.7.7, RFC 8738 and draft-ietf-acme-device-attest. */
export const acmeIdentifierTypes = ['dns', 'ip', 'permanent-identifier', 'hardware-module'] as const;
export type AcmeIdentifierType = (typeof acmeIdentifierTypes)[number];

/**
 * What an order is about. `dns`: lower case, perhaps with `*.` in front; `ip`: as RFC 5952 and RFC 1123 write it;
 * `hardware-module`: hwType as dotted OID, a colon, and hwSerialNum in lower-case hex (RFC 4108).
 */
export interface AcmeIdentifier {
  readonly type: AcmeIdentifierType;
  readonly value: string;
}

/** A DNS server: an address, also with a port, as `192.0.2.1:53` or `[2001:db8::1]:53`. */
export const resolverSchema = z
  .string()
  .refine(isResolver, 'the address of a DNS server, such as 192.0.2.1 or [2001:db8::1]:53');

function isResolver(text: string): boolean {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([0-9.]+))(?::([0-9]{1,5}))?$/.exec(text) ?? [];
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return false;
  return isIP(text) !== 0 || isIP(bracketed ?? '') === 6 || isIP(plain ?? '') === 4;
}
