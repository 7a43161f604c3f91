/** Certificate template: the constraints that every profile within it keeps. */
import { z } from 'zod';
import { durationSchema } from './duration.js';
import { keyConstraintsSchema } from './key-constraints.js';
import { nameSchema } from './label.js';
import { signatureHashes } from './message-protection.js';

export const keyUsageNames = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;
export type KeyUsageName = (typeof keyUsageNames)[number];

export const subjectAltNameTypes = ['dns', 'ip', 'email', 'uri', 'directoryName', 'registeredId', 'otherName'] as const;
export type SubjectAltNameType = (typeof subjectAltNameTypes)[number];

export const oidSchema = z.string().regex(/^[0-2](\.(0|[1-9]\d{0,14})){1,31}$/, 'a dotted object identifier');

/** Names that configuration may use instead of dotted object identifiers. */
export const extendedKeyUsageOids: ReadonlyMap<string, string> = new Map([
  ['serverAuth', '1.3.6.1.5.5.7.3.1'],
  ['clientAuth', '1.3.6.1.5.5.7.3.2'],
  ['codeSigning', '1.3.6.1.5.5.7.3.3'],
  ['emailProtection', '1.3.6.1.5.5.7.3.4'],
  ['ipsecEndSystem', '1.3.6.1.5.5.7.3.5'],
  ['ipsecTunnel', '1.3.6.1.5.5.7.3.6'],
  ['ipsecUser', '1.3.6.1.5.5.7.3.7'],
  ['timeStamping', '1.3.6.1.5.5.7.3.8'],
  ['OCSPSigning', '1.3.6.1.5.5.7.3.9'],
  ['ipsecIKE', '1.3.6.1.5.5.7.3.17'],
  ['cmcCA', '1.3.6.1.5.5.7.3.27'],
  ['cmcRA', '1.3.6.1.5.5.7.3.28'],
  ['cmcArchive', '1.3.6.1.5.5.7.3.29'],
  ['cmKGA', '1.3.6.1.5.5.7.3.32'],
  ['anyExtendedKeyUsage', '2.5.29.37.0'],
]);

export const extendedKeyUsageSchema = z.string().transform((value, context) => {
  const oid = extendedKeyUsageOids.get(value) ?? value;
  if (oidSchema.safeParse(oid).success) return oid;
  context.addIssue(
    `unknown extended key usage; give a dotted object identifier or one of ${[...extendedKeyUsageOids.keys()].join(', ')}`,
  );
  return z.NEVER;
});

export const certificateTemplateSchema = z.strictObject({
  name: nameSchema,
  description: z.string().optional(),
  keys: keyConstraintsSchema,
  /**
   * Hashes that a request's signature may use; SHA-1 only where a template names it. EdDSA has its own. Only CMP knows of
   * others than SHA-1 and SHA-2 from 256 bits.
   */
  requestHashes: z.array(z.enum(signatureHashes)).default(signatureHashes.filter((hash) => hash !== 'sha1')),
  basicConstraints: z
    .strictObject({ ca: z.boolean(), maximumPathLength: z.int().min(0).optional() })
    .default({ ca: false }),
  nameConstraints: z
    .boolean()
    .default(false)
    .describe('whether profiles may constrain the names that CA certificates issue to'),
  keyUsages: z.array(z.enum(keyUsageNames)).default([]),
  extendedKeyUsages: z
    .array(extendedKeyUsageSchema)
    .default([])
    .describe(
      'by name or object identifier. RA, CA and key-generation usages appear in certificates only where named here',
    ),
  extensions: z
    .array(oidSchema)
    .default([])
    .describe('object identifiers of further extensions that a profile may put in'),
  subjectAttributes: z.array(z.string()).default([]).describe('attribute names such as `commonName`'),
  subjectAltNames: z.array(z.enum(subjectAltNameTypes)).default([]),
  minimumValidity: durationSchema.optional(),
  maximumValidity: durationSchema,
});
export type CertificateTemplate = z.output<typeof certificateTemplateSchema>;
