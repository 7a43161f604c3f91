/** What a request's subject, SAN or device must equal when a credential is used (DESIGN: registered values). */
import { z } from 'zod';

const oneOrMore = z
  .union([z.string(), z.array(z.string()).min(1)], { error: 'must be a text or a list of texts' })
  .transform((v) => (typeof v === 'string' ? [v] : v));

export const registeredValuesSchema = z.strictObject({
  device: z.string().min(1).max(255).optional().describe('the device that the credential speaks for, by name'),
  subject: z
    .record(z.string(), oneOrMore)
    .optional()
    .describe('subject attributes by name; each value in the request must be one of those listed'),
  subjectAltNames: z
    .partialRecord(z.enum(['dns', 'ip', 'email', 'uri']), oneOrMore)
    .optional()
    .describe(
      'subject alternative names by type (`dns`, `ip`, `email`, `uri`); each in the request must be one of those listed',
    ),
  identifiers: z
    .record(z.string(), z.string())
    .optional()
    .describe('identifiers (serial number, hardware id …) that a device registered with this credential gets'),
});
export type RegisteredValues = z.output<typeof registeredValuesSchema>;
