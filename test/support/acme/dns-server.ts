/** An authoritative DNS server for tests (RFC 1035): UDP on loopback, for whatever names it is told of. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { parseIpAddress } from '../../../src/x509/ip-address.js';

export type DnsRecord =
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'CNAME'; readonly target: string }
  /** One record of one or more strings. */
  | { readonly type: 'TXT'; readonly strings: readonly string[] }
  | { readonly type: 'CAA'; readonly flags: number; readonly tag: string; readonly value: string };

/** All records of a name, or that it has no useful answer. */
export type DnsAnswer = readonly DnsRecord[] | 'servfail' | 'silence';

export interface DnsServer {
  /** Address and port, as a policy's `resolvers` have them. */
  readonly resolver: string;
  /** Later queries of the same name and type get the next answer; the last one stays. `name` may name one type: `example.org AAAA`. */
  set(name: string, ...answers: readonly DnsAnswer[]): void;
  /** Adds records to what the name has. */
  add(name: string, ...records: readonly DnsRecord[]): void;
  /** Names that are not known do not exist, unless there are some below them. */
  remove(name: string): void;
  /** Queries so far, as `www.example.org TXT`. */
  queries(): readonly string[];
  close(): Promise<void>;
}

interface DnsServerOptions {
  readonly host?: '127.0.0.1' | '::1';
  /** Whether answers have what a CNAME leads to as well; they have by default, as far as it is known here. */
  readonly followsAliases?: boolean;
}

export async function startDnsServer(options: DnsServerOptions = {}): Promise<DnsServer> {
  const { host = '127.0.0.1', followsAliases = true } = options;
  const zone = new Map<string, readonly DnsAnswer[]>();
  const asked: string[] = [];
  const socket = createSocket(host === '::1' ? 'udp6' : 'udp4');

  function answerOf(name: string, type: string): DnsAnswer | undefined {
    const answers = zone.get(`${name} ${type}`.toLowerCase()) ?? zone.get(name);
    const before = asked.filter((query) => query === `${name} ${type}`).length - 1;
    return answers?.[Math.min(Math.max(before, 0), answers.length - 1)];
  }

  function answer(query: Buffer): Buffer | undefined {
    const { name, type, end } = readQuestion(query);
    asked.push(`${name} ${type}`);
    const found: Buffer[] = [];
    const visited = new Set<string>();
    let owner: string | undefined = name;
    while (owner !== undefined && !visited.has(owner)) {
      visited.add(owner);
      const records = answerOf(owner, type);
      if (records === 'silence') return undefined;
      if (records === 'servfail') return response(query, end, [], 2);
      // An alias has no other records (RFC 1034 3.6.2).
      const alias = records?.find((record) => record.type === 'CNAME');
      const wanted = alias === undefined ? (records ?? []).filter((record) => record.type === type) : [alias];
      for (const record of wanted) found.push(encodeRecord(owner, record));
      const isKnown = [...zone.keys()].some((each) => each === owner || each.endsWith(`.${owner}`));
      if (!isKnown && found.length === 0) return response(query, end, [], 3);
      owner = followsAliases && type !== 'CNAME' ? alias?.target.toLowerCase() : undefined;
    }
    return response(query, end, found, 0);
  }

  socket.on('message', (query, { port, address }) => {
    const message = answer(query);
    if (message !== undefined) socket.send(message, port, address);
  });
  socket.bind(0, host);
  await once(socket, 'listening');
  const { port } = socket.address();
  return {
    resolver: host === '::1' ? `[::1]:${port}` : `127.0.0.1:${port}`,
    set: (name, ...answers) => void zone.set(name.toLowerCase(), answers),
    add: (name, ...records) => {
      const known = zone.get(name.toLowerCase())?.at(-1);
      zone.set(name.toLowerCase(), [[...(Array.isArray(known) ? known : []), ...records]]);
    },
    remove: (name) => void zone.delete(name.toLowerCase()),
    queries: () => asked,
    close: () => new Promise((done) => socket.close(() => done())),
  };
}

const typeNumbers = { A: 1, CNAME: 5, TXT: 16, AAAA: 28, CAA: 257 } as const;

function readQuestion(query: Buffer): { name: string; type: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const number = query.readUInt16BE(at + 1);
  const [type = `TYPE${number}`] = Object.entries(typeNumbers).find(([, each]) => each === number) ?? [];
  return { name: labels.join('.').toLowerCase(), type, end: at + 5 };
}

function response(query: Buffer, questionEnd: number, answers: readonly Buffer[], code: number): Buffer {
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  // A response, authoritative, to a query that wants recursion, which is available.
  header.writeUInt16BE(0x8580 | code, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers.length, 6);
  return Buffer.concat([header, query.subarray(12, questionEnd), ...answers]);
}

function encodeRecord(owner: string, record: DnsRecord): Buffer {
  const data = encodeData(record);
  const head = Buffer.alloc(10);
  head.writeUInt16BE(typeNumbers[record.type], 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt16BE(data.length, 8);
  return Buffer.concat([encodeName(owner), head, data]);
}

function encodeData(record: DnsRecord): Buffer {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return Buffer.from(parseIpAddress(record.address) ?? []);
    case 'CNAME':
      return encodeName(record.target);
    case 'TXT':
      return Buffer.concat(record.strings.map(characterString));
    case 'CAA':
      return Buffer.concat([Buffer.of(record.flags), characterString(record.tag), Buffer.from(record.value, 'latin1')]);
  }
}

function encodeName(name: string): Buffer {
  return Buffer.concat([...name.split('.').map(characterString), Buffer.of(0)]);
}

function characterString(text: string): Buffer {
  const octets = Buffer.from(text, 'latin1');
  return Buffer.concat([Buffer.of(octets.length), octets]);
}
