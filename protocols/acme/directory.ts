/** The directory and newNonce (RFC 8555 7.1.1, 7.2). */
import type { Answer } from './answer.js';
import type { AcmeRequest } from './context.js';

export function directory({ policy, urls }: AcmeRequest): Answer {
  const { termsOfService, website, caaIdentities } = policy.acme;
  const json = {
    newNonce: urls.newNonce,
    newAccount: urls.newAccount,
    newOrder: urls.newOrder,
    newAuthz: urls.newAuthorization,
    revokeCert: urls.revokeCertificate,
    keyChange: urls.keyChange,
    renewalInfo: urls.renewalInfo,
    meta: {
      ...(termsOfService === undefined ? {} : { termsOfService }),
      ...(website === undefined ? {} : { website }),
      ...(caaIdentities.length === 0 ? {} : { caaIdentities }),
      externalAccountRequired: policy.wantsExternalAccount,
      // draft-ietf-acme-profiles: a map of names to what people are told.
      ...(policy.profiles.length === 0
        ? {}
        : { profiles: Object.fromEntries(policy.profiles.map(({ name, description = name }) => [name, description])) }),
    },
  };
  return { status: 200, json };
}

/** Every answer has a nonce; this one has nothing else. */
export function newNonce({ exchange }: AcmeRequest): Answer {
  return { status: exchange.method === 'HEAD' ? 200 : 204 };
}
