/** The clients of the protocols, behind one interface. */
import { X509Certificate } from 'node:crypto';
import type { ErrorCode } from '../../src/errors.js';
import { toPem } from '../../src/x509/pem.js';
import { type AcmeClient, createAcmeClient } from '../support/acme/client.js';
import { certificatesIn } from '../support/acme/flow.js';
import { problemUrn, readOrder, readProblem } from '../support/acme/objects.js';
import type { AcmeAnswer } from '../support/acme/transport.js';
import { requestIdOf } from '../support/acme-refusals.js';
import type { CmpClient } from '../support/cmp/client.js';
import type { CmpCredential, SentMessage } from '../support/cmp/message.js';
import { type CmpOutcome, outcomeOf as outcomeOfMessage } from '../support/cmp/outcome.js';
import { readMessage } from '../support/cmp/read-message.js';
import { createCmpClient } from '../support/cmp-client.js';
import { type Answer, certificateOf, createEstClient, type TlsIdentity } from '../support/est-client.js';
import { fleet, fleetPasscode, makePasscode, policyLike } from '../support/fleet.js';
import { type KeyPair, makeCsr } from '../support/make-csr.js';
import { createRestClient, csrPem, issuedOf } from '../support/rest-client.js';
import { createScepClient, type ScepOutcome, type ScepWish } from '../support/scep-client.js';
import type { TestGateway } from '../support/test-gateway.js';

/** What a device wants, in no protocol's words. */
export interface Wish {
  readonly label: string;
  readonly key: KeyPair;
  readonly commonName: string;
  readonly passcode?: string;
  /** Authenticates the request; to renew itself where there is no passcode. */
  readonly identity?: TlsIdentity;
}

/** What came back, as the protocol's client understands it. */
export type Outcome =
  | { readonly outcome: 'issued'; readonly certificate: X509Certificate }
  | { readonly outcome: 'pending'; readonly requestId: string }
  /** `wire`: the protocol's own word for the refusal. */
  | { readonly outcome: 'refused'; readonly wire: string; readonly requestId: string };

export interface Driver {
  readonly protocol: string;
  /** Of a credential that opens one enrollment under the policy `fleet`. */
  limitedPasscode(): Promise<string>;
  enroll(wish: Wish): Promise<Outcome>;
  /** The protocol's words, from its RFC. */
  readonly wire: Readonly<Record<Refusal, string>>;
}

export type Refusal = Extract<ErrorCode, 'rejected-name' | 'bad-secret' | 'unacceptable-key' | 'not-found'>;

/** Of a protocol where a certificate authenticates the request for its successor. */
export interface RenewingDriver extends Driver {
  reenroll(wish: Wish & { readonly identity: TlsIdentity }): Promise<Outcome>;
  readonly wire: Readonly<Record<Refusal | 'revoked-requester', string>>;
}

function createEstDriver(test: TestGateway): RenewingDriver {
  async function ask(operation: string, { label, key, commonName, passcode, identity }: Wish): Promise<Outcome> {
    const est = createEstClient(test, {
      label,
      ...(passcode === undefined ? {} : { passcode }),
      ...(identity && { identity }),
    });
    const answer = await est.post(operation, makeCsr({ key, subject: `CN=${commonName}` }));
    est.close();
    return outcomeOf(answer);
  }

  function outcomeOf(answer: Answer): Outcome {
    const { status, requestId } = answer;
    if (status === 200) return { outcome: 'issued', certificate: certificateOf(answer) };
    return status === 202 ? { outcome: 'pending', requestId } : { outcome: 'refused', wire: String(status), requestId };
  }

  return {
    protocol: 'est',
    limitedPasscode: () => makePasscode(test, { usageLimit: 1 }),
    enroll: (wish) => ask('simpleenroll', wish),
    reenroll: (wish) => ask('simplereenroll', wish),
    wire: {
      'rejected-name': '400',
      'bad-secret': '401',
      'unacceptable-key': '400',
      'revoked-requester': '403',
      'not-found': '404',
    },
  };
}

function createScepDriver(test: TestGateway): RenewingDriver {
  async function ask(type: 'PKCSReq' | 'RenewalReq', { label, commonName, passcode, ...wish }: Wish): Promise<Outcome> {
    const scep = createScepClient(test, { label });
    const challenge = passcode === undefined ? {} : { challenge: passcode };
    const wanted = { ...wish, ...challenge, subject: `CN=${commonName}`, message: { type } };
    // Who gets no RA certificate has nothing to encrypt to; whoever sends a message all the same is refused as well.
    const isKnown = (await scep.get('operation=GetCACert')).status === 200;
    const outcome = isKnown
      ? await scep.enroll(wanted)
      : { answer: await scep.pkiOperation(await makeElsewhere(wanted)) };
    scep.close();
    return outcomeOf(outcome);
  }

  async function makeElsewhere(wish: ScepWish): Promise<Uint8Array> {
    const scep = createScepClient(test, { label: 'fleet' });
    const message = await scep.makeRequest(wish);
    scep.close();
    return message;
  }

  function outcomeOf({ answer: { status, requestId }, reply, certificate }: ScepOutcome): Outcome {
    if (certificate !== undefined) return { outcome: 'issued', certificate };
    if (reply?.pkiStatus === 'PENDING') return { outcome: 'pending', requestId };
    return { outcome: 'refused', wire: reply?.failInfo ?? String(status), requestId };
  }

  return {
    protocol: 'scep',
    limitedPasscode: () => makePasscode(test, { usageLimit: 1 }),
    enroll: (wish) => ask('PKCSReq', wish),
    reenroll: (wish) => ask('RenewalReq', wish),
    wire: {
      'rejected-name': 'badRequest',
      'bad-secret': 'badRequest',
      'unacceptable-key': 'badRequest',
      'revoked-requester': 'badRequest',
      'not-found': '404',
    },
  };
}

/** CMP's secrets by what the others call a passcode; they are found by their references. */
const references: ReadonlyMap<string, string> = new Map([
  [fleetPasscode, 'fleet'],
  ['limited-secret', 'limited'],
]);

/** ACME's external accounts, likewise. */
const externalAccounts: ReadonlyMap<string, string> = new Map([
  [fleetPasscode, 'fleet'],
  ['limited-account', 'limited'],
]);

/** base64url: what ACME's MAC keys are here, given what the others call a passcode. */
function macKeyOf(passcode: string): string {
  return Buffer.from(`${passcode} of an account`).toString('base64url');
}

/** {@link fleet} with what the drivers need. */
export const matrixConfiguration = fleet
  .replace(
    'credentials:\n',
    `credentials:
      - { kind: cmp-secret, name: limited, reference: limited, secret: limited-secret, usageLimit: 1 }
      - { kind: acme-account-key, name: acme, keyId: fleet, hmacKey: ${macKeyOf(fleetPasscode)} }
      - { kind: acme-account-key, name: acme-once, keyId: limited, hmacKey: ${macKeyOf('limited-account')}, usageLimit: 1 }
`,
  )
  .replace(
    'methods: [est, scep, cmp]',
    'methods: [est, scep, cmp, acme, rest]\n    acme: { authorization: externalAccount }',
  );

/** A further policy that all drivers speak to; `changes` in YAML's flow style. */
export function matrixPolicy(name: string, changes: string): string {
  return policyLike(
    name,
    `methods: [est, scep, cmp, acme, rest], acme: { authorization: externalAccount }, ${changes}`,
  );
}

function createCmpDriver(test: TestGateway): RenewingDriver {
  const { authority } = test.gateway.core;
  const chain = authority.chain(authority.issuer('devices').id);
  // Who asks again sends the same message, or polls when told to wait.
  const messages = new Map<Wish, SentMessage>();
  const waiting = new Map<Wish, CmpOutcome>();

  async function ask(type: 'ir' | 'kur', wish: Wish): Promise<Outcome> {
    const cmp = createCmpClient(test, { label: wish.label, credential: credentialOf(wish) });
    try {
      const earlier = waiting.get(wish);
      const outcome = earlier ? await cmp.poll(earlier) : await sendOnce(cmp, type, wish);
      const isWaiting = outcome.pkiStatus === 'waiting' || outcome.body?.type === 'pollRep';
      if (isWaiting) waiting.set(wish, outcome);
      return outcomeOf(outcome, isWaiting);
    } finally {
      cmp.close();
    }
  }

  async function sendOnce(cmp: CmpClient, type: 'ir' | 'kur', wish: Wish): Promise<CmpOutcome> {
    const { key, commonName } = wish;
    const sent =
      messages.get(wish) ?? cmp.makeRequest(type, { key, subject: `CN=${commonName}`, implicitConfirm: true });
    messages.set(wish, sent);
    const answer = await cmp.send(sent.der);
    const message = answer.status === 200 ? { message: readMessage(answer.body) } : {};
    return outcomeOfMessage({ sent, earlier: [], certReqId: 0, answer, ...message });
  }

  function credentialOf({ passcode = '', identity }: Wish): CmpCredential {
    return identity
      ? { kind: 'certificate', privateKey: identity.privateKey, chain: [...identity.chain, ...chain] }
      : { kind: 'mac', reference: references.get(passcode) ?? 'fleet', secret: passcode };
  }

  function outcomeOf({ answer, certificate, failInfo }: CmpOutcome, isWaiting: boolean): Outcome {
    const { status, requestId } = answer;
    if (certificate !== undefined) return { outcome: 'issued', certificate };
    return isWaiting
      ? { outcome: 'pending', requestId }
      : { outcome: 'refused', wire: status === 200 ? failInfo.join(' ') : String(status), requestId };
  }

  return {
    protocol: 'cmp',
    limitedPasscode: async () => 'limited-secret',
    enroll: (wish) => ask('ir', wish),
    reenroll: (wish) => ask('kur', wish),
    wire: {
      'rejected-name': 'badCertTemplate',
      'bad-secret': 'badMessageCheck',
      'unacceptable-key': 'badCertTemplate',
      'revoked-requester': 'certRevoked',
      'not-found': '404',
    },
  };
}

function createAcmeDriver(test: TestGateway): Driver {
  const { core, listeners } = test.gateway;
  const base = `https://localhost:${listeners.deviceTlsPort}/acme`;
  const roots = toPem('CERTIFICATE', core.authority.chain(core.authority.issuer('root').id)[0] ?? new Uint8Array());
  // Who asks again fetches the order.
  const orders = new Map<Wish, Placed>();

  async function enroll(wish: Wish): Promise<Outcome> {
    const { label } = wish;
    const client = createAcmeClient({ directory: `${base}/${label}/directory`, roots, ...accounts.get(wish) });
    try {
      const placed = orders.get(wish) ?? (await place(client, wish));
      if ('outcome' in placed) return placed;
      orders.set(wish, placed);
      const order = readOrder(await client.fetch(placed.url));
      if (order.status === 'processing') return { outcome: 'pending', requestId: placed.requestId };
      const [certificate] = certificatesIn(await client.fetch(order.certificate ?? ''));
      if (certificate === undefined) throw new Error('the chain is empty');
      return { outcome: 'issued', certificate };
    } finally {
      client.close();
    }
  }
  const accounts = new Map<Wish, Pick<AcmeClient, 'key'> & { readonly account: string }>();

  /** Opens an account, and finalizes an order of it; or says what was refused. */
  async function place(client: AcmeClient, wish: Wish): Promise<Placed | Outcome> {
    const { label, key, commonName, passcode = '' } = wish;
    const found = await client.send(`${base}/${label}/directory`);
    // Who finds no directory and sends a message all the same is refused as well.
    if (found.status !== 200) return refusedBy(await client.post(`${base}/${label}/new-account`, {}));
    const externalAccount = { keyId: externalAccounts.get(passcode) ?? 'fleet', hmacKey: macKeyOf(passcode) };
    const opened = await client.newAccount({ externalAccount });
    if (opened.status >= 400) return refusedBy(opened);
    const made = await client.newOrder({ identifiers: [commonName] });
    if (made.status >= 400) return refusedBy(made);
    const { finalize } = readOrder(made);
    const finalized = await client.finalize(finalize, makeCsr({ key, subject: `CN=${commonName}` }));
    if (finalized.status >= 400) return refusedBy(finalized);
    accounts.set(wish, { key: client.key, account: opened.location ?? '' });
    return { url: made.location ?? '', requestId: requestIdOf(finalized) };
  }

  function refusedBy(answer: AcmeAnswer): Outcome {
    const wire = readProblem(answer).type.replace(problemUrn(''), '');
    return { outcome: 'refused', wire, requestId: requestIdOf(answer) };
  }

  return {
    protocol: 'acme',
    limitedPasscode: async () => 'limited-account',
    enroll,
    wire: {
      'rejected-name': 'rejectedIdentifier',
      'bad-secret': 'unauthorized',
      'unacceptable-key': 'badCSR',
      'not-found': 'malformed',
    },
  };
}

/** An order that was finalized. */
interface Placed {
  readonly url: string;
  /** Of the message that finalized it. */
  readonly requestId: string;
}

function createRestDriver(test: TestGateway): RenewingDriver {
  async function ask(path: '' | '/renew', { label, key, commonName, ...credentials }: Wish): Promise<Outcome> {
    const rest = createRestClient(test, { label, ...credentials });
    const answer = await rest.post(path, { csr: csrPem({ key, subject: `CN=${commonName}` }) });
    rest.close();
    const { status, requestId } = answer;
    if (status === 201) return { outcome: 'issued', certificate: new X509Certificate(issuedOf(answer).certificate) };
    return status === 202 ? { outcome: 'pending', requestId } : { outcome: 'refused', wire: String(status), requestId };
  }

  return {
    protocol: 'rest',
    limitedPasscode: () => makePasscode(test, { usageLimit: 1 }),
    enroll: (wish) => ask('', wish),
    reenroll: (wish) => ask('/renew', wish),
    wire: {
      'rejected-name': '422',
      'bad-secret': '401',
      'unacceptable-key': '422',
      'revoked-requester': '403',
      'not-found': '404',
    },
  };
}

/** By protocol. */
export const renewingDrivers = [
  ['est', createEstDriver],
  ['scep', createScepDriver],
  ['cmp', createCmpDriver],
  ['rest', createRestDriver],
] as const;

export const drivers = [...renewingDrivers, ['acme', createAcmeDriver]] as const;
