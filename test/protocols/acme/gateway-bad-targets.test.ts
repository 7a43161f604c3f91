/**
 * Targets of validation that are up to no good (RFC 8555 10.2 to 10.4): every attempt ends in bounded time, after the last the
 * order is invalid by the right problem, and nothing is issued.
 */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { AcmeClient } from '../../support/acme/client.js';
import { type Authorization, type Order, readAuthorization, readOrder } from '../../support/acme/objects.js';
import { hostAddress } from '../../support/acme/server.js';
import { type AcmeFleet, acmePolicy, startAcmeFleet } from '../../support/acme-fleet.js';
import { applyYaml } from '../../support/fleet.js';
import { type Counts, countRecords, eventsOf } from '../../support/records.js';

// Three attempts of those who wait for five seconds each, with pauses of three and ten between them.
jest.setTimeout(90_000);

/** What a host does with a request; `path` is that of the challenge. */
type Behaviour = (response: ServerResponse, port: number) => void;

const chunk = Buffer.alloc(64 * 1024, 'x');
const sent = { bytes: 0, redirects: 0 };

const redirect =
  (location: (port: number) => string): Behaviour =>
  (response, port) => {
    sent.redirects++;
    response.writeHead(302, { location: location(port) }).end();
  };

const behaviours: Readonly<Record<string, Behaviour>> = {
  'silent.example': () => undefined,
  'gigabytes.example': (response) => {
    const more = () => {
      while (!response.destroyed && response.write(chunk)) sent.bytes += chunk.length;
    };
    response.on('drain', more);
    more();
  },
  'announced.example': (response) => response.writeHead(200, { 'content-length': 8 * 2 ** 30 }).write('x'),
  'drips.example': (response) => {
    const timer = setInterval(() => response.write('x'), 200);
    response.on('close', () => clearInterval(timer));
  },
  'forever.example': redirect((port) => `http://forever.example:${port}/${sent.redirects}`),
  'loop.example': redirect((port) => `http://loop.example:${port}/.well-known/acme-challenge/again`),
  'inside.example': redirect(() => 'http://169.254.169.254/latest/meta-data'),
  'file.example': redirect(() => 'file:///etc/passwd'),
  'ssh.example': redirect(() => `http://${hostAddress}:22/`),
  'headers.example': (response) => {
    response.socket?.write(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(1_000_000)}\r\n\r\n`);
  },
  'other.example': (response) => response.end('secret of the inside'),
};

let fleet: AcmeFleet;
let server: Server;
/** Takes connections, and says nothing. */
let silent: TcpServer;
const sockets: Socket[] = [];
let client: AcmeClient;
let before: Counts;
const ends = new Map<string, { authorization: Authorization; order: Order }>();

beforeAll(async () => {
  fleet = await startAcmeFleet();
  server = createServer((request, response) => {
    response.on('error', () => undefined);
    const host = request.headers.host?.split(':')[0] ?? '';
    behaviours[host]?.(response, (server.address() as AddressInfo).port);
  });
  server.listen(0, hostAddress);
  await once(server, 'listening');
  silent = createTcpServer((socket) => sockets.push(socket.on('error', () => undefined)));
  silent.listen(0, hostAddress);
  await once(silent, 'listening');
  const [httpPort, tlsPort] = [server, silent].map((each) => (each.address() as AddressInfo).port);
  const ports = `httpPort: ${httpPort}, tlsPort: ${tlsPort}`;
  const { resolver } = fleet.dns;
  const networks = 'allowedNetworks: [127.0.0.0/8], deniedNetworks: [127.0.0.9/32]';
  await applyYaml(fleet.test, acmePolicy('targets', [ports, `resolvers: ["${resolver}"]`, networks]));
  for (const name of [...Object.keys(behaviours), 'tls-silent.example'])
    fleet.dns.set(name, [{ type: 'A', address: hostAddress }]);
  for (const [name, address] of Object.entries(forbidden)) fleet.dns.set(name, [{ type: 'A', address }]);
  fleet.dns.set('mixed.example', [
    { type: 'A', address: '169.254.169.254' },
    { type: 'A', address: '127.0.0.9' },
  ]);
  fleet.dns.set('mute.example', 'silence');
  fleet.dns.set('broken.example', 'servfail');
  fleet.dns.set('nobody-home.example', [{ type: 'A', address: '127.0.0.77' }]);
  client = await fleet.clientWithAccount('targets');
  before = await countRecords(fleet.test);
  await Promise.all(table.map(([name]) => tryOut(name)));
});
afterAll(async () => {
  server.closeAllConnections();
  for (const socket of sockets) socket.destroy();
  await Promise.all([server, silent].map((each) => new Promise((done) => each.close(done))));
  await fleet.close();
});

const forbidden = {
  'metadata.example': '169.254.169.254',
  'denied.example': '127.0.0.9',
  'unspecified.example': '0.0.0.0',
  'multicast.example': '224.0.0.1',
};

/** The problem that it ends in, and how many attempts that takes. */
const table: readonly (readonly [name: string, problem: string, attempts: number])[] = [
  ['silent.example', 'connection', 3],
  ['gigabytes.example', 'connection', 3],
  ['announced.example', 'connection', 3],
  ['drips.example', 'connection', 3],
  ['headers.example', 'connection', 3],
  ['forever.example', 'connection', 3],
  ['loop.example', 'connection', 3],
  ['inside.example', 'connection', 3],
  ['file.example', 'connection', 3],
  ['ssh.example', 'connection', 3],
  ['other.example', 'incorrectResponse', 3],
  ['nobody-home.example', 'connection', 3],
  ['tls-silent.example', 'connection', 3],
  ['mute.example', 'dns', 3],
  ['broken.example', 'dns', 3],
  ['nowhere.example', 'dns', 3],
  ...[...Object.keys(forbidden), 'mixed.example'].map((name) => [name, 'rejectedIdentifier', 1] as const),
];

function challengeFor(name: string): string {
  return name.startsWith('tls-') ? 'tls-alpn-01' : 'http-01';
}

async function tryOut(name: string): Promise<void> {
  const made = await client.newOrder({ identifiers: [name] });
  const [url = ''] = readOrder(made).authorizations;
  const { challenges } = readAuthorization(await client.fetch(url));
  const challenge = challenges.find(({ type }) => type === challengeFor(name));
  expect((await client.respond(challenge?.url ?? '')).status).toBe(200);
  for (;;) {
    const authorization = readAuthorization(await client.fetch(url));
    if (authorization.status !== 'pending') {
      ends.set(name, { authorization, order: readOrder(await client.fetch(made.location ?? '')) });
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

describe('Validation comes to its end with', () => {
  it.each(table)('%s: %s', async (name, type, attempts) => {
    const { authorization, order } = ends.get(name) ?? {};
    expect(authorization?.status).toBe('invalid');
    const [challenge] = authorization?.challenges ?? [];
    const problem = { type: `urn:ietf:params:acme:error:${type}` };
    expect(challenge).toMatchObject({ type: challengeFor(name), status: 'invalid', error: problem });
    // RFC 8555 8.2: each attempt has an entry.
    expect(challenge?.error?.subproblems?.length ?? 1).toBe(attempts);
    expect(order).toMatchObject({ status: 'invalid', error: problem });
    // Neither what was fetched, nor where in a redirect, nor where the names of the DNS are.
    const told = JSON.stringify({ authorization, order });
    expect(told).not.toMatch(/secret of the inside|passwd|latest|127\.0\.0/);
    expect(told.includes('169.254')).toBe(name === 'inside.example');
    const failures = await eventsOf(fleet.test, 'authorization.failed');
    expect(failures.filter(({ content }) => content.includes(`"${name}"`))).toHaveLength(1);
  });

  it('no certificate at all', async () => {
    expect(await countRecords(fleet.test)).toEqual(before);
  });

  it('little read of what never ends', () => {
    // The buffers of sockets take some megabytes each, whoever reads.
    expect(sent.bytes).toBeLessThan(100 * 2 ** 20);
    expect(sent.redirects).toBeLessThan(3 * (11 + 4 * 3));
  });
});
