/** A pending request as it is kept: without the secrets that authenticated it. */
import { z } from 'zod';
import { acmeIdentifierTypes } from '../model/acme.js';
import { credentialKinds, managingKinds } from '../model/credential.js';
import { generatedKeyTypeSchema } from '../model/key-constraints.js';
import { profileUsages } from '../model/policy.js';
import { methodSchema } from '../model/protocol-name.js';
import { registeredValuesSchema } from '../model/registered-values.js';
import type { Identity } from '../policy/identity.js';
import type { DecidedOperation, EnrollmentRequest } from './request.js';

const bytes = z.base64().transform((text): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64')));
const date = z.iso.datetime().transform((text) => new Date(text));

const storedRequestSchema = z.object({
  protocol: methodSchema,
  operation: z.enum(['enroll', 'reenroll']),
  changesNames: z.boolean().exactOptional(),
  confirmWithin: z.int().exactOptional(),
  renews: bytes.exactOptional(),
  supplants: z.boolean().exactOptional(),
  profileHint: z.string().exactOptional(),
  usage: z.enum(profileUsages).exactOptional(),
  newKeyOnly: z.boolean().exactOptional(),
  remoteAddress: z.string(),
  requested: z.object({
    subjectPublicKeyInfo: bytes.exactOptional(),
    subject: bytes,
    extensions: z.array(z.object({ id: z.string(), critical: z.boolean(), value: bytes })),
    notBefore: date.exactOptional(),
    notAfter: date.exactOptional(),
    requestHash: z.string().exactOptional(),
  }),
  generateKey: z.object({ type: generatedKeyTypeSchema.exactOptional() }).exactOptional(),
  modified: z.array(z.string()).exactOptional(),
});

const storedIdentitySchema = z.object({
  requester: z.string(),
  certificateSubject: bytes.exactOptional(),
  credentials: z.array(
    z.object({
      id: z.string(),
      kind: z.enum([...credentialKinds, ...managingKinds]),
      name: z.string(),
      username: z.string().exactOptional(),
      registeredValues: registeredValuesSchema.exactOptional(),
      isCounted: z.literal(true).exactOptional(),
    }),
  ),
  isAccount: z.literal(true).exactOptional(),
  provedIdentifiers: z.array(z.object({ type: z.enum(acmeIdentifierTypes), value: z.string() })).exactOptional(),
  deviceIdentifier: z.string().exactOptional(),
  issuedCertificate: z
    .object({
      der: bytes,
      issuerId: z.string(),
      serialNumber: z.string(),
      policy: z.string(),
      usage: z.string(),
      deviceId: z.string().exactOptional(),
      notAfter: date,
    })
    .exactOptional(),
});

export type StoredRequest = Pick<
  EnrollmentRequest,
  | 'protocol'
  | 'changesNames'
  | 'confirmWithin'
  | 'renews'
  | 'supplants'
  | 'profileHint'
  | 'usage'
  | 'newKeyOnly'
  | 'remoteAddress'
  | 'requested'
  | 'generateKey'
> & {
  readonly operation: DecidedOperation;
  /** In what its certificate differs from its wishes, once there is one. */
  readonly modified?: readonly string[];
};

export function encodeRequest(request: EnrollmentRequest & { readonly operation: DecidedOperation }): string {
  const { protocol, operation, changesNames, confirmWithin, supplants, profileHint, newKeyOnly } = request;
  const { usage, remoteAddress, requested, generateKey, renews } = request;
  // Only the wish for a key is kept: who may read it is told anew by the message that picks it up.
  const wish = generateKey && { type: generateKey.type };
  return JSON.stringify(
    {
      protocol,
      operation,
      changesNames,
      confirmWithin,
      renews,
      supplants,
      profileHint,
      usage,
      newKeyOnly,
      remoteAddress,
      requested,
      generateKey: wish,
    },
    asText,
  );
}

/** What `encodeRequest` has made, with what its certificate turned out to differ in. */
export function withModifications(request: string, modified: readonly string[]): string {
  if (modified.length === 0) return request;
  const stored: object = JSON.parse(request);
  return JSON.stringify({ ...stored, modified });
}

export function encodeIdentity(identity: Identity): string {
  return JSON.stringify(identity, asText);
}

/** @throws ZodError when what is stored is not a request. */
export function decodeRequest(text: string): StoredRequest {
  return storedRequestSchema.parse(JSON.parse(text));
}

/** @throws ZodError when what is stored is not an identity. */
export function decodeIdentity(text: string): Identity {
  return storedIdentitySchema.parse(JSON.parse(text));
}

/** Bytes as base64. Buffers have turned themselves into something else before a replacer sees them: look at the original. */
function asText(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const original = this[key];
  return original instanceof Uint8Array ? Buffer.from(original).toString('base64') : value;
}
