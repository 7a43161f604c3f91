/** Who makes this request? Verifies every credential that was presented and demands those that the policy asks for. */
import type { ResolvedAuthenticationPolicy } from '../catalog/catalog.js';
import { GatewayError } from '../errors.js';
import type { PasscodeLookup } from '../keys/passcode-lookup.js';
import type { Sealing } from '../keys/sealing.js';
import type { MinuteCounter } from '../minute-counter.js';
import type { PresentedCredential } from '../model/presented-credential.js';
import type { Identity, UsedCredential } from '../policy/identity.js';
import type { Store } from '../store/store.js';
import { fingerprint } from '../x509/certificate.js';
import { remoteNetwork } from '../x509/remote-network.js';
import { type AccountAuthorization, verifyAccount } from './acme-account.js';
import { type PresentedCertificate, type VerifiedCertificate, verifyCertificate } from './client-certificate.js';
import { type AskWebhook, type VerifiedSecret, verifySecret } from './secret.js';

export interface AuthenticationInput {
  readonly authentication: ResolvedAuthenticationPolicy;
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

interface Dependencies {
  readonly store: Pick<Store, 'certificates' | 'credentials'>;
  readonly passcodeLookup: PasscodeLookup;
  readonly sealing: Sealing;
  /** Failures with a secret, by remote network. */
  readonly failures: MinuteCounter;
  readonly failuresPerMinute: number;
  readonly authenticationPolicyOf: (policy: string) => string | undefined;
  /** DER certificates from a generation of a CA up to and including the root. */
  readonly chainOf: (generation: string) => readonly Uint8Array[];
}

/**
 * @throws GatewayError `bad-secret` for a missing or wrong secret, `untrusted-signer` and `revoked-requester` for
 * certificates, `rate-limited` when the address has failed too often.
 */
export async function authenticate(input: AuthenticationInput, dependencies: Dependencies): Promise<Authenticated> {
  // Nobody guesses a private key: who shows no secret neither counts nor waits for others at the same address.
  if (!input.credentials.some(({ kind }) => kind === 'password' || kind === 'mac'))
    return await verifyAll(input, dependencies);
  const { failures, failuresPerMinute } = dependencies;
  const network = remoteNetwork(input.remoteAddress);
  if (failures.count(network) >= failuresPerMinute) {
    throw new GatewayError('rate-limited', 'too many failed authentications from this address; wait and try again', {
      retryAfterSeconds: failures.secondsLeft(network),
    });
  }
  // Beforehand: those that come at the same time must not all be verified first.
  const advance = failuresWorth(input.credentials) - 1;
  if (advance > 0) failures.add(network, advance);
  try {
    const authenticated = await verifyAll(input, dependencies);
    failures.remove(network, advance);
    return authenticated;
  } catch (error) {
    // A database in trouble is nobody's failure.
    const isFailure = error instanceof GatewayError && error.code !== 'unavailable' && error.code !== 'internal';
    if (isFailure) failures.add(network);
    else failures.remove(network, advance);
    throw error;
  }
}

/** As how many failures one counts: a sender that makes the gateway work hard gets fewer of them. */
function failuresWorth(credentials: readonly PresentedCredential[]): number {
  const mac = credentials.find((credential) => credential.kind === 'mac');
  return 1 + Math.floor((mac?.work ?? 0) / 10);
}

async function verifyAll(input: AuthenticationInput, dependencies: Dependencies): Promise<Authenticated> {
  const account = input.credentials.find((credential) => credential.kind === 'acme-account');
  if (account) return { identity: await verifySole(account, input, dependencies), isUsedUp: false };
  const operator = input.credentials.find((credential) => credential.kind === 'operator');
  if (operator) return { identity: describeOperator(operator), isUsedUp: false };
  const presented = input.credentials.find((credential) => credential.kind === 'certificate');
  const signer =
    presented?.proof === 'message' ? await verifyPresented(presented, input, undefined, dependencies) : undefined;
  const secrets = isSufficient(signer, input) ? [] : await verifySecrets(input, dependencies);
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

/** Authenticated and allowed to ask by who presents it. */
function describeOperator({ name, person, device }: Extract<PresentedCredential, { kind: 'operator' }>): Identity {
  const registered = device === undefined ? {} : { registeredValues: { device } };
  return { requester: `operator:${person}`, credentials: [{ id: person, kind: 'operator', name, ...registered }] };
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
  { authentication, at, remoteAddress, operation, acceptHeld = false, acceptRevoked = false }: AuthenticationInput,
  secret: VerifiedSecret | undefined,
  dependencies: Dependencies,
): Promise<VerifiedCertificate | undefined> {
  // A renewal begins with a message that only says who sends it.
  const acceptExpired = operation === 'reenroll' || operation === 'either' || operation === 'message';
  try {
    return await verifyCertificate(
      { credential, at, remoteAddress, acceptExpired, acceptHeld, acceptRevoked },
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
