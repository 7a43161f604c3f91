/** Why a certification path is refused (RFC 5280 6.1): one code per family of rules, closed so that callers' tables are total. */

/**
 * `unknown-issuer` no issuer at hand · `bad-signature` an issuer of that name did not sign it · `weak-algorithm` signed with an
 * algorithm or key that is not accepted (SHA-1, unknown, short RSA) · `key-usage` an issuer may not sign certificates ·
 * `basic-constraints` an issuer is no CA · `path-length` pathLenConstraint · `key-purpose` extended key usage ·
 * `critical-extension` one that is not processed here · `too-complex` the search was given up.
 */
export type PathFailureCode =
  | 'malformed'
  | 'unknown-issuer'
  | 'bad-signature'
  | 'weak-algorithm'
  | 'expired'
  | 'not-yet-valid'
  | 'revoked'
  | 'basic-constraints'
  | 'path-length'
  | 'key-usage'
  | 'key-purpose'
  | 'name-constraints'
  | 'policy'
  | 'critical-extension'
  | 'too-complex';

/** A refused path. The message names the certificate at fault by its subject, escaped as in RFC 4514; it is for logs and traces. */
export interface PathFailure {
  readonly ok: false;
  readonly code: PathFailureCode;
  readonly message: string;
}

export function pathFailure(code: PathFailureCode, message: string): PathFailure {
  return { ok: false, code, message };
}
