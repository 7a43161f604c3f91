/** Where a CA's certificates say that things are, and what it says of how it works. */
import { z } from 'zod';

const urlSchema = z
  .url({
    protocol: /^http$/,
    error: 'must be an http URL: clients fetch it to check certificates, which https would need first (RFC 5280 8)',
  })
  .regex(/^[\x21-\x7e]{1,200}$/, 'must be ASCII, of up to 200 characters');

const baseUrlSchema = urlSchema.regex(/^[^?#@]*[^?#@/]$/, 'must have no user, query, fragment or slash at its end');

const maximumUrls = 4;

export const locationsSchema = z
  .strictObject({
    base: baseUrlSchema
      .optional()
      .describe(
        "what the URLs of its CRLs, certificates, OCSP responder and CPS begin with, without a slash at the end; the gateway's `publicHttpUrl`, if absent",
      ),
    mirrors: z
      .array(baseUrlSchema)
      .max(maximumUrls)
      .default([])
      .describe(
        'bases of further places that have copies of `<base>/crl/…` and `<base>/aia/…`: stand in certificates after it',
      ),
    ocsp: z
      .array(urlSchema)
      .min(1)
      .max(maximumUrls)
      .optional()
      .describe(
        "of OCSP responders that stand in certificates in place of the gateway's, also with `ocsp.enabled: false`",
      ),
  })
  .refine(
    ({ base, mirrors }) => new Set([base, ...mirrors]).size === mirrors.length + 1,
    'each base once: mirrors come after it',
  );

const maximumCpsLength = 200_000;

/** An IA5String in certificates. */
export const cpsUrlSchema = z
  .url({ protocol: /^https?$/ })
  .regex(/^[\x21-\x7e]{1,500}$/, 'an http or https URL in ASCII');

export const cpsSchema = z.union([
  z.strictObject({
    text: z.string().min(1).max(maximumCpsLength).describe('served as plain text at `<base>/cps/<name of the CA>`'),
  }),
  z.strictObject({ url: cpsUrlSchema.describe('where it is elsewhere') }),
]);
