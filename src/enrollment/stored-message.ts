/** A pending message that asks for no certificate, as it is kept among the pending requests for certificates. */
import { z } from 'zod';
import { methodSchema } from '../model/protocol-name.js';
import { messageReasons } from './revocation-reason.js';

const storedRevocationSchema = z.object({
  kind: z.literal('revocation'),
  protocol: methodSchema,
  remoteAddress: z.string(),
  /** The generation of the CA that issued it. */
  issuerId: z.string(),
  serialNumber: z.string(),
  /** For people. */
  subject: z.string(),
  reason: z.enum(messageReasons),
  invalidityDate: z.iso
    .datetime()
    .transform((text) => new Date(text))
    .exactOptional(),
});

/** Its protocol keeps what it asks for. */
const storedQuestionSchema = z.object({ kind: z.literal('message'), operation: z.string() });

const storedMessageSchema = z.discriminatedUnion('kind', [storedRevocationSchema, storedQuestionSchema]);

export type StoredMessage = z.output<typeof storedMessageSchema>;
export type StoredRevocation = Extract<StoredMessage, { kind: 'revocation' }>;

export function encodeMessage(message: StoredMessage): string {
  return JSON.stringify(message);
}

/** Undefined for a request for a certificate. @throws ZodError when what is stored is neither. */
export function decodeMessage(text: string): StoredMessage | undefined {
  const stored = z.looseObject({}).parse(JSON.parse(text));
  return stored.kind === undefined ? undefined : storedMessageSchema.parse(stored);
}
