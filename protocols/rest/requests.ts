/** What requests are made of: the schemas of their bodies. */
import { z } from 'zod';
import { keyDeliverySchema } from '../../src/model/key-delivery.js';
import { revocationReasons } from '../../src/x509/crl.js';

/** Lines are what a possession proof is made of, so that no text may have several. */
const text = z
  .string()
  .max(4096)
  .refine((value) => !/\p{Cc}/u.test(value), 'a text has no control characters');
const alternatives = z.array(text).max(100).default([]);

const subjectAltNamesSchema = z.strictObject({
  dns: alternatives,
  ip: alternatives,
  email: alternatives,
  uri: alternatives,
});

const wishes = {
  /** Of a certificate profile of the policy. */
  profile: text.optional(),
  /** RFC 3339. */
  notAfter: z.iso.datetime({ offset: true, message: 'a date and time as RFC 3339 has it' }).optional(),
};

const names = {
  /** RFC 4514 text. */
  subject: text.optional(),
  subjectAltNames: subjectAltNamesSchema.optional(),
};

const pem = z.string().max(65_536);

export const csrRequestSchema = z.strictObject({ csr: pem, ...wishes });
export const publicKeyRequestSchema = z.strictObject({
  publicKey: pem,
  /** Base64, as possession-proof.ts has it. */
  proof: z.string().regex(/^[A-Za-z0-9+/]+={0,2}$/, 'a proof is base64'),
  ...names,
  ...wishes,
});
export const generateKeyRequestSchema = z.strictObject({ generateKey: keyDeliverySchema, ...names, ...wishes });

export type CsrRequest = z.output<typeof csrRequestSchema>;
export type PublicKeyRequest = z.output<typeof publicKeyRequestSchema>;
export type Wishes = Pick<CsrRequest, 'profile' | 'notAfter'>;

/** Hex as tools print it: in either case. */
export const serialNumberSchema = z
  .string()
  .regex(/^[0-9A-Fa-f]{1,80}$/, 'a serial number is hexadecimal digits')
  .transform((digits) => {
    const significant = digits.toLowerCase().replace(/^0+(?=.)/, '');
    return significant.length % 2 === 0 ? significant : `0${significant}`;
  });

export const revocationSchema = z.strictObject({
  serialNumber: serialNumberSchema,
  /** RFC 4514 text; the policy's CA where absent. */
  issuer: text.optional(),
  reason: z.enum(revocationReasons).default('unspecified'),
});
