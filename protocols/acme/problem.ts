/** Problem documents (RFC 8555 6.7, RFC 9457): what is refused, by its type and status. */
import { type ErrorCode, GatewayError } from '../../src/errors.js';

/** What each type is by default: its HTTP status, and what the core and the audit log call it. */
const problemTypes = {
  accountDoesNotExist: [400, 'not-found'],
  alreadyReplaced: [409, 'duplicate-request'],
  alreadyRevoked: [400, 'already-revoked'],
  badAttestationStatement: [403, 'untrusted-signer'],
  badCSR: [400, 'malformed-request'],
  badNonce: [400, 'stale-message'],
  badPublicKey: [400, 'unacceptable-key'],
  badRevocationReason: [400, 'malformed-request'],
  badSignatureAlgorithm: [400, 'unsupported-algorithm'],
  caa: [403, 'forbidden'],
  compound: [400, 'malformed-request'],
  connection: [400, 'forbidden'],
  dns: [400, 'forbidden'],
  externalAccountRequired: [403, 'bad-secret'],
  incorrectResponse: [403, 'forbidden'],
  invalidContact: [400, 'malformed-request'],
  invalidProfile: [400, 'rejected-profile'],
  malformed: [400, 'malformed-request'],
  orderNotReady: [403, 'invalid-state'],
  rateLimited: [429, 'rate-limited'],
  rejectedIdentifier: [400, 'rejected-name'],
  serverInternal: [500, 'internal'],
  tls: [400, 'forbidden'],
  unauthorized: [403, 'forbidden'],
  unsupportedContact: [400, 'malformed-request'],
  unsupportedIdentifier: [400, 'rejected-name'],
  userActionRequired: [403, 'forbidden'],
} as const satisfies Readonly<Record<string, readonly [status: number, code: ErrorCode]>>;

export type ProblemType = keyof typeof problemTypes;

/** As the client has sent it: its type may be an unknown one. */
interface NamedIdentifier {
  readonly type: string;
  readonly value: string;
}

/** A part of a compound problem, about one identifier (RFC 8555 6.7.1). */
export interface Subproblem {
  readonly type: ProblemType;
  readonly detail: string;
  readonly identifier?: NamedIdentifier;
}

interface AcmeErrorOptions {
  readonly status?: number;
  readonly code?: ErrorCode;
  readonly subproblems?: readonly Subproblem[];
  /** Further members of the document, such as `algorithms`. */
  readonly members?: Readonly<Record<string, unknown>>;
  /** Values of Link headers. */
  readonly links?: readonly string[];
  /** URL of what stands in the way. */
  readonly location?: string;
  readonly cause?: unknown;
  readonly retryAfterSeconds?: number;
}

/** A refusal that only ACME knows, or that it has a name of its own for. */
export class AcmeError extends GatewayError {
  readonly type: ProblemType;
  readonly status: number;
  readonly subproblems: readonly Subproblem[];
  readonly members: Readonly<Record<string, unknown>>;
  readonly links: readonly string[];
  readonly location: string | undefined;

  constructor(type: ProblemType, detail: string, options: AcmeErrorOptions = {}) {
    const [usualStatus, usualCode] = problemTypes[type];
    const { status = usualStatus, code = usualCode, subproblems = [], members = {}, links = [], location } = options;
    super(code, detail, options);
    this.name = 'AcmeError';
    this.type = type;
    this.status = status;
    this.subproblems = subproblems;
    this.members = members;
    this.links = links;
    this.location = location;
  }
}

/** A problem as it stands in a document, an order or a challenge. */
export interface ProblemDocument {
  /** A URN. */
  readonly type: string;
  readonly detail: string;
  readonly status?: number;
  readonly identifier?: NamedIdentifier;
  readonly subproblems?: readonly ProblemDocument[];
  readonly [member: string]: unknown;
}

export function problemUrn(type: ProblemType): string {
  return `urn:ietf:params:acme:error:${type}`;
}

export function problemDocument({ type, message, status, subproblems, members }: AcmeError): ProblemDocument {
  return {
    type: problemUrn(type),
    detail: message,
    status,
    ...(subproblems.length === 0
      ? {}
      : { subproblems: subproblems.map(({ type: each, ...others }) => ({ type: problemUrn(each), ...others })) }),
    ...members,
  };
}
