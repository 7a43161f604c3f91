/** revokeCert (RFC 8555 7.6). */
import { z } from 'zod';
import type { RevocationMessage } from '../../src/enrollment/request.js';
import { GatewayError } from '../../src/errors.js';
import type { PresentedCredential } from '../../src/model/presented-credential.js';
import { originOf } from '../../src/protocol.js';
import { type Certificate, decodeCertificate } from '../../src/x509/certificate.js';
import { DerError } from '../../src/x509/der.js';
import { decodeName } from '../../src/x509/names.js';
import { UnsupportedKeyError } from '../../src/x509/public-key.js';
import { accountCredential } from './account-credential.js';
import type { Answer } from './answer.js';
import type { AccountRequest, AcmeContext, AcmeRequest, KeyRequest } from './context.js';
import { baseOf, maximumIdentifiers } from './identifiers.js';
import { keyThumbprintOf } from './key-thumbprint.js';
import { readOctets, readPayload } from './payload.js';
import { AcmeError } from './problem.js';
import { recorded } from './recorded.js';
import type { AuthorizationRecord } from './store/authorizations.js';
import { readSubjectNames } from './subject-names.js';

/** For an account that has the certificate, or authorizations for all that is in it: the core compares. */
export const revokeByAccount = recorded(
  'revokeCert',
  async (request: AccountRequest, context: AcmeContext): Promise<Answer> => {
    const wanted = readRevocation(request.payload);
    const authorizations = await findAuthorizations(wanted.certificate, request, context);
    return await revoke(wanted, accountCredential(request, authorizations, context), request, context);
  },
);

/** For whoever has the certificate's own key. */
export const revokeByKey = recorded(
  'revokeCert',
  async (request: KeyRequest, context: AcmeContext): Promise<Answer> => {
    const wanted = readRevocation(request.payload);
    const { der, subjectPublicKeyInfo } = wanted.certificate;
    if (reading(() => keyThumbprintOf(subjectPublicKeyInfo)) !== request.thumbprint) {
      throw new AcmeError('unauthorized', "the message is signed by another key than the certificate's");
    }
    return await revoke(wanted, { kind: 'certificate', chain: [der], proof: 'message' }, request, context);
  },
);

interface Wanted {
  readonly certificate: Certificate;
  readonly reason: RevocationMessage['reason'];
}

const revocationSchema = z.object({ certificate: z.string(), reason: z.unknown().optional() });

/** RFC 5280 5.3.1. Of the others 2 and 10 are about authorities, 6 and 8 no end, 9 an operator's word. */
const reasons: ReadonlyMap<unknown, Wanted['reason']> = new Map([
  [undefined, 'unspecified'],
  [0, 'unspecified'],
  [1, 'keyCompromise'],
  [3, 'affiliationChanged'],
  [4, 'superseded'],
  [5, 'cessationOfOperation'],
]);

function readRevocation(payload: unknown): Wanted {
  const { certificate, reason } = readPayload(revocationSchema, payload);
  const der = readOctets(certificate, 'certificate');
  const name = reasons.get(reason);
  if (name === undefined) {
    throw new AcmeError('badRevocationReason', 'the reason must be 0, 1, 3, 4 or 5, or be left out');
  }
  return { certificate: reading(() => decodeWithNames(der)), reason: name };
}

/** The core compares its issuer with that of others. @throws DerError */
function decodeWithNames(der: Uint8Array): Certificate {
  const certificate = decodeCertificate(der);
  decodeName(certificate.issuer);
  return certificate;
}

/** The account's valid authorizations for what the certificate has in it. */
async function findAuthorizations(
  certificate: Certificate,
  { account }: AccountRequest,
  { authorizations, services }: AcmeContext,
): Promise<AuthorizationRecord[]> {
  const { identifiers, commonNames } = reading(() => readSubjectNames(certificate));
  const inSubject = commonNames.map((value) => ({ type: 'dns', value: value.toLowerCase() }) as const);
  const now = services.clock.now().getTime();
  const found: AuthorizationRecord[] = [];
  for (const each of [...identifiers, ...inSubject].slice(0, 2 * maximumIdentifiers)) {
    const { identifier, isWildcard } = baseOf(each);
    const { type: identifierType, value: identifierValue } = identifier;
    const key = { accountId: account.id, identifierType, identifierValue, isWildcard: isWildcard ? 1 : 0 };
    found.push(...(await authorizations.findValid({ ...key, now })));
  }
  return found;
}

async function revoke(
  { certificate, reason }: Wanted,
  credential: PresentedCredential,
  { exchange }: AcmeRequest,
  { services }: AcmeContext,
): Promise<Answer> {
  const { issuer, serialNumber, der } = certificate;
  const result = await services.revoke({
    ...originOf(exchange),
    protocol: 'acme',
    issuer,
    serialNumber,
    reason,
    requireDescribed: (known) => requireSame(known, der),
    credentials: [credential],
  });
  if (result.outcome === 'done') return { status: 200 };
  throw new AcmeError('unauthorized', 'the revocation waits for the approval of people', {
    retryAfterSeconds: result.retryAfterSeconds,
  });
}

/** Another CA may have issued one with the same names, and the sender means that. */
function requireSame(known: Uint8Array, sent: Uint8Array): void {
  if (Buffer.compare(known, sent) === 0) return;
  throw new GatewayError('unknown-certificate', 'no certificate of this CA is the one that was sent');
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DerError) && !(error instanceof UnsupportedKeyError)) throw error;
    throw new AcmeError('malformed', `the certificate cannot be read: ${error.message}`);
  }
}
