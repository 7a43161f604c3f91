/** Certificate management policy (short: policy): who gets which certificate from which CA, and how. */
import { z } from 'zod';
import { acmeChallengeNames, acmeChallengeSchema, resolverSchema } from './acme.js';
import { durationSchema } from './duration.js';
import { generatedKeyTypeSchema } from './key-constraints.js';
import { nameSchema, policyNameSchema } from './label.js';
import {
  messageMacNames,
  messageMacSchema,
  messageSignatureNames,
  messageSignatureSchema,
} from './message-protection.js';
import { networkSchema } from './network.js';
import { methodSchema } from './protocol-name.js';

/** What a certificate is for; `service` certificates are the gateway's own and never configured. */
export const profileUsages = ['bootstrap', 'operational', 'intermediate'] as const;
export type ProfileUsage = (typeof profileUsages)[number];
export type CertificateUsage = ProfileUsage | 'service';

const scepSchema = z.strictObject({
  /** The CA certificates of GetCACert and CertRep: the issuing CA's own, those below the root, or all. */
  chain: z.enum(['issuer', 'withoutRoot', 'full']).default('full'),
  /** Whether CertRep has CA certificates at all: some clients want them there, others take no answer that has any. */
  chainInReply: z.boolean().default(true),
  /** Announces triple DES and SHA-1, and takes SHA-1 and single DES, for clients that know nothing better. */
  legacy: z.boolean().default(false),
  /** How far a message's signingTime, where it has one, may be from the gateway's time. */
  clockTolerance: durationSchema.default(86_400),
});

const cmpSchema = z.strictObject({
  /** How long a certificate may go unconfirmed before it is revoked. */
  confirmWait: durationSchema.refine((seconds) => seconds > 0, 'a time longer than none').default(300),
  /** Whether a client that asks for it need not confirm its certificate. */
  implicitConfirm: z.boolean().default(true),
  /** Whether a key that is in a certificate already may be certified again. */
  keyReuse: z.boolean().default(false),
  /** Whether a message has to say when it was made. */
  requireMessageTime: z.boolean().default(true),
  /** How far a message's time may be from the gateway's. */
  clockTolerance: durationSchema.default(300),
  /** What messages may be protected with. HMAC-SHA1 is a MAC that still holds; openssl uses no other by default. */
  macAlgorithms: z.array(messageMacSchema).default([...messageMacNames]),
  signatureAlgorithms: z.array(messageSignatureSchema).default([...messageSignatureNames]),
  /** Takes SHA-1 where it does not hold: in signatures, and where a key is made from a secret by PasswordBasedMac. */
  legacy: z.boolean().default(false),
  /** Whether answers bring the root's certificate as well, for devices that have nothing to check it by but the message. */
  includeRoot: z.boolean().default(true),
  /** Credentials of the authentication policy (certificates and CAs) whose holders, with cmcRA, may speak for devices. */
  registrationAuthorities: z.array(nameSchema).default([]),
  /** Those of CAs that may be certified as a CA. */
  crossCertify: z.array(nameSchema).default([]),
  /**
   * Messages that wait for people as certificate requests do under `approval`, for one person where that is automatic: for PKIs
   * where revocation needs a second pair of eyes, answers that people prepare, and conformance tests.
   */
  approve: z.array(z.enum(['rr', 'genm'])).default([]),
});

const acmePortSchema = z.int().min(1).max(65_535);

const acmeSchema = z.strictObject({
  /** What has to be proved before a certificate: the identifiers, by challenges; that there is an external account; or both. */
  authorization: z.enum(['challenges', 'externalAccount', 'both']).default('challenges'),
  /** The challenges that are offered, as far as they suit the identifier. */
  challenges: z
    .array(acmeChallengeSchema)
    .min(1)
    .default([...acmeChallengeNames]),
  /** How long an order may stay open. */
  orderLifetime: durationSchema.refine((seconds) => seconds >= 60, 'a time of 1m or more').default(7 * 86_400),
  /** For how long an identifier that was proved needs no other proof. */
  authorizationLifetime: durationSchema.refine((seconds) => seconds >= 60, 'a time of 1m or more').default(7 * 86_400),
  /** DNS servers to ask, each with or without a port; those of the system, if none. */
  resolvers: z.array(resolverSchema).default([]),
  /** Where http-01 and tls-alpn-01 are answered; 80 and 443, but for tests. */
  httpPort: acmePortSchema.default(80),
  tlsPort: acmePortSchema.default(443),
  /** Networks that validation may reach although they are denied by default, such as 127.0.0.0/8. */
  allowedNetworks: z.array(networkSchema).default([]),
  /** Networks that it may not reach in any case. */
  deniedNetworks: z.array(networkSchema).default([]),
  /** What CAA records (RFC 8659) call this CA; they are not looked at where this is empty. */
  caaIdentities: z.array(z.string().regex(/^[a-z0-9.-]+$/, 'a domain name in lower case')).default([]),
  /** What clients have to agree to. */
  termsOfService: z.url().optional(),
  website: z.url().optional(),
  /** How many in one hour. */
  limits: z
    .strictObject({
      /** Accounts opened from one network: an IPv4 address, or an IPv6 network of 64 bits. */
      accountsPerAddress: z.int().min(1).default(1000),
      /** At any time, not in one hour: those of an account whose challenges nobody has answered yet. */
      pendingAuthorizationsPerAccount: z.int().min(1).default(300),
      ordersPerAccount: z.int().min(1).optional(),
      /** Authorizations for one identifier, of all accounts. */
      authorizationsPerIdentifier: z.int().min(1).optional(),
    })
    .default({ accountsPerAddress: 1000, pendingAuthorizationsPerAccount: 300 }),
});

export const policySchema = z.strictObject({
  name: policyNameSchema,
  description: z.string().optional(),
  division: nameSchema,
  enabled: z.boolean().default(true),
  /** The policy of enrollment URLs without a label; at most one. */
  default: z.boolean().default(false),
  authenticationPolicy: nameSchema,
  profiles: z
    .array(z.strictObject({ usage: z.enum(profileUsages), profile: nameSchema }))
    .min(1)
    .refine((all) => new Set(all.map((p) => p.usage)).size === all.length, 'one profile for each usage'),
  issuingCa: nameSchema,
  methods: z.array(methodSchema).min(1),
  /** Who may make the key pair. `gateway` is what serverkeygen and its like need. */
  keyGeneration: z
    .array(z.enum(['device', 'gateway']))
    .min(1)
    .default(['device']),
  /** The key that the gateway makes when the request does not say. */
  generatedKey: generatedKeyTypeSchema.default('ec-p256'),
  approval: z.enum(['automatic', 'manual', 'two-people']).default('automatic'),
  /** How long a request may wait for approval. */
  approvalTimeout: durationSchema.default(7 * 86_400),
  /** How long a device is told to wait between two looks at a pending request. */
  pollInterval: durationSchema.default(60),
  /** `registered`: only devices already in the inventory; `just-in-time`: others are registered at their first certificate. */
  devices: z.enum(['registered', 'just-in-time']).default('just-in-time'),
  /** The group of devices registered just in time when the label names none. */
  defaultGroup: nameSchema,
  /** What happens when a valid certificate with the same subject and usage exists already. Re-enrollment is no duplicate. */
  duplicates: z.enum(['allow', 'refuse', 'revoke-previous']).default('allow'),
  /** Whether re-enrollment may change the names by the ChangeSubjectName attribute (RFC 6402). */
  changeSubjectName: z.boolean().default(false),
  limits: z
    .strictObject({
      /** Valid certificates under this policy. */
      certificates: z.int().min(1).optional(),
      /** Valid certificates of one device under this policy. */
      certificatesPerDevice: z.int().min(1).optional(),
      /** Enrollments under this policy in one minute. */
      perMinute: z.int().min(1).optional(),
    })
    .default({}),
  est: z
    .strictObject({
      /** RFC 7030 3.5: a challengePassword bound to the TLS connection is checked if present, demanded, or not looked at. */
      challengePassword: z.enum(['check', 'require', 'ignore']).default('check'),
    })
    .default({ challengePassword: 'check' }),
  scep: scepSchema.default(scepSchema.parse({})),
  cmp: cmpSchema.default(cmpSchema.parse({})),
  acme: acmeSchema.default(acmeSchema.parse({})),
});
export type Policy = z.output<typeof policySchema>;
