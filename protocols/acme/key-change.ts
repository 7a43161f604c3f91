/** keyChange (RFC 8555 7.3.5): both keys sign that the account goes from one to the other. */
import { z } from 'zod';
import { GatewayError } from '../../src/errors.js';
import { originOf } from '../../src/protocol.js';
import { showAccount } from './account-object.js';
import type { AccountRequest, AcmeContext } from './context.js';
import { parseJsonObject } from './json.js';
import { readSignatureAlgorithm } from './jws/algorithms.js';
import { readJws } from './jws/message.js';
import { readPublicJwk, requireSoundKey, thumbprintOf } from './jws/public-jwk.js';
import { type SigningKey, signingKey, verifySignature } from './jws/signature.js';
import { readPayload } from './payload.js';
import { AcmeError } from './problem.js';
import { recorded } from './recorded.js';

export const changeKey = recorded('keyChange', async (request: AccountRequest, context) => {
  const { account, policy, exchange } = request;
  const { accounts, services } = context;
  const { jwk, thumbprint } = await readNewKey(request);
  requireSoundKey(jwk);
  await requireUnused(thumbprint, request, context);
  const changed = { ...account, keyThumbprint: thumbprint, jwk: JSON.stringify(jwk) };
  const event = {
    action: 'account.key-changed',
    outcome: 'success',
    subject: account.id,
    details: {
      policy: policy.name,
      oldThumbprint: account.keyThumbprint,
      keyThumbprint: thumbprint,
      ...originOf(exchange),
    },
  } as const;
  try {
    await services.commit([accounts.changeKey({ ...changed, oldThumbprint: account.keyThumbprint })], [event]);
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'duplicate-request') throw error;
    await requireUnused(thumbprint, request, context);
    throw new AcmeError('malformed', 'the account was changed by another message at the same time', {
      status: 409,
      code: 'duplicate-request',
    });
  }
  return showAccount(changed, request);
});

const subject = 'the inner JWS';
const keyChangeSchema = z.object({ account: z.string(), oldKey: z.unknown().optional() });

/** Checks 2 to 8 of RFC 8555 7.3.5. @throws AcmeError */
async function readNewKey({ account, kid, payload, urls }: AccountRequest): Promise<SigningKey> {
  const message = readJws(payload, subject);
  const { alg, url, nonce, jwk } = message.header;
  const algorithm = readSignatureAlgorithm(alg);
  if (jwk === undefined || message.header.kid !== undefined) {
    throw new AcmeError('malformed', `the protected header of ${subject} must have "jwk", the new key, and no "kid"`);
  }
  if (nonce !== undefined) throw new AcmeError('malformed', `${subject} must not have a nonce`);
  if (url !== urls.keyChange) throw new AcmeError('malformed', `${subject} must have the "url" of the outer one`);
  const key = signingKey(readPublicJwk(jwk, 'the new key'), algorithm, 'the new key');
  await verifySignature(message, key, subject);
  const change = readPayload(keyChangeSchema, parseJsonObject(message.payload, `the payload of ${subject}`));
  if (change.account !== kid) {
    throw new AcmeError('malformed', `"account" of ${subject} must be the URL of the account that signs the outer one`);
  }
  if (thumbprintOf(readPublicJwk(change.oldKey, 'the old key')) !== account.keyThumbprint) {
    throw new AcmeError('malformed', `"oldKey" of ${subject} is not the key of the account`);
  }
  return key;
}

/** @throws AcmeError of status 409, with the URL of the account that has the key (RFC 8555 7.3.5) */
async function requireUnused(
  keyThumbprint: string,
  { policy, urls }: AccountRequest,
  { accounts }: AcmeContext,
): Promise<void> {
  const owner = await accounts.findByKey({ policy: policy.name, keyThumbprint });
  if (owner === undefined) return;
  throw new AcmeError('malformed', 'the new key has an account already; use another one', {
    status: 409,
    code: 'duplicate-request',
    location: urls.account(owner.id),
  });
}
