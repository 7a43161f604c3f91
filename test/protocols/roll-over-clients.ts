/** Clients that stay as they are while CAs roll over: they trust what they have trusted on their first day. */
import { X509Certificate } from 'node:crypto';
import { expect } from '@jest/globals';
import { toPem } from '../../src/x509/pem.js';
import { type AcmeClient, createAcmeClient } from '../support/acme/client.js';
import { issue } from '../support/acme/flow.js';
import { renewalName } from '../support/acme/renewal-name.js';
import type { CmpClient } from '../support/cmp/client.js';
import type { CmpCredential } from '../support/cmp/message.js';
import { createCmpClient } from '../support/cmp-client.js';
import { certificateOf, createEstClient } from '../support/est-client.js';
import { fleetPasscode } from '../support/fleet.js';
import { type KeyPair, makeCsr, newKey } from '../support/make-csr.js';
import { createRestClient, csrPem, issuedOf } from '../support/rest-client.js';
import { createScepClient, issuedBy, type ScepClient } from '../support/scep-client.js';
import type { TestGateway } from '../support/test-gateway.js';

export interface Device {
  readonly key: KeyPair;
  readonly certificate: X509Certificate;
}

export interface LastingClient {
  enroll(name: string): Promise<Device>;
  /** With a new key. */
  renew(name: string, device: Device): Promise<Device>;
}

export interface LastingClients {
  /** By protocol. */
  readonly clients: ReadonlyMap<string, LastingClient>;
  readonly acme: AcmeClient;
  readonly cmp: CmpClient;
  readonly scep: ScepClient;
  close(): void;
}

/** Of policy `fleet`, as matrix-drivers.ts has it. @param root DER, which is all that they trust */
export async function openLastingClients(test: TestGateway, root: Uint8Array): Promise<LastingClients> {
  const scep = createScepClient(test, { label: 'fleet' });
  const cmp = createCmpClient(test, {
    label: 'fleet',
    credential: { kind: 'mac', reference: 'fleet', secret: fleetPasscode },
  });
  const acme = createAcmeClient({
    directory: `https://localhost:${test.gateway.listeners.deviceTlsPort}/acme/fleet/directory`,
    roots: toPem('CERTIFICATE', root),
    isRealTime: false,
  });
  const hmacKey = Buffer.from(`${fleetPasscode} of an account`).toString('base64url');
  expect((await acme.newAccount({ externalAccount: { keyId: 'fleet', hmacKey } })).status).toBe(201);
  return {
    clients: new Map([
      ['est', estClient(test)],
      ['rest', restClient(test)],
      ['scep', scepClient(scep)],
      ['cmp', cmpClient(test, cmp)],
      ['acme', acmeClient(acme)],
    ]),
    acme,
    cmp,
    scep,
    close: () => {
      for (const client of [acme, cmp, scep]) client.close();
    },
  };
}

const identityOf = ({ key, certificate }: Device) => ({ chain: [certificate.raw], privateKey: key.privateKey });

function estClient(test: TestGateway): LastingClient {
  async function ask(operation: string, name: string, credential: object): Promise<Device> {
    const est = createEstClient(test, { label: 'fleet', ...credential });
    const key = newKey();
    const answer = await est.post(operation, makeCsr({ key, subject: `CN=${name}` }));
    est.close();
    return { key, certificate: certificateOf(answer) };
  }
  return {
    enroll: (name) => ask('simpleenroll', name, { passcode: fleetPasscode }),
    renew: (name, device) => ask('simplereenroll', name, { identity: identityOf(device) }),
  };
}

function restClient(test: TestGateway): LastingClient {
  async function ask(path: string, name: string, credential: object): Promise<Device> {
    const rest = createRestClient(test, credential);
    const key = newKey();
    const answer = await rest.post(path, { csr: csrPem({ key, subject: `CN=${name}` }) });
    rest.close();
    return { key, certificate: new X509Certificate(issuedOf(answer).certificate) };
  }
  return {
    enroll: (name) => ask('', name, { passcode: fleetPasscode }),
    renew: (name, device) => ask('/renew', name, { identity: identityOf(device) }),
  };
}

/** It goes on with the RA and CA certificates that it has read once. */
function scepClient(scep: ScepClient): LastingClient {
  return {
    async enroll(name) {
      const key = newKey();
      const subject = `CN=${name}`;
      return { key, certificate: issuedBy(await scep.enroll({ key, subject, challenge: fleetPasscode })) };
    },
    async renew(name, device) {
      const key = newKey();
      const outcome = await scep.renew({ key, subject: `CN=${name}`, identity: identityOf(device) });
      return { key, certificate: issuedBy(outcome) };
    },
  };
}

/** With the CA certificates that came with its own. */
export function credentialOf({ gateway }: TestGateway, { key, certificate }: Device): CmpCredential {
  const { authority } = gateway.core;
  const issuer = authority
    .generations()
    .find((generation) => certificate.verify(new X509Certificate(generation.certificate.der).publicKey));
  const chain = [certificate.raw, ...authority.chain(issuer?.id ?? '')];
  return { kind: 'certificate', chain, privateKey: key.privateKey };
}

/** Who signs an answer has to lead to a root of its first day. */
function cmpClient(test: TestGateway, cmp: CmpClient): LastingClient {
  return {
    async enroll(name) {
      const key = newKey();
      return { key, certificate: await cmp.issue('ir', { key, subject: `CN=${name}` }) };
    },
    async renew(name, device) {
      const key = newKey();
      const credential = credentialOf(test, device);
      return { key, certificate: await cmp.issue('kur', { key, subject: `CN=${name}`, credential }) };
    },
  };
}

function acmeClient(acme: AcmeClient): LastingClient {
  async function order(name: string, members: { readonly replaces?: string }): Promise<Device> {
    const key = newKey();
    const csr = makeCsr({ key, subject: `CN=${name}` });
    const { certificate } = await issue(acme, { identifiers: [name], csr, order: { ...members } });
    return { key, certificate };
  }
  return {
    enroll: (name) => order(name, {}),
    renew: (name, { certificate }) => order(name, { replaces: renewalName(certificate) }),
  };
}
