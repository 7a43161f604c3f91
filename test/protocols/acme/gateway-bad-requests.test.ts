/** Certificate requests that are not what was ordered (RFC 8555 7.4): badCSR in one sentence, and the order stays ready. */
import { createPublicKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { boolean, sequence } from '../../../src/x509/der-writer.js';
import type { Extension } from '../../../src/x509/extensions.js';
import type { GeneralName } from '../../../src/x509/general-names.js';
import type { AcmeClient } from '../../support/acme/client.js';
import { certificatesIn, csrFor } from '../../support/acme/flow.js';
import { base64url } from '../../support/acme/jws.js';
import { type Order, readOrder } from '../../support/acme/objects.js';
import { type AcmeFleet, startAcmeFleet } from '../../support/acme-fleet.js';
import { type AcmeRefusal, expectProblem } from '../../support/acme-refusals.js';
import { applyYaml, policyLike } from '../../support/fleet.js';
import { flipped } from '../../support/flipped.js';
import { makeCsr, newKey, spkiOf } from '../../support/make-csr.js';
import { closePrimesKey, rocaKey, shortRsaKey, smallExponentKey } from '../../support/weak-keys.js';

const name = 'pump-1.plant.example';
const dns = (value: string): GeneralName => ({ type: 'dns', value });

let fleet: AcmeFleet;
let client: AcmeClient;
let order: Order;

beforeAll(async () => {
  fleet = await startAcmeFleet();
  client = await fleet.clientWithAccount('bound');
  order = readOrder(await client.newOrder({ identifiers: [name, '*.plant.example'] }));
});
afterAll(() => fleet.close());

const badCsr = (code: AcmeRefusal['code']): AcmeRefusal => ({ status: 400, type: 'badCSR', code });
const wrongName = badCsr('rejected-name');
const wrongKey = badCsr('unacceptable-key');
const wrongForm = badCsr('malformed-request');

/** What was ordered. */
const both = [dns(name), dns('*.plant.example')];
const authority: Extension = { id: '2.5.29.19', critical: true, value: sequence(boolean(true)) };
const ordered = (more: Parameters<typeof makeCsr>[0]) =>
  makeCsr({ key: newKey(), subject: '', alternatives: both, ...more });

const table: readonly [string, () => Uint8Array, AcmeRefusal][] = [
  ['a name that is missing', () => ordered({ alternatives: [dns(name)] }), wrongName],
  ['no names', () => ordered({ alternatives: [] }), wrongName],
  ['a name more', () => ordered({ alternatives: [...both, dns('evil.example')] }), wrongName],
  ['a common name of its own', () => ordered({ subject: 'CN=evil.example' }), wrongName],
  ['an address', () => ordered({ alternatives: [...both, { type: 'ip', value: '127.0.0.1' }] }), wrongName],
  ['a mailbox', () => ordered({ alternatives: [...both, { type: 'email', value: 'a@plant.example' }] }), wrongName],
  ['a URI', () => ordered({ alternatives: [...both, { type: 'uri', value: 'https://plant.example' }] }), wrongName],
  [
    'a user principal name',
    () =>
      ordered({
        alternatives: [
          ...both,
          { type: 'otherName', typeId: '1.3.6.1.4.1.311.20.2.3', value: Uint8Array.of(12, 1, 65) },
        ],
      }),
    wrongName,
  ],
  ['a short RSA key', () => ordered({ key: shortRsaKey() }), wrongKey],
  ['an RSA key of a small exponent', () => ordered({ key: smallExponentKey() }), wrongKey],
  ['a ROCA key', () => ordered({ key: rocaKey() }), wrongKey],
  ['an RSA key of close primes', () => ordered({ key: closePrimesKey() }), wrongKey],
  [
    "the account's own key (RFC 8555 11.1)",
    () => ordered({ key: { privateKey: client.key.privateKey, publicKey: createPublicKey(client.key.privateKey) } }),
    wrongKey,
  ],
  ['a signature by another key', () => ordered({ signedBy: newKey() }), badCsr('invalid-proof-of-possession')],
  ['a bit of its public key changed', () => ordered({ subjectPublicKeyInfo: flipped(spkiOf(newKey())) }), wrongKey],
  ['the extensions of a CA', () => ordered({ extensions: [authority] }), badCsr('rejected-power')],
  ['octets after its end', () => Buffer.concat([ordered({}), Buffer.of(0)]), wrongForm],
  ['half of it', () => ordered({}).subarray(0, 100), wrongForm],
  ['no request at all', () => Buffer.from('hello'), wrongForm],
];

describe('A request is badCSR with', () => {
  it.each(table)('%s', async (_, makeRequest, refusal) => {
    await expectProblem(fleet, () => client.finalize(order.finalize, makeRequest()), refusal);
  });

  it('nothing of it, or no base64url: that is malformed', async () => {
    const malformed = { status: 400, type: 'malformed', code: 'malformed-request' } as const;
    const csr = base64url(ordered({}));
    for (const payload of [{}, { csr: '' }, { csr: 7 }, { csr: `${csr}=` }, { csr: `+/${csr}` }]) {
      await expectProblem(fleet, () => client.post(order.finalize, payload), malformed);
    }
  });

  it('a name that the profile refuses, in the words of the rule (7.4)', async () => {
    const own = 'authenticationPolicy: hosts, methods: [acme], keyGeneration: [device]';
    await applyYaml(fleet.test, policyLike('strict', `${own}, acme: { authorization: externalAccount }`));
    const strict = await fleet.clientWithAccount('strict');
    const made = await strict.newOrder({ identifiers: [name] });
    const { finalize } = readOrder(made);
    const csr = makeCsr({ key: newKey(), subject: `OU=a,OU=b,OU=c,CN=${name}` });
    const refusal = { ...wrongName, says: 'organizationalUnitName' };
    await expectProblem(fleet, () => strict.finalize(finalize, csr), refusal);
    expect(readOrder(await strict.fetch(made.location ?? '')).status).toBe('ready');
  });
});

describe('The order of all these', () => {
  it('is ready all the while, and fulfilled by a good request once', async () => {
    const url = order.finalize.replace(/\/finalize$/, '');
    expect(readOrder(await client.fetch(url)).status).toBe('ready');
    const key = newKey();
    const csr = ordered({ key, subject: `CN=${name}` });
    const { certificate = '' } = readOrder(await client.finalize(order.finalize, csr));
    const [issued] = certificatesIn(await client.fetch(certificate));
    expect(issued?.checkPrivateKey(key.privateKey)).toBe(true);
    expect(issued?.subjectAltName).toBe(`DNS:${name}, DNS:*.plant.example`);
    const used = { status: 403, type: 'orderNotReady', code: 'invalid-state' } as const;
    await expectProblem(fleet, () => client.finalize(order.finalize, csrFor([name], newKey())), used);
  });
});
