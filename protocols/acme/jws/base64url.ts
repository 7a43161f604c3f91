/** base64url without padding (RFC 7515 2). */

/** Undefined for any text but the one that these octets have. */
export function decodeBase64url(text: string): Buffer | undefined {
  // Buffer passes over what is no base64url, and takes bits at the end that say nothing.
  const octets = Buffer.from(text, 'base64url');
  return octets.toString('base64url') === text ? octets : undefined;
}
