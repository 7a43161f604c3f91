/** base64url without padding (RFC 7515 2). */

/** Undefined for any text but the one that these octets have. */
export function decodeBase64url(text: string): Buffer | undefined {
  const octets = Buffer.from(text, 'base64url');
  return octets.toString('base64url') === text ? octets : undefined;
}
