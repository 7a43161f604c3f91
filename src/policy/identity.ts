/** Who makes a request, as authentication found out: the policy engine's view of it. */
import type { AcmeIdentifier } from '../model/acme.js';
import type { CredentialKind, managingKinds } from '../model/credential.js';
import type { RegisteredValues } from '../model/registered-values.js';

/** A credential that was presented and verified. */
export interface UsedCredential {
  /** Of its record; of an operator, Actor.person. */
  readonly id: string;
  readonly kind: CredentialKind | (typeof managingKinds)[number];
  readonly name: string;
  readonly username?: string;
  readonly registeredValues?: RegisteredValues;
  /** This use of it was counted before: when the account was opened that is bound to it. */
  readonly isCounted?: true;
}

/** A certificate that this gateway issued, presented by its holder. */
export interface PresentedIssuedCertificate {
  readonly der: Uint8Array;
  readonly issuerId: string;
  readonly serialNumber: string;
  readonly policy: string;
  readonly usage: string;
  readonly deviceId?: string;
  readonly notAfter: Date;
  /** The id of the certificate that has taken its place, or will once it is confirmed. */
  readonly supplantedBy?: string;
}

export interface Identity {
  /** Stable name of the requester in records: `passcode:<id>`, `certificate:<issuer>:<serial>`, `acme-account:<id>`, `api-key:<id>`, `operator:<person>`, `gateway`. */
  readonly requester: string;
  readonly credentials: readonly UsedCredential[];
  /** A certificate issued here, if one authenticated the request. */
  readonly issuedCertificate?: PresentedIssuedCertificate;
  /** DER Name of the authenticating certificate's subject, issued here or by an authentication CA. */
  readonly certificateSubject?: Uint8Array;
  /** The requester is an ACME account: it renews by asking once more, as its protocol has no other way (RFC 8555). */
  readonly isAccount?: true;
  /** What an ACME account has proved, where names that nobody has proved must not be in its certificates. */
  readonly provedIdentifiers?: readonly AcmeIdentifier[];
  /** What the device is called by the order of an ACME account: a permanent identifier, or a hardware module. */
  readonly deviceIdentifier?: string;
}
