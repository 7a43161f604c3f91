/** One operation of the management API: what checks its requests is what its documentation is made of. */
import type { Readable } from 'node:stream';
import type { z } from 'zod';
import type { Principal, Scope } from '../access/principal.js';
import type { Actor } from '../audit/actor.js';
import type { Permission } from '../model/access.js';

/** The headings of the documentation, in its order. */
export const tags = {
  Divisions: 'Organisational parts with their own devices, policies and administrators.',
  'Device groups': 'The devices that policies attach to: static, or by a filter.',
  Devices: 'Registered things, their certificates and their history.',
  'Authentication policies': 'Which credentials open which protocols.',
  Credentials: 'Passcodes, certificates, CAs and secrets that requests authenticate with.',
  'Certificate templates': 'The constraints that certificate profiles keep.',
  'Certificate profiles': 'What certificates say, and where each value comes from.',
  'Certificate policies': 'Who gets which certificate from which CA, and how.',
  'Certificate authorities': 'The CAs of the embedded hierarchy.',
  'Unmanaged CAs': 'CAs that gateways run themselves, and what they have reported that they issued.',
  Certificates: 'The inventory of what was issued, and what becomes of it.',
  Requests: 'Requests that wait for people, and why each was decided as it was.',
  Jobs: 'Work on many devices or certificates at once.',
  Access: 'Users, API keys and roles.',
  Audit: 'Who did what, when and from where.',
  System: 'The gateway itself.',
} as const;
export type Tag = keyof typeof tags;

export interface Call<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** The octets of the body, where the operation takes a stream. */
  readonly stream: Readable;
  /** Media type of the body without parameters, lower case. */
  readonly contentType: string | undefined;
  readonly principal: Principal;
  readonly actor: Actor;
  /** Where the operation's permission holds for the caller. Empty only where the operation needs none. */
  readonly scope: Scope;
  /**
   * Holds `If-Match` (RFC 9110 13.1.1) against the resource as it is now: what a GET of it would answer.
   * @throws HttpError 412
   */
  requireMatch(current: unknown): void;
}

export interface Answer<Value> {
  /** As the operation's schema has it; absent with 204, and where there is `content`. */
  readonly value?: Value;
  /** What is no JSON, such as PEM or an archive. */
  readonly content?: {
    readonly type: string;
    readonly body: string | Uint8Array | Readable;
    readonly fileName?: string;
    /** Called once all of the body was handed over and the connection did not break. What it throws is logged. */
    readonly delivered?: () => Promise<void>;
  };
  /** In place of the operation's usual status. */
  readonly status?: number;
  /** Path below /api/v1 of what was made. */
  readonly location?: string;
}

interface OperationOutline {
  /** In camel case, such as `listDevices`; unique. */
  readonly id: string;
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** Below /api/v1, such as `/devices/{id}`. */
  readonly path: string;
  readonly tag: Tag;
  /** A few words, without final period. */
  readonly summary: string;
  /** Sentences, in Markdown. */
  readonly description?: string;
  /** `undefined`: whoever has authenticated. */
  readonly permission: Permission | undefined;
  readonly status: 200 | 201 | 202 | 204;
  /** Of a body that is no JSON: it comes as `stream`. */
  readonly streams?: { readonly types: readonly string[]; readonly bodyLimit: number };
  /** Media types of answers that are no JSON. */
  readonly contentTypes?: readonly string[];
  /** Whether the answer is a resource with an entity tag; on other methods, whether `If-Match` is looked at. */
  readonly isTagged?: boolean;
  /** Statuses of refusals, and of other successes, that are particular to it, each with what it means; those of all operations are known. */
  readonly refusals?: Readonly<Record<number, string>>;
  /** In octets; 1 MiB where absent. */
  readonly bodyLimit?: number;
}

/** An operation whose types are known; `defineOperation` makes one, and infers them. */
export interface TypedOperation<
  Params extends z.ZodType,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Value extends z.ZodType,
> extends OperationOutline {
  /** Each a strict object; all are of text. */
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  readonly answer?: Value;
  readonly handle: (call: Call<z.output<Params>, z.output<Query>, z.output<Body>>) => Promise<Answer<z.input<Value>>>;
}

/** Any operation, as the router and the documentation see it: they hand on what the operation's own schemas have let through. */
export interface Operation extends OperationOutline {
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  readonly answer?: z.ZodType;
  // A method, not a property: its parameter is then compared both ways, and any typed operation is one of these.
  handle(call: Call<unknown, unknown, unknown>): Promise<Answer<unknown>>;
}

export function defineOperation<
  Params extends z.ZodType = z.ZodUndefined,
  Query extends z.ZodType = z.ZodUndefined,
  Body extends z.ZodType = z.ZodUndefined,
  Value extends z.ZodType = z.ZodUndefined,
>(operation: TypedOperation<Params, Query, Body, Value>): Operation {
  return operation;
}
