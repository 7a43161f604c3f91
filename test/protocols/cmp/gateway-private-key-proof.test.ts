/** Proof of possession with a key of the gateway's (RFC 4211 4.2 and 4.3): agreeMAC and encryptedKey. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sequence } from '../../../src/x509/der-writer.js';
import type { CmpClient, EnrollWish } from '../../support/cmp/client.js';
import { generalName } from '../../support/cmp/header.js';
import { contentIds } from '../../support/cmp/identifiers.js';
import type { MacWish } from '../../support/cmp/macs.js';
import { issuedBy } from '../../support/cmp/outcome.js';
import type { PossessionWish } from '../../support/cmp/possession.js';
import { encKeyWithId, type SealRecipient, sealEnvelope } from '../../support/cmp/seal-envelope.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { byMac, cmpPolicy, enrolled, startCmpFleet } from '../../support/cmp-fleet.js';
import { expectRejected } from '../../support/cmp-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import { type KeyPair, newKey, rsaKey } from '../../support/make-csr.js';
import type { TestGateway } from '../../support/test-gateway.js';

const p384 = () => generateKeyPairSync('ec', { namedCurve: 'P-384' });
const version3 = { header: { pvno: 3 } };
const popFailure = { failInfo: 'badPOP', code: 'invalid-proof-of-possession' } as const;

const macFailure = { body: 'ip', failInfo: 'badAlg', code: 'unsupported-algorithm' } as const;

let test: TestGateway;
let client: CmpClient;
/** Of a policy that takes one MAC algorithm. */
let choosy: CmpClient;

beforeAll(async () => {
  test = await startCmpFleet({ cmp: 'keyReuse: true' });
  await applyYaml(test, cmpPolicy('choosy', 'macAlgorithms: [pbm-hmac-sha256]'));
  client = createCmpClient(test, { label: 'cmp', credential: byMac });
  choosy = createCmpClient(test, { label: 'choosy', credential: byMac });
});
afterAll(async () => {
  client.close();
  choosy.close();
  await test.close();
});

type Use = 'keyEncipherment' | 'keyAgreement';

const kinds: readonly [string, Use, () => KeyPair][] = [
  ['an RSA key', 'keyEncipherment', () => rsaKey],
  ['a P-256 key', 'keyAgreement', newKey],
  ['a P-384 key', 'keyAgreement', p384],
];

describe('agreeMAC (RFC 4211 4.3)', () => {
  /** The key of the certificate that the gateway signs its answers with, which the client has seen. */
  async function keyOfGateway() {
    const { credential } = await enrolled(test);
    const { message } = await client.genm('signKeyPairTypes', undefined, { credential });
    const [certificate] = message?.extraCerts ?? [];
    if (certificate === undefined) throw new Error('no certificate');
    return certificate.publicKey;
  }

  it.each([
    ['PasswordBasedMac', { type: 'pbm' }, version3],
    ['PBMAC1', { type: 'pbmac1' }, version3],
    ['PBMAC1, although the message is of version 2,', { type: 'pbmac1' }, {}],
  ] as const)("by %s proves the key with the gateway's CMP key", async (_, mac, version) => {
    const key = newKey();
    const possession: PossessionWish = { kind: 'agreeMac', caKey: await keyOfGateway(), mac };
    const outcome = await client.ir({ key, subject: 'CN=agreed', possession, ...version });
    expect(outcome).toMatchObject({ body: { type: 'ip' }, pkiStatus: 'accepted' });
    expect(issuedBy(outcome).publicKey.equals(key.publicKey)).toBe(true);
  });

  it('that is damaged, or by another key: badPOP', async () => {
    const caKey = await keyOfGateway();
    for (const wrong of [{ caKey, isDamaged: true }, { caKey: newKey().publicKey }]) {
      const possession: PossessionWish = { kind: 'agreeMac', ...wrong };
      await expectRejected(test, () => client.ir({ key: newKey(), possession, ...version3 }), {
        body: 'ip',
        ...popFailure,
      });
    }
  });

  it('by an algorithm that the policy does not take: badAlg', async () => {
    const possession: PossessionWish = { kind: 'agreeMac', caKey: await keyOfGateway(), mac: { type: 'pbmac1' } };
    await expectRejected(test, () => choosy.ir({ key: newKey(), possession, ...version3 }), macFailure);
  });

  it('of a key on another curve: badPOP', async () => {
    const key = p384();
    const possession: PossessionWish = { kind: 'agreeMac', caKey: p384().publicKey };
    await expectRejected(test, () => client.ir({ key, possession, ...version3 }), {
      body: 'ip',
      ...popFailure,
      says: 'cannot agree',
    });
  });
});

describe('publicKeyMAC (RFC 4211 4.1)', () => {
  it('by an algorithm that the policy does not take: badAlg', async () => {
    const by = (mac: MacWish): PossessionWish => {
      return { kind: 'signature', input: { publicKeyMac: { secret: byMac.secret, mac } } };
    };
    const taken = await choosy.ir({ key: newKey(), possession: by({ type: 'pbm' }) });
    expect(taken).toMatchObject({ pkiStatus: 'accepted' });
    await expectRejected(test, () => choosy.ir({ key: newKey(), possession: by({ type: 'pbmac1' }) }), macFailure);
  });
});

describe('encryptedKey (RFC 4211 4.2, RFC 9810 5.2.8.3.1)', () => {
  let recipient: Uint8Array;

  beforeAll(async () => {
    const { body } = await client.genm('caProtEncCert');
    const [info] = body?.type === 'genp' ? body.infos : [];
    recipient = info?.value ?? new Uint8Array();
  });

  interface Sealing {
    readonly content: Uint8Array;
    readonly contentType: string;
    readonly recipient: SealRecipient;
  }

  function sealed({ privateKey }: KeyPair, owner: string | Uint8Array | undefined, changes: Partial<Sealing> = {}) {
    return sealEnvelope({
      content: encKeyWithId(privateKey, owner),
      contentType: contentIds.encKeyWithId,
      recipient: { kind: 'certificate', certificate: recipient },
      ...changes,
    });
  }

  const self = generalName(`CN=${byMac.reference}`);

  const wish = (key: KeyPair, use: Use, envelope: Uint8Array): EnrollWish => ({
    key,
    subject: 'CN=reader',
    possession: { kind: 'encryptedKey', use, envelope },
    ...version3,
  });

  it.each(kinds)('with %s proves that its sender has it', async (_, use, makeKey) => {
    const key = makeKey();
    const outcome = await client.ir(wish(key, use, sealed(key, self)));
    expect(outcome).toMatchObject({ body: { type: 'ip' }, pkiStatus: 'accepted' });
    expect(issuedBy(outcome).publicKey.equals(key.publicKey)).toBe(true);
  });

  it('is read by the secret of the message as well', async () => {
    const key = newKey();
    const envelope = sealed(key, self, { recipient: { kind: 'password', password: byMac.secret } });
    expect(await client.ir(wish(key, 'keyAgreement', envelope))).toMatchObject({ pkiStatus: 'accepted' });
  });

  it('names its owner by the subject of the certificate as well', async () => {
    const key = newKey();
    const envelope = sealed(key, generalName('CN=reader'));
    expect(await client.ir(wish(key, 'keyAgreement', envelope))).toMatchObject({ pkiStatus: 'accepted' });
  });

  it('names its owner by the reference of the secret as well', async () => {
    const key = newKey();
    const envelope = sealed(key, byMac.reference);
    expect(await client.ir(wish(key, 'keyAgreement', envelope))).toMatchObject({ pkiStatus: 'accepted' });
  });

  it.each<[string, (key: KeyPair) => Uint8Array]>([
    ['another key', () => sealed(newKey(), self)],
    ['no owner', (key) => sealed(key, undefined)],
    ['another owner', (key) => sealed(key, generalName('CN=somebody'))],
    ["another owner's reference", (key) => sealed(key, 'somebody')],
    ['another content type', (key) => sealed(key, self, { contentType: contentIds.data })],
    ['another password', (key) => sealed(key, self, { recipient: { kind: 'password', password: 'other' } })],
    ['garbage', (key) => sealed(key, self, { content: Buffer.from('garbage') })],
  ])('with %s: badPOP', async (_, envelopeOf) => {
    const key = newKey();
    await expectRejected(test, () => client.ir(wish(key, 'keyAgreement', envelopeOf(key))), {
      body: 'ip',
      ...popFailure,
      says: 'has not the private key',
    });
  });

  it('of version 2 is taken, too', async () => {
    const key = newKey();
    const { header: _, ...wanted } = wish(key, 'keyAgreement', sealed(key, self));
    expect((await client.ir(wanted)).pkiStatus).toBe('accepted');
  });

  it('to another recipient: badPOP', async () => {
    const { certificate } = await enrolled(test, { key: rsaKey, name: 'reader' });
    const key = newKey();
    const envelope = sealed(key, self, { recipient: { kind: 'certificate', certificate: certificate.raw } });
    await expectRejected(test, () => client.ir(wish(key, 'keyAgreement', envelope)), {
      body: 'ip',
      ...popFailure,
      says: 'genm',
    });
  });

  it('that is no EnvelopedData: badDataFormat', () =>
    expectRejected(test, () => client.ir(wish(newKey(), 'keyAgreement', sequence(sequence()))), {
      body: 'ip',
      failInfo: 'badDataFormat',
      code: 'malformed-request',
    }));
});
