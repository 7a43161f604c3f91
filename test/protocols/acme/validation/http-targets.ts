/** Web servers and names that http-01 is tried on. */
import type { RequestListener } from 'node:http';
import { listenPlain } from '../../../src/outbound/local-server.js';
import { type DnsAnswer, startDnsServer } from '../../../support/acme/dns-server.js';
import { type impatient, outcomeOf, token } from './validation.js';

export const challengePath = `/.well-known/acme-challenge/${token}`;

export const a = (address: string) => ({ type: 'A', address }) as const;
export const aaaa = (address: string) => ({ type: 'AAAA', address }) as const;

export const atLoopback = { 'device.example': [[a('127.0.0.1')]] };

interface Closable {
  close(): Promise<void>;
}

const open: Closable[] = [];

/** Has `closeOpened` close it. */
export async function opened<T extends Closable>(starting: Promise<T>): Promise<T> {
  const server = await starting;
  open.push(server);
  return server;
}

export async function closeOpened(): Promise<void> {
  await Promise.all(open.splice(0).map((server) => server.close()));
}

/** A DNS server that has these answers for names. */
export async function dnsWith(zone: Readonly<Record<string, readonly DnsAnswer[]>>) {
  const server = await opened(startDnsServer());
  for (const [name, answers] of Object.entries(zone)) server.set(name, ...answers);
  return server;
}

/** What comes of a server that answers so, at the only address of device.example. */
export async function outcomeWith(listener: RequestListener, limits?: typeof impatient) {
  const { resolver } = await dnsWith(atLoopback);
  const { port } = await opened(listenPlain(listener));
  const settings = { resolvers: [resolver], httpPort: port };
  return await outcomeOf('http-01', { of: 'device.example', settings, limits });
}

export const answering =
  (body: string | Uint8Array, status = 200): RequestListener =>
  (_, response) =>
    response.writeHead(status).end(body);

export const redirectingTo =
  (location: string): RequestListener =>
  (_, response) =>
    response.writeHead(302, { location }).end();
