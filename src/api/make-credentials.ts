/** Reads what a request to the management API wants of new credentials, and proofs that come with it. */
import { verifyCaProof } from '../catalog/ca-possession.js';
import { CredentialProblem } from '../catalog/credential-definition.js';
import { completeCredentials } from '../catalog/new-credentials.js';
import { GatewayError } from '../errors.js';
import type { AuthenticationPolicy } from '../model/authentication-policy.js';
import type { CredentialConfig } from '../model/credential.js';
import { fromPem, toPem } from '../x509/pem.js';
import type { NewCredentialBody } from './credential-body.js';
import { InvalidFieldsError } from './invalid-fields.js';
import type { ApiServices } from './services.js';

/**
 * The credentials, each with its secret.
 * @throws InvalidFieldsError, and GatewayError for a proof that is missing or wrong
 */
export function readNewCredentials(
  body: NewCredentialBody,
  policy: AuthenticationPolicy,
  services: Pick<ApiServices, 'deriveKey' | 'clock'>,
): CredentialConfig[] {
  switch (body.kind) {
    case 'passcode':
    case 'cmp-secret':
      if (body.count !== undefined && (body.secret !== undefined || ('reference' in body && body.reference))) {
        const message = 'is for secrets that the gateway makes: leave secret and reference out, or count';
        throw new InvalidFieldsError(422, [{ path: ['count'], message }]);
      }
      return completeCredentials(body);
    case 'acme-account-key':
      return completeCredentials(body);
    case 'authentication-ca':
      return readAuthorities(body, policy, services);
    case 'authentication-certificate':
    case 'key-wrap-key':
      return [body];
  }
}

/** @throws InvalidFieldsError in place of a CredentialProblem */
export async function translatingProblems<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CredentialProblem)) throw error;
    throw new InvalidFieldsError(422, [error]);
  }
}

const mostAuthorities = 20;

function readAuthorities(
  { proof, ...config }: Extract<NewCredentialBody, { kind: 'authentication-ca' }>,
  policy: AuthenticationPolicy,
  { deriveKey, clock }: Pick<ApiServices, 'deriveKey' | 'clock'>,
): CredentialConfig[] {
  const chain = readChain(config.certificate);
  const [ca] = chain;
  const isChain = chain.length > 1;
  if (proof === undefined && policy.requireCaProof) {
    throw new GatewayError(
      'invalid-proof-of-possession',
      `authentication policy ${policy.name} takes CAs with a proof of possession only; ask for a challenge and send proof`,
    );
  }
  if (proof !== undefined && isChain) {
    const message = 'is of one CA; register each CA of the chain on its own, with its proof';
    throw new InvalidFieldsError(422, [{ path: ['proof'], message }]);
  }
  if (proof !== undefined && ca !== undefined) {
    const key = deriveKey('ca-possession');
    verifyCaProof({ authenticationPolicy: policy.name, ca, proof }, key, clock.now());
  }
  return chain.map((der, index) => ({
    ...config,
    name: isChain ? `${config.name}-${index + 1}` : config.name,
    certificate: toPem('CERTIFICATE', der),
  }));
}

function readChain(pem: string): Uint8Array[] {
  const path = ['certificate'];
  try {
    const chain = fromPem(pem, 'CERTIFICATE');
    if (chain.length > 0 && chain.length <= mostAuthorities) return chain;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new InvalidFieldsError(422, [{ path, message: `is not 1 to ${mostAuthorities} certificates in PEM` }]);
}
