/** Pebble, another ACME server (Debian's package), to try clients on: what fails there as well is no fault of ours. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { toPem } from '../../../src/x509/pem.js';
import { ca, leaf, makeChain, privateKeyOf, subjectAltName } from '../make-chain.js';
import { freePorts } from '../test-gateway.js';
import { type AcmeServer, type ChallengeAnswers, deviceAddress, hostAddress } from './server.js';
import { createTransport } from './transport.js';

const externalAccount = {
  keyId: 'pebble-account',
  hmacKey: 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W',
};

/**
 * Close it, so that nothing is left behind.
 * @param refusedNonces how many good nonces in a hundred it refuses, to see whether the client tries again
 */
export async function startPebble(refusedNonces: number): Promise<AcmeServer> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-pebble-'));
  const [port, managementPort, httpPort, tlsPort, dnsPort, answersPort] = await sixPorts();
  const { root, certificate, privateKey } = tlsIdentity();
  writeFileSync(join(folder, 'tls.pem'), certificate);
  writeFileSync(join(folder, 'tls.key'), privateKey);
  const settings = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${managementPort}`,
    certificate: 'tls.pem',
    privateKey: 'tls.key',
    httpPort,
    tlsPort,
    externalAccountMACKeys: { [externalAccount.keyId]: externalAccount.hmacKey },
  };
  writeFileSync(join(folder, 'pebble.json'), JSON.stringify({ pebble: settings }));

  const resolver = `127.0.0.1:${dnsPort}`;
  const stops = [
    start(folder, 'pebble-challtestsrv', [
      ...['-dns01', resolver, '-management', `127.0.0.1:${answersPort}`, '-https01', ''],
      ...['-http01', `${hostAddress}:${httpPort}`, '-tlsalpn01', `${hostAddress}:${tlsPort}`],
      ...['-defaultIPv4', deviceAddress, '-defaultIPv6', ''],
    ]),
    start(folder, 'pebble', ['-config', 'pebble.json', '-dnsserver', resolver], {
      // No random waits before a validation.
      PEBBLE_VA_NOSLEEP: '1',
      PEBBLE_WFE_NONCEREJECT: String(refusedNonces),
    }),
  ];
  const transport = createTransport({ roots: root });
  const directory = `https://localhost:${port}/dir`;
  await answersAt(() => transport.send(directory));
  await answersAt(() => post(answersPort, 'clear-request-history', { type: 'dns', host: 'none' }));

  return {
    directory,
    boundDirectory: directory,
    externalAccount,
    tlsRoots: root,
    httpPort,
    tlsPort,
    resolver,
    challenges: answersBy(answersPort),
    issuingRoot: async () => (await transport.send(`https://localhost:${managementPort}/roots/0`)).text,
    isRevoked: async ({ serialNumber }) => {
      const url = `https://localhost:${managementPort}/cert-status-by-serial/${serialNumber.toLowerCase()}`;
      return statusSchema.parse((await transport.send(url)).json).Status === 'Revoked';
    },
    async close() {
      transport.close();
      await Promise.all(stops.map((stop) => stop()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const statusSchema = z.object({ Status: z.string() });

async function sixPorts(): Promise<[number, number, number, number, number, number]> {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = await freePorts(6);
  return [a, b, c, d, e, f];
}

/** PEM: a server certificate for localhost, its key, and the root that it comes from. */
function tlsIdentity() {
  const [root = new Uint8Array(), certificate = new Uint8Array()] = makeChain([
    { ...ca('CN=Pebble TLS'), key: 'pebble-root' },
    { ...leaf('CN=localhost', subjectAltName('dns:localhost', 'ip:7f000001')), key: 'pebble' },
  ]);
  return {
    root: toPem('CERTIFICATE', root),
    certificate: toPem('CERTIFICATE', certificate),
    privateKey: String(privateKeyOf('pebble').export({ type: 'pkcs8', format: 'pem' })),
  };
}

/** @returns what stops it */
function start(
  folder: string,
  command: string,
  words: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): () => Promise<void> {
  const env = { ...variables, PATH: process.env.PATH };
  const child = spawn(command, words, { cwd: folder, env, stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  return () => {
    child.kill();
    return ended;
  };
}

async function answersAt(question: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const isThere = await question().then(
      () => true,
      () => false,
    );
    if (isThere) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('pebble does not start');
}

/** By pebble-challtestsrv, which Pebble comes with. */
function answersBy(port: number): ChallengeAnswers {
  return {
    setAddress: (host, address) => post(port, 'add-a', { host: `${host}.`, addresses: [address] }),
    addText: (host, value) => post(port, 'set-txt', { host: `${host}.`, value }),
    removeTexts: (host) => post(port, 'clear-txt', { host: `${host}.` }),
    serveFile: (token, content) => post(port, 'add-http01', { token, content }),
    serveCertificate: (host, content) => post(port, 'add-tlsalpn01', { host, content }),
  };
}

async function post(port: number, action: string, body: unknown): Promise<void> {
  const { status } = await fetch(`http://127.0.0.1:${port}/${action}`, { method: 'POST', body: JSON.stringify(body) });
  if (status !== 200) throw new Error(`pebble-challtestsrv answers ${status} to ${action}`);
}
