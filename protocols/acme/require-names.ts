/** Whether the core would have names in a certificate, before they are proved (RFC 8555 7.4, 7.4.1). */
import type { GatewayError } from '../../src/errors.js';
import type { AcmeIdentifier } from '../../src/model/acme.js';
import { originOf } from '../../src/protocol.js';
import { accountCredential } from './account-credential.js';
import type { LinkedAuthorization } from './authorization-state.js';
import type { AccountRequest, AcmeContext } from './context.js';
import { AcmeError, type ProblemType } from './problem.js';
import { askingCore } from './recorded.js';
import { encodeAlternativeNames, isNetworkName } from './subject-names.js';

interface Wanted {
  readonly identifiers: readonly AcmeIdentifier[];
  readonly profile?: string;
  /** Epoch milliseconds. */
  readonly notBefore?: number | null;
  readonly notAfter?: number | null;
  /** The valid authorizations for them. */
  readonly held?: readonly LinkedAuthorization[];
}

/**
 * @throws AcmeError `rejectedIdentifier`, `invalidProfile` or `unauthorized`, which the core has recorded; GatewayError as
 * authentication does
 */
export async function requireNames(
  { identifiers, profile, notBefore = null, notAfter = null, held = [] }: Wanted,
  request: AccountRequest,
  context: AcmeContext,
): Promise<void> {
  // What a device is named by need not stand in the certificate: of that an attestation speaks.
  if (!identifiers.some(({ type }) => isNetworkName(type))) return;
  await askingCore(
    () =>
      context.services.requireNames({
        ...originOf(request.exchange),
        protocol: 'acme',
        ...(profile === undefined ? {} : { profileHint: profile }),
        subjectAltNames: encodeAlternativeNames(identifiers),
        ...(notBefore === null ? {} : { notBefore: new Date(notBefore) }),
        ...(notAfter === null ? {} : { notAfter: new Date(notAfter) }),
        credentials: [accountCredential(request, held, context)],
      }),
    (error) => renamed(error),
  );
}

function renamed(error: GatewayError): AcmeError | undefined {
  const type = types.get(error.code);
  return type && new AcmeError(type, error.message, { code: error.code, cause: error });
}

const types: ReadonlyMap<string, ProblemType> = new Map([
  ['rejected-name', 'rejectedIdentifier'],
  ['rejected-profile', 'invalidProfile'],
  ['forbidden', 'unauthorized'],
]);
