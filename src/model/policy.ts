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
  chain: z
    .enum(['issuer', 'withoutRoot', 'full'])
    .default('full')
    .describe("the CA certificates of GetCACert and CertRep: the issuing CA's own, those below the root, or all"),
  chainInReply: z
    .boolean()
    .default(true)
    .describe(
      'whether CertRep has CA certificates at all: some clients want them there, others take no answer that has any',
    ),
  legacy: z
    .boolean()
    .default(false)
    .describe('announces triple DES and SHA-1, and takes SHA-1 and single DES, for clients that know nothing better'),
  clockTolerance: durationSchema
    .default(86_400)
    .describe("how far a message's signingTime, where it has one, may be from the gateway's time"),
});

const cmpSchema = z.strictObject({
  confirmWait: durationSchema
    .refine((seconds) => seconds > 0, 'a time longer than none')
    .default(300)
    .describe('how long a certificate may go unconfirmed before it is revoked'),
  implicitConfirm: z
    .boolean()
    .default(true)
    .describe('whether a client that asks for it need not confirm its certificate'),
  keyReuse: z
    .boolean()
    .default(false)
    .describe('whether a key that is in a certificate already may be certified again'),
  requireMessageTime: z.boolean().default(true).describe('whether a message has to say when it was made'),
  clockTolerance: durationSchema.default(300).describe("how far a message's time may be from the gateway's"),
  macAlgorithms: z
    .array(messageMacSchema)
    .default([...messageMacNames])
    .describe(
      'what messages may be protected with. HMAC-SHA1 is a MAC that still holds; openssl uses no other by default',
    ),
  signatureAlgorithms: z.array(messageSignatureSchema).default([...messageSignatureNames]),
  legacy: z
    .boolean()
    .default(false)
    .describe(
      'takes SHA-1 where it does not hold: in signatures, and where a key is made from a secret by PasswordBasedMac',
    ),
  includeRoot: z
    .boolean()
    .default(true)
    .describe(
      "whether answers bring the root's certificate as well, for devices that have nothing to check it by but the message",
    ),
  registrationAuthorities: z
    .array(nameSchema)
    .default([])
    .describe(
      'credentials of the authentication policy (certificates and CAs) whose holders, with cmcRA, may speak for devices',
    ),
  crossCertify: z.array(nameSchema).default([]).describe('those of CAs that may be certified as a CA'),
  /**
   * Messages that wait for people as certificate requests do under `approval`, for one person where that is automatic: for PKIs
   * where revocation needs a second pair of eyes, answers that people prepare, and conformance tests.
   */
  approve: z.array(z.enum(['rr', 'genm'])).default([]),
});

const acmePortSchema = z.int().min(1).max(65_535);

const acmeSchema = z.strictObject({
  authorization: z
    .enum(['challenges', 'externalAccount', 'both'])
    .default('challenges')
    .describe(
      'what has to be proved before a certificate: the identifiers, by challenges; that there is an external account; or both',
    ),
  /** The challenges that are offered, as far as they suit the identifier. */
  challenges: z
    .array(acmeChallengeSchema)
    .min(1)
    .default([...acmeChallengeNames]),
  orderLifetime: durationSchema
    .refine((seconds) => seconds >= 60, 'a time of 1m or more')
    .default(7 * 86_400)
    .describe('how long an order may stay open'),
  authorizationLifetime: durationSchema
    .refine((seconds) => seconds >= 60, 'a time of 1m or more')
    .default(7 * 86_400)
    .describe('for how long an identifier that was proved needs no other proof'),
  resolvers: z
    .array(resolverSchema)
    .default([])
    .describe('DNS servers to ask, each with or without a port; those of the system, if none'),
  httpPort: acmePortSchema
    .default(80)
    .describe('where http-01 and tls-alpn-01 are answered; 80 and 443, but for tests'),
  tlsPort: acmePortSchema.default(443),
  allowedNetworks: z
    .array(networkSchema)
    .default([])
    .describe('networks that validation may reach although they are denied by default, such as 127.0.0.0/8'),
  deniedNetworks: z.array(networkSchema).default([]).describe('networks that it may not reach in any case'),
  caaIdentities: z
    .array(z.string().regex(/^[a-z0-9.-]+$/, 'a domain name in lower case'))
    .default([])
    .describe('what CAA records (RFC 8659) call this CA; they are not looked at where this is empty'),
  termsOfService: z.url().optional().describe('what clients have to agree to'),
  website: z.url().optional(),
  /** How many in one hour. */
  limits: z
    .strictObject({
      accountsPerAddress: z
        .int()
        .min(1)
        .default(1000)
        .describe('accounts opened from one network: an IPv4 address, or an IPv6 network of 64 bits'),
      pendingAuthorizationsPerAccount: z
        .int()
        .min(1)
        .default(300)
        .describe('at any time, not in one hour: those of an account whose challenges nobody has answered yet'),
      ordersPerAccount: z.int().min(1).optional(),
      authorizationsPerIdentifier: z
        .int()
        .min(1)
        .optional()
        .describe('authorizations for one identifier, of all accounts'),
    })
    .default({ accountsPerAddress: 1000, pendingAuthorizationsPerAccount: 300 }),
});

export const policySchema = z.strictObject({
  name: policyNameSchema,
  description: z.string().optional(),
  division: nameSchema,
  enabled: z.boolean().default(true).describe('a disabled policy issues nothing'),
  default: z.boolean().default(false).describe('whether it is the policy of URLs without a label; at most one is'),
  authenticationPolicy: nameSchema
    .optional()
    .describe('which credentials open it; may be absent only where every method is rest, batch or portal'),
  profiles: z
    .array(z.strictObject({ usage: z.enum(profileUsages), profile: nameSchema }))
    .min(1)
    .refine((all) => new Set(all.map((p) => p.usage)).size === all.length, 'one profile for each usage'),
  issuingCa: nameSchema.describe('the certificate authority that its certificates come from'),
  methods: z.array(methodSchema).min(1).describe('the ways in which a certificate can be asked for'),
  keyGeneration: z
    .array(z.enum(['device', 'gateway']))
    .min(1)
    .default(['device'])
    .describe('who may make the key pair; `gateway` is what serverkeygen and its like need'),
  generatedKey: generatedKeyTypeSchema
    .default('ec-p256')
    .describe('the key that the gateway makes when the request does not say'),
  approval: z
    .enum(['automatic', 'manual', 'two-people'])
    .default('automatic')
    .describe('whether people have to approve requests'),
  approvalTimeout: durationSchema
    .default(7 * 86_400)
    .describe('how long a request may wait for approval, and after that for its device'),
  pollInterval: durationSchema
    .default(60)
    .describe('how long a device is told to wait between two looks at a pending request'),
  devices: z
    .enum(['registered', 'just-in-time'])
    .default('just-in-time')
    .describe('whether unknown devices are registered at their first certificate, or refused'),
  defaultGroup: nameSchema.describe('the group of devices registered just in time when the label names none'),
  duplicates: z
    .enum(['allow', 'refuse', 'revoke-previous'])
    .default('allow')
    .describe(
      'what happens when a valid certificate with the same subject and usage exists already; re-enrollment is no duplicate',
    ),
  revokeReplaced: z
    .strictObject({
      after: durationSchema.describe('how long the device may go on with the certificate that it has renewed'),
    })
    .optional()
    .describe(
      'revokes (superseded) certificates of devices that were renewed; absent, they stay valid to their end. Those of CAs do',
    ),
  changeSubjectName: z
    .boolean()
    .default(false)
    .describe('whether re-enrollment may change names by the ChangeSubjectName attribute (RFC 6402)'),
  limits: z
    .strictObject({
      certificates: z.int().min(1).optional().describe('valid certificates under this policy'),
      certificatesPerDevice: z.int().min(1).optional().describe('valid certificates of one device under this policy'),
      perMinute: z.int().min(1).optional().describe('enrollments under this policy in one minute'),
    })
    .default({}),
  est: z
    .strictObject({
      challengePassword: z
        .enum(['check', 'require', 'ignore'])
        .default('check')
        .describe(
          'whether a challengePassword bound to the TLS connection is checked if present, demanded, or ignored',
        ),
    })
    .default({ challengePassword: 'check' }),
  scep: scepSchema.default(scepSchema.parse({})),
  cmp: cmpSchema.default(cmpSchema.parse({})),
  acme: acmeSchema.default(acmeSchema.parse({})),
});
export type Policy = z.output<typeof policySchema>;
