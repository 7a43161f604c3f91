/** Revocation passphrases (RFC 9810 appendix B) as devices set and use them. */
import type { CmpClient, ExchangeWish } from './cmp/client.js';
import { infoTypes } from './cmp/identifiers.js';
import type { MacWish } from './cmp/macs.js';
import type { CmpCredential } from './cmp/message.js';
import type { CmpOutcome } from './cmp/outcome.js';
import { encryptedKey, localKeyId, type SealOptions, sealEnvelope } from './cmp/seal-envelope.js';
import type { CmpDevice } from './cmp-fleet.js';
import { eventsOf } from './records.js';
import type { TestGateway } from './test-gateway.js';

export const passphrase = 'what only this device and the gateway know';

/** The certificate that clients encrypt to, DER. */
export async function encryptionCertificate(client: CmpClient): Promise<Uint8Array> {
  const { body } = await client.genm('caProtEncCert');
  const [info] = body?.type === 'genp' ? body.infos : [];
  if (info?.value === undefined) throw new Error('no encryption certificate');
  return info.value;
}

export interface PassphraseWish extends Pick<SealOptions, 'recipient' | 'damage' | 'attributes'> {
  readonly passphrase: string | Uint8Array;
  /** What names it; nothing is said of that when absent. */
  readonly keyId?: string | Uint8Array;
}

/** DER EncryptedKey. */
export function sealPassphrase({ passphrase, keyId, attributes = [], ...wish }: PassphraseWish): Uint8Array {
  const named = keyId === undefined ? [] : [localKeyId(Buffer.from(keyId))];
  return encryptedKey(
    sealEnvelope({ content: Buffer.from(passphrase), ...wish, attributes: [...named, ...attributes] }),
  );
}

/** The genm that sets it. */
export function setPassphrase(
  client: CmpClient,
  wish: PassphraseWish,
  exchange: ExchangeWish = {},
): Promise<CmpOutcome> {
  return client.genm('revPassphrase', sealPassphrase(wish), { header: { pvno: 3 }, ...exchange });
}

/** Whether the answer says that a passphrase was set. */
export function isTaken({ body }: CmpOutcome): boolean {
  const infos = body?.type === 'genp' ? body.infos : [];
  return infos.length === 1 && infos[0]?.type === infoTypes.revPassphrase && infos[0].value === undefined;
}

/** Protection by a passphrase. */
export function byPassphrase(
  reference: string,
  secret: string | Uint8Array,
  algorithm: MacWish = { type: 'pbm' },
): CmpCredential & { kind: 'mac' } {
  return { kind: 'mac', reference, secret, algorithm };
}

/** An rr by a passphrase that is not the right one: the gateway does not know whose MAC it is, and signs its refusal. */
export function guess(client: CmpClient, { certificate }: CmpDevice, credential: CmpCredential): Promise<CmpOutcome> {
  return client.revoke({ certificate: certificate.raw, credential, unchecked: ['protectionKind'] });
}

/** How often one has been set. */
export async function passphrasesSet(test: TestGateway): Promise<number> {
  return (await eventsOf(test, 'device.passphrase-set')).length;
}
