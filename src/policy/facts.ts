/** Everything that a decision needs to know, loaded before it, so that deciding itself is pure. */

import type { Device } from '../model/device.js';
import type { DeviceGroup } from '../model/device-group.js';
import type { CertificateUsage, Policy } from '../model/policy.js';
import type { NameConstraints } from '../x509/name-constraints.js';
import type { KeyAlgorithm } from '../x509/public-key.js';
import type { CompiledProfile } from './compile-profile.js';

/** The CA generation that would sign. */
export interface IssuerFacts {
  readonly id: string;
  readonly keyAlgorithm: KeyAlgorithm;
  readonly notBefore: Date;
  /** Of its own certificate, or of one above it that ends before. */
  readonly notAfter: Date;
  readonly backdateSeconds: number;
  readonly issueIntermediates: boolean;
  /** How many CAs may follow below it, by its own certificate and those above it; absent when unlimited. */
  readonly pathLength?: number;
  /** URL of the CA's certification practice statement. */
  readonly cps?: string;
  /** Of its own certificate and of those above it: what it issues has to keep them all. */
  readonly nameConstraints: readonly NameConstraints[];
}

/** A certificate on record. */
export interface KnownCertificate {
  readonly issuerId: string;
  readonly serialNumber: string;
  readonly policy: string;
  readonly usage: CertificateUsage;
  readonly deviceId?: string;
  readonly subject: Uint8Array;
  readonly status: 'valid' | 'held' | 'revoked';
  readonly revocationReason?: string;
  readonly notAfter: Date;
  /** `Identity.requester` of who asked for it. */
  readonly requester: string;
}

export interface Facts {
  readonly policy: Policy;
  readonly usage: CertificateUsage;
  readonly profile: CompiledProfile;
  readonly issuer: IssuerFacts;
  /** The group that the label names, else the one that new devices of the policy join. */
  readonly group: DeviceGroup;
  /** Whether the label names the group: then only its devices may enroll. */
  readonly isGroupNamed: boolean;
  /** The device on record. */
  readonly device?: Device;
  /** The name under which the device is, or would be, registered. */
  readonly deviceName?: string;
  /** What the certificate being re-enrolled says; its DER is decoded by the rules that need it. */
  readonly replaces?: KnownCertificate & { readonly der: Uint8Array };
  /** Certificates, of any state, with the requested key. */
  readonly sameKey: readonly KnownCertificate[];
  /** Valid certificates of this device under this policy and for this usage; needed unless duplicates are allowed. */
  readonly sameDevice: readonly KnownCertificate[];
  /** Needed where the policy limits them. */
  readonly validCertificatesOfPolicy?: number;
  /** Needed where the policy limits them and the device is on record. */
  readonly validCertificatesOfDevice?: number;
  /** Given keyFingerprint's hex. */
  readonly isCompromisedKey: (fingerprint: string) => boolean;
  /** Whether a CA of the hierarchy has this subject, a DER Name. */
  readonly isCaSubject: (subject: Uint8Array) => boolean;
  /** Set when a person has approved the request. */
  readonly approved: boolean;
}
