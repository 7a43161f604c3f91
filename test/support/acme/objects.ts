/** The JSON of ACME's resources as a client reads it (RFC 8555 7.1): what is not so is told as an error. */
import { z } from 'zod';
import type { AcmeAnswer } from './transport.js';

const identifierSchema = z.object({ type: z.string(), value: z.string() });
export type Identifier = z.output<typeof identifierSchema>;

export interface Problem {
  readonly type: string;
  readonly detail?: string | undefined;
  readonly status?: number | undefined;
  readonly identifier?: Identifier | undefined;
  readonly subproblems?: readonly Problem[] | undefined;
  readonly [member: string]: unknown;
}

const problemSchema: z.ZodType<Problem> = z.lazy(() =>
  z.looseObject({
    type: z.string(),
    detail: z.string().optional(),
    status: z.int().optional(),
    identifier: identifierSchema.optional(),
    subproblems: z.array(problemSchema).optional(),
  }),
);

const timeSchema = z.iso.datetime({ offset: true });

const directorySchema = z.looseObject({
  newNonce: z.url(),
  newAccount: z.url(),
  newOrder: z.url(),
  newAuthz: z.url().optional(),
  revokeCert: z.url(),
  keyChange: z.url(),
  renewalInfo: z.url().optional(),
  meta: z
    .looseObject({
      termsOfService: z.url().optional(),
      website: z.url().optional(),
      caaIdentities: z.array(z.string()).optional(),
      externalAccountRequired: z.boolean().optional(),
      profiles: z.record(z.string(), z.string()).optional(),
    })
    .optional(),
});
export type Directory = z.output<typeof directorySchema>;

const accountSchema = z.looseObject({
  status: z.enum(['valid', 'deactivated', 'revoked']),
  contact: z.array(z.string()).optional(),
  termsOfServiceAgreed: z.boolean().optional(),
  externalAccountBinding: z.looseObject({}).optional(),
  orders: z.url().optional(),
});

const orderSchema = z.looseObject({
  status: z.enum(['pending', 'ready', 'processing', 'valid', 'invalid']),
  expires: timeSchema.optional(),
  identifiers: z.array(identifierSchema),
  notBefore: timeSchema.optional(),
  notAfter: timeSchema.optional(),
  error: problemSchema.optional(),
  authorizations: z.array(z.url()),
  finalize: z.url(),
  certificate: z.url().optional(),
  replaces: z.string().optional(),
  profile: z.string().optional(),
});
export type Order = z.output<typeof orderSchema>;

const challengeSchema = z.looseObject({
  type: z.string(),
  url: z.url(),
  status: z.enum(['pending', 'processing', 'valid', 'invalid']),
  // 128 bits at least, in the alphabet of base64url (RFC 8555 8.3).
  token: z.string().regex(/^[A-Za-z0-9_-]{22,}$/),
  validated: timeSchema.optional(),
  error: problemSchema.optional(),
});
export type Challenge = z.output<typeof challengeSchema>;

const authorizationSchema = z.looseObject({
  identifier: identifierSchema,
  status: z.enum(['pending', 'valid', 'invalid', 'deactivated', 'expired', 'revoked']),
  expires: timeSchema.optional(),
  challenges: z.array(challengeSchema),
  wildcard: z.boolean().optional(),
});
export type Authorization = z.output<typeof authorizationSchema>;

const renewalInfoSchema = z.looseObject({
  suggestedWindow: z.object({ start: timeSchema, end: timeSchema }),
  explanationURL: z.url().optional(),
});

const orderListSchema = z.object({ orders: z.array(z.url()) });

/** @throws Error with the answer unless it is a success whose body is what it should be; so do the others */
export const readDirectory = reader(directorySchema);
export const readAccount = reader(accountSchema);
export const readOrder = reader(orderSchema);
export const readAuthorization = reader(authorizationSchema);
export const readChallenge = reader(challengeSchema);
export const readRenewalInfo = reader(renewalInfoSchema);
export const readOrderList = reader(orderListSchema);

/** The problem document of a refusal (RFC 9457). @throws Error with the answer if it is none */
export function readProblem(answer: AcmeAnswer): Problem {
  const isProblem = answer.status >= 400 && /^application\/problem\+json\b/.test(answer.headers['content-type'] ?? '');
  if (!isProblem) throw new Error(`no problem but ${describe(answer)}`);
  return problemSchema.parse(answer.json);
}

/** Whether it is a refusal of a type, such as `badNonce`. */
export function isProblem(answer: AcmeAnswer, type: string): boolean {
  return answer.status >= 400 && problemSchema.safeParse(answer.json).data?.type === problemUrn(type);
}

export function problemUrn(type: string): string {
  return `urn:ietf:params:acme:error:${type}`;
}

function reader<T>(schema: z.ZodType<T>): (answer: AcmeAnswer) => T {
  return (answer) => {
    if (answer.status >= 300) throw new Error(`refused: ${describe(answer)}`);
    const { data, error } = schema.safeParse(answer.json);
    if (error !== undefined) throw new Error(`${z.prettifyError(error)}\nin ${describe(answer)}`);
    return data;
  };
}

function describe({ status, text }: AcmeAnswer): string {
  return `${status} ${text.slice(0, 2000)}`;
}
