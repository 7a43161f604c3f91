/** The secrets of a request: a passcode, a challenge that the webhook of the authentication policy decides on, or what a message's MAC was made with. */
import type { ResolvedAuthenticationPolicy } from '../catalog/catalog.js';
import { GatewayError } from '../errors.js';
import type { PasscodeLookup } from '../keys/passcode-lookup.js';
import type { Sealing } from '../keys/sealing.js';
import type { ChallengeWebhook } from '../model/authentication-policy.js';
import type { PresentedCredential } from '../model/presented-credential.js';
import type { Store } from '../store/store.js';
import type { VerifiedCredential } from './credential-conditions.js';
import { verifyMessageSecret } from './message-secret.js';
import { verifyPasscode } from './passcode.js';

/** Lets the webhook decide on a challenge. @throws GatewayError when it says no, or nothing */
export type AskWebhook = (webhook: ChallengeWebhook, challenge: string) => Promise<void>;

export type VerifiedSecret =
  | { readonly kind: 'credential'; readonly credential: VerifiedCredential }
  /** The challenge webhook has said that it is good. */
  | { readonly kind: 'webhook'; readonly authenticationPolicy: string };

export interface PresentedSecret {
  readonly authentication: ResolvedAuthenticationPolicy;
  readonly presented: Extract<PresentedCredential, { kind: 'password' | 'mac' }>;
  readonly at: Date;
  readonly remoteAddress: string;
  readonly askWebhook?: AskWebhook;
}

interface Dependencies {
  readonly store: Pick<Store, 'credentials'>;
  readonly passcodeLookup: PasscodeLookup;
  readonly sealing: Sealing;
}

/** @throws GatewayError `bad-secret` for a wrong one, or as the webhook's check does */
export async function verifySecret(secret: PresentedSecret, dependencies: Dependencies): Promise<VerifiedSecret> {
  const { authentication, presented, at, remoteAddress, askWebhook } = secret;
  const { policy } = authentication;
  const { store, passcodeLookup, sealing } = dependencies;
  const place = { authenticationPolicy: policy.name, at, remoteAddress };
  if (presented.kind === 'mac') {
    const credential = await verifyMessageSecret({ ...place, presented }, store.credentials, sealing);
    return { kind: 'credential', credential };
  }
  const { username, password } = presented;
  const passcode = { ...place, passcode: password };
  try {
    const credential = await verifyPasscode(
      username === undefined ? passcode : { ...passcode, username },
      store.credentials,
      passcodeLookup,
    );
    return { kind: 'credential', credential };
  } catch (error) {
    const isWrong = error instanceof GatewayError && error.code === 'bad-secret';
    const { challengeWebhook } = policy;
    if (!isWrong || username !== undefined || challengeWebhook === undefined || askWebhook === undefined) throw error;
    await askWebhook(challengeWebhook, password);
    return { kind: 'webhook', authenticationPolicy: policy.name };
  }
}
