/** The secret of a request: a passcode, or a challenge that the webhook of the authentication policy decides on. */
import type { ResolvedAuthenticationPolicy } from '../catalog/catalog.js';
import { GatewayError } from '../errors.js';
import type { PasscodeLookup } from '../keys/passcode-lookup.js';
import type { ChallengeWebhook } from '../model/authentication-policy.js';
import type { PresentedCredential } from '../model/presented-credential.js';
import type { Store } from '../store/store.js';
import type { VerifiedCredential } from './credential-conditions.js';
import { verifyPasscode } from './passcode.js';

/** Lets the webhook decide on a challenge. @throws GatewayError when it says no, or nothing */
export type AskWebhook = (webhook: ChallengeWebhook, challenge: string) => Promise<void>;

export type VerifiedSecret =
  | { readonly kind: 'passcode'; readonly credential: VerifiedCredential }
  /** The challenge webhook has said that it is good. */
  | { readonly kind: 'webhook'; readonly authenticationPolicy: string };

interface PresentedSecret {
  readonly authentication: ResolvedAuthenticationPolicy;
  readonly presented: Extract<PresentedCredential, { kind: 'password' }>;
  readonly at: Date;
  readonly remoteAddress: string;
  readonly askWebhook?: AskWebhook;
}

/** @throws GatewayError `bad-secret` for a wrong one, or as the webhook's check does */
export async function verifySecret(
  { authentication: { policy }, presented: { username, password }, at, remoteAddress, askWebhook }: PresentedSecret,
  dependencies: { readonly store: Pick<Store, 'credentials'>; readonly passcodeLookup: PasscodeLookup },
): Promise<VerifiedSecret> {
  const passcode = { authenticationPolicy: policy.name, passcode: password, at, remoteAddress };
  try {
    const credential = await verifyPasscode(
      username === undefined ? passcode : { ...passcode, username },
      dependencies.store.credentials,
      dependencies.passcodeLookup,
    );
    return { kind: 'passcode', credential };
  } catch (error) {
    const isWrong = error instanceof GatewayError && error.code === 'bad-secret';
    const { challengeWebhook } = policy;
    if (!isWrong || username !== undefined || challengeWebhook === undefined || askWebhook === undefined) throw error;
    await askWebhook(challengeWebhook, password);
    return { kind: 'webhook', authenticationPolicy: policy.name };
  }
}
