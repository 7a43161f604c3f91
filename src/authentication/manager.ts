/** Requests by who manages the gateway: with an API key, or made by the management API and jobs themselves. */
import type { ResolvedAuthenticationPolicy } from '../catalog/catalog.js';
import { GatewayError } from '../errors.js';
import type { PresentedCredential } from '../model/presented-credential.js';
import type { Method } from '../model/protocol-name.js';
import type { Identity, UsedCredential } from '../policy/identity.js';

interface Circumstances {
  readonly authentication: ResolvedAuthenticationPolicy;
  readonly method: Method;
  readonly credentials: readonly PresentedCredential[];
  readonly operation: string;
}

/** Whether requests with an API key get anywhere: it is a secret, and REST has room for it. */
export function acceptsApiKeys({ policy }: ResolvedAuthenticationPolicy): boolean {
  return policy.methods.includes('rest') && (policy.require === 'any' || policy.require === 'secret');
}

/**
 * A platform that speaks for devices: the certificate that its TLS stack has shown is not the device's, and is not looked at.
 * @throws GatewayError `forbidden` where no API key counts, or as `verify` does
 */
export async function verifyKeyHolder(
  { key }: Extract<PresentedCredential, { kind: 'api-key' }>,
  { authentication, method, credentials, operation }: Circumstances,
  verify: (key: string) => Promise<UsedCredential>,
): Promise<Identity> {
  if (method !== 'rest' || !acceptsApiKeys(authentication)) {
    throw new GatewayError('forbidden', `authentication policy ${authentication.policy.name} takes no API keys`);
  }
  if (operation !== 'enroll' && operation !== 'either') {
    throw new GatewayError('forbidden', 'with an API key devices are enrolled; authenticate this with the certificate');
  }
  if (credentials.some(({ kind }) => kind !== 'api-key' && kind !== 'certificate')) {
    throw new GatewayError('malformed-request', 'an API key comes without other secrets');
  }
  const used = await verify(key);
  return { requester: `api-key:${used.id}`, credentials: [used] };
}

/** The requester that records name. @param person `Actor.person` */
export function operatorRequester(person: string): string {
  return `operator:${person}`;
}

/** Who presents it has authenticated the operator: no message of a device does. */
export function identifyOperator(
  { name, person, device }: Extract<PresentedCredential, { kind: 'operator' }>,
  { method, credentials, operation }: Circumstances,
): Identity {
  if (!operatorMethods.has(method) || credentials.length > 1) {
    throw new GatewayError('internal', `an operator does not ask over ${method}`);
  }
  if (operation !== 'enroll' && operation !== 'either') {
    throw new GatewayError('forbidden', 'an operator renews on behalf of the holder of the certificate');
  }
  const used: UsedCredential = {
    id: person,
    kind: 'operator',
    name,
    ...(device === undefined ? {} : { registeredValues: { device } }),
  };
  return { requester: operatorRequester(person), credentials: [used] };
}

const operatorMethods: ReadonlySet<Method> = new Set<Method>(['rest', 'batch', 'portal']);
