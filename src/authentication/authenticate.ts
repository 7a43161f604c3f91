/** Who makes this request? Verifies every credential that was presented and demands those that the policy asks for. */
import type { ResolvedAuthenticationPolicy } from '../catalog/catalog.js';
import { GatewayError } from '../errors.js';
import type { PasscodeLookup } from '../keys/passcode-lookup.js';
import type { Sealing } from '../keys/sealing.js';
import type { PresentedCredential } from '../model/presented-credential.js';
import type { Method } from '../model/protocol-name.js';
import type { Identity, UsedCredential } from '../policy/identity.js';
import type { Store } from '../store/store.js';
import { fingerprint } from '../x509/certificate.js';
import { type AccountAuthorization, verifyAccount } from './acme-account.js';
import { type PresentedCertificate, type VerifiedCertificate, verifyCertificate } from './client-certificate.js';
import { countingFailures, type FailureLimit } from './count-failures.js';
import { identifyOperator, verifyKeyHolder } from './manager.js';
import { type AskWebhook, type VerifiedSecret, verifySecret } from './secret.js';
import type { ValidationServices } from './validation-services.js';

export interface AuthenticationInput {
  readonly authentication: ResolvedAuthenticationPolicy;
  /** How the message came. */
  readonly method: Method;
  readonly credentials: readonly PresentedCredential[];
  /**
   * `query` asks for what was issued, and needs a certificate, whatever enrollments need. `message` is any message of a
   * conversation: who sends it is asked, and what it may do is decided later.
   */
  readonly operation: 'enroll' | 'reenroll' | 'either' | 'query' | 'message';
  readonly remoteAddress: string;
  readonly at: Date;
  readonly askWebhook?: AskWebhook;
  /** Whether a certificate that is on hold may pass: it asks for the end of that. */
  readonly acceptHeld?: boolean;
  /** Whether one that is revoked may as well: it asks what has become of a revocation. */
  readonly acceptRevoked?: boolean;
  /** What the policy wants of ACME accounts, in messages of ACME: in no others do they speak. */
  readonly accountAuthorization?: AccountAuthorization;
}

export interface Authenticated {
  readonly identity: Identity;
  /** One of the credentials has no uses left: it only authenticates the repeat of a request that it opened before. */
  readonly isUsedUp: boolean;
}

interface Dependencies extends FailureLimit, ValidationServices {
  readonly store: ValidationServices['store'] & Pick<Store, 'credentials'>;
  readonly passcodeLookup: PasscodeLookup;
  readonly sealing: Sealing;
  /** Whom an API key stands for, if it may ask for certificates of the policy. */
  readonly verifyApiKey: (key: string) => Promise<UsedCredential>;
}

/**
 * @throws GatewayError `bad-secret` for a missing or wrong secret, `untrusted-signer` and `revoked-requester` for
 * certificates, `rate-limited` when the address has failed too often.
 */
export async function authenticate(input: AuthenticationInput, dependencies: Dependencies): Promise<Authenticated> {
  // Nobody guesses a private key: who shows no secret neither counts nor waits for others at the same address.
  if (!input.credentials.some(({ kind }) => secretKinds.has(kind))) return await verifyAll(input, dependencies);
  const attempt = { remoteAddress: input.remoteAddress, worth: failuresWorth(input.credentials) };
  return await countingFailures(attempt, dependencies, () => verifyAll(input, dependencies));
}

const secretKinds: ReadonlySet<PresentedCredential['kind']> = new Set(['password', 'mac', 'api-key']);

/**
 * As `authenticate`, for a would-be requester that shows no secrets, but is taken to know some. For questions about what would
 * be alone: it counts no failures.
 * @throws GatewayError as `authenticate` does
 */
export async function authenticateAssuming(
  input: AuthenticationInput,
  secrets: readonly VerifiedSecret[],
  dependencies: Dependencies,
): Promise<Authenticated> {
  return await verifyAll(input, dependencies, async () => secrets);
}

/** As how many failures one counts: a sender that makes the gateway work hard gets fewer of them. */
function failuresWorth(credentials: readonly PresentedCredential[]): number {
  const mac = credentials.find((credential) => credential.kind === 'mac');
  return 1 + Math.floor((mac?.work ?? 0) / 10);
}

async function verifyAll(
  input: AuthenticationInput,
  dependencies: Dependencies,
  secretsOf: () => Promise<readonly VerifiedSecret[]> = () => verifySecrets(input, dependencies),
): Promise<Authenticated> {
  const account = input.credentials.find((credential) => credential.kind === 'acme-account');
  if (account) return { identity: await verifySole(account, input, dependencies), isUsedUp: false };
  const operator = input.credentials.find((credential) => credential.kind === 'operator');
  if (operator) return { identity: identifyOperator(operator, input), isUsedUp: false };
  const apiKey = input.credentials.find((credential) => credential.kind === 'api-key');
  if (apiKey) return { identity: await verifyKeyHolder(apiKey, input, dependencies.verifyApiKey), isUsedUp: false };
  const presented = input.credentials.find((credential) => credential.kind === 'certificate');
  const signer =
    presented?.proof === 'message' ? await verifyPresented(presented, input, undefined, dependencies) : undefined;
  const secrets = isSufficient(signer, input) ? [] : await secretsOf();
  const [secret] = secrets;
  const certificate = signer ?? (presented && (await verifyPresented(presented, input, secret, dependencies)));
  requireCredentials(input, secret, certificate);

  const credentials: UsedCredential[] = [];
  for (const each of secrets) if (each.kind === 'credential') credentials.push(each.credential.used);
  if (certificate?.kind === 'credential') credentials.push(certificate.credential.used);
  const identity: Identity = {
    requester: nameRequester(certificate, secret, presented?.chain[0]),
    credentials,
    ...(certificate ? { certificateSubject: certificate.subject } : {}),
    ...(certificate?.kind === 'issued' ? { issuedCertificate: certificate.certificate } : {}),
  };
  return {
    identity,
    isUsedUp:
      secrets.some((each) => each.kind === 'credential' && each.credential.isUsedUp) ||
      (certificate?.kind === 'credential' && certificate.credential.isUsedUp),
  };
}

/** An account speaks for itself, beside nothing else; what it renews, it orders anew. */
async function verifySole(
  presented: Extract<PresentedCredential, { kind: 'acme-account' }>,
  {
    authentication,
    credentials,
    operation,
    accountAuthorization: authorization,
    at,
    remoteAddress,
  }: AuthenticationInput,
  { store }: Dependencies,
): Promise<Identity> {
  const isAsked = operation !== 'reenroll' && operation !== 'query';
  if (authorization === undefined || !isAsked || credentials.length > 1) {
    throw new GatewayError('untrusted-signer', 'an account does not authenticate this message');
  }
  return await verifyAccount({ presented, authentication, authorization, at, remoteAddress }, store);
}

/** What a message was authenticated with comes first: it names the requester of every further message, too. */
async function verifySecrets(input: AuthenticationInput, dependencies: Dependencies): Promise<VerifiedSecret[]> {
  const mac = input.credentials.find((credential) => credential.kind === 'mac');
  const password = input.credentials.find((credential) => credential.kind === 'password');
  const secrets: VerifiedSecret[] = [];
  for (const presented of [mac, password]) {
    if (presented) secrets.push(await verifySecret({ ...input, presented }, dependencies));
  }
  return secrets;
}

/**
 * The certificate alone authenticates a renewal, whatever passcode comes with it: many clients go on sending the one of
 * their first enrollment. Not looking at it also leaves nothing to guess at.
 */
function isSufficient(signer: VerifiedCertificate | undefined, input: AuthenticationInput): boolean {
  return isRenewal(input.operation, signer) && input.authentication.policy.require !== 'certificate-and-secret';
}

/** A bootstrap certificate is for a first operational one. */
function isRenewal(operation: AuthenticationInput['operation'], certificate: VerifiedCertificate | undefined): boolean {
  if (operation === 'message') return certificate?.kind === 'issued';
  if (operation !== 'either') return operation === 'reenroll';
  return certificate?.kind === 'issued' && certificate.certificate.usage !== 'bootstrap';
}

/**
 * A TLS stack sends whatever client certificate it has, so one that means nothing here is no harm where a good secret
 * suffices. One that was issued here and is revoked always is.
 */
async function verifyPresented(
  credential: PresentedCertificate,
  {
    authentication,
    method,
    at,
    remoteAddress,
    operation,
    acceptHeld = false,
    acceptRevoked = false,
  }: AuthenticationInput,
  secret: VerifiedSecret | undefined,
  dependencies: Dependencies,
): Promise<VerifiedCertificate | undefined> {
  // A renewal begins with a message that only says who sends it.
  const acceptExpired = operation === 'reenroll' || operation === 'either' || operation === 'message';
  try {
    return await verifyCertificate(
      { credential, method, at, remoteAddress, acceptExpired, acceptHeld, acceptRevoked },
      authentication,
      dependencies,
    );
  } catch (error) {
    const suffices =
      secret !== undefined && ['any', 'secret'].includes(authentication.policy.require) && operation === 'enroll';
    if (suffices && credential.proof === 'tls' && error instanceof GatewayError && error.code === 'untrusted-signer')
      return undefined;
    throw error;
  }
}

function requireCredentials(
  { authentication: { policy }, operation }: AuthenticationInput,
  secret: VerifiedSecret | undefined,
  certificate: VerifiedCertificate | undefined,
): void {
  if (operation === 'query') {
    if (!certificate) throw new GatewayError('untrusted-signer', 'authenticate with a certificate');
    return;
  }
  // RFC 7030 4.2.2: what is re-enrolled is the certificate that the client authenticates with.
  if (operation === 'reenroll' && certificate?.kind !== 'issued') {
    throw new GatewayError(
      'untrusted-signer',
      're-enrollment needs the certificate that is to be renewed as client certificate',
    );
  }
  if (isRenewal(operation, certificate) && policy.require !== 'certificate-and-secret') return;
  // The first message of a conversation may bring a secret besides; the others repeat no more than its protection.
  if (operation === 'message' && certificate) return;
  // It opens nothing: it is for who can show nothing else any more.
  if (secret?.kind === 'credential' && secret.credential.used.kind === 'revocation-passphrase') return;
  switch (policy.require) {
    case 'any':
      if (!secret && !certificate)
        throw new GatewayError('bad-secret', 'authenticate with a passcode, or with a certificate');
      return;
    case 'secret':
      if (!secret) throw new GatewayError('bad-secret', 'authenticate with a passcode');
      return;
    case 'certificate':
      if (!certificate) throw new GatewayError('untrusted-signer', 'authenticate with a client certificate');
      return;
    case 'certificate-and-secret':
      if (!certificate)
        throw new GatewayError(
          'untrusted-signer',
          'authenticate with a client certificate and a passcode; the certificate is missing',
        );
      if (!secret)
        throw new GatewayError(
          'bad-secret',
          'authenticate with a client certificate and a passcode; the passcode is missing',
        );
  }
}

function nameRequester(
  certificate: VerifiedCertificate | undefined,
  secret: VerifiedSecret | undefined,
  der: Uint8Array | undefined,
): string {
  if (certificate?.kind === 'issued')
    return `certificate:${certificate.certificate.issuerId}:${certificate.certificate.serialNumber}`;
  // Many devices share an authentication CA: their own certificates tell them apart.
  if (certificate && der)
    return `${certificate.credential.used.kind}:${certificate.credential.used.id}:${fingerprint(der)}`;
  if (secret?.kind === 'webhook') return `challenge-webhook:${secret.authenticationPolicy}`;
  return secret ? `${secret.credential.used.kind}:${secret.credential.used.id}` : 'nobody';
}
