import { describe, expect, it } from '@jest/globals';
import { DerError } from '../../../src/x509/der.js';
import { decodeNameConstraints } from '../../../src/x509/name-constraints.js';
import { validatePath } from '../../../src/x509/path-validation.js';
import { createTrustAnchors } from '../../../src/x509/trust-anchors.js';
import {
  ca,
  leaf,
  makeChain,
  nameConstraints,
  primitive,
  subjectAltName,
  type TestCertificate,
} from '../../support/make-chain.js';
import { hasOpenssl, opensslAccepts } from '../../support/openssl-verify.js';

const at = new Date('2026-06-01T00:00:00Z');
const net10 = '0a000000ff000000';
const ten = '0a010203';
const eleven = '0b010203';
const mappedTen = '00000000000000000000ffff0a010203';
const documentation = `20010db8${'00'.repeat(12)}ffffffff${'00'.repeat(12)}`;
const inDocumentation = `20010db8${'00'.repeat(11)}01`;
const upn = '1.3.6.1.4.1.311.20.2.3';
const smtpUtf8Mailbox = '1.3.6.1.5.5.7.8.9';

interface Case {
  readonly permitted?: readonly string[];
  readonly excluded?: readonly string[];
  readonly subject?: string;
  readonly names?: readonly string[];
  readonly ok: boolean;
  readonly unlikeOpenssl?: string;
}

const directoryName: readonly Case[] = [
  { permitted: ['dir:O=Acme'], subject: 'O=Acme,CN=x', ok: true },
  { permitted: ['dir:O=Acme'], subject: 'O=Acme', ok: true },
  { permitted: ['dir:O=Acme'], subject: 'O=Other,CN=x', ok: false },
  { permitted: ['dir:O=Acme'], subject: 'CN=x,O=Acme', ok: false },
  { permitted: ['dir:O=Acme,OU=A'], subject: 'O=Acme,CN=x', ok: false },
  { permitted: ['dir:O=ACME'], subject: 'O=acme,CN=x', ok: true },
  { permitted: ['dir:O=Acme Corp'], subject: 'O= Acme  Corp ,CN=x', ok: true },
  { permitted: ['dir:O=Acme'], subject: 'O=Acme Corp,CN=x', ok: false },
  { permitted: ['dir:O=Acme', 'dir:O=Other'], subject: 'O=Other,CN=x', ok: true },
  { permitted: ['dir:O=Acme'], subject: '', names: ['dns:x.example'], ok: true },
  { permitted: ['dir:'], subject: 'O=Acme', ok: true },
  { excluded: ['dir:O=Acme,OU=A'], subject: 'O=Acme,OU=A,CN=x', ok: false },
  { excluded: ['dir:O=Acme,OU=A'], subject: 'O=Acme,OU=B,CN=x', ok: true },
  { excluded: ['dir:'], subject: 'O=Acme', ok: false },
  { permitted: ['dir:O=Acme'], excluded: ['dir:O=Acme,OU=A'], subject: 'O=Acme,OU=A,CN=x', ok: false },
  { permitted: ['dir:O=Acme'], subject: 'O=Acme', names: ['dir:O=Acme,CN=x'], ok: true },
  { permitted: ['dir:O=Acme'], subject: 'O=Acme', names: ['dir:O=Other,CN=x'], ok: false },
];

const dnsName: readonly Case[] = [
  { permitted: ['dns:acme.example'], names: ['dns:acme.example'], ok: true },
  { permitted: ['dns:acme.example'], names: ['dns:a.b.acme.example'], ok: true },
  { permitted: ['dns:acme.example'], names: ['dns:A.ACME.Example'], ok: true },
  { permitted: ['dns:acme.example'], names: ['dns:notacme.example'], ok: false },
  { permitted: ['dns:acme.example'], names: ['dns:example'], ok: false },
  { permitted: ['dns:acme.example'], names: ['dns:a.acme.example', 'dns:other.example'], ok: false },
  { permitted: ['dns:acme.example'], names: ['dns:*.acme.example'], ok: true },
  { permitted: ['dns:host.acme.example'], names: ['dns:*.acme.example'], ok: false },
  { permitted: ['dns:.acme.example'], names: ['dns:a.acme.example'], ok: true },
  { permitted: ['dns:.acme.example'], names: ['dns:acme.example'], ok: false },
  { permitted: ['dns:'], names: ['dns:anything.example'], ok: true },
  { permitted: ['dns:acme.example'], names: ['email:x@other.example'], ok: true },
  { permitted: ['dns:acme.example'], ok: true },
  { permitted: ['dns:xn--bcher-kva.example'], names: ['dns:www.XN--BCHER-kva.example'], ok: true },
  { excluded: ['dns:acme.example'], names: ['dns:a.acme.example'], ok: false },
  { excluded: ['dns:acme.example'], names: ['dns:A.Acme.Example'], ok: false },
  { excluded: ['dns:acme.example'], names: ['dns:other.example'], ok: true },
  { excluded: ['dns:'], names: ['dns:a.example'], ok: false },
  {
    excluded: ['dns:host.acme.example'],
    names: ['dns:*.acme.example'],
    ok: false,
    unlikeOpenssl: 'does not see what the wildcard may stand for',
  },
  { excluded: ['dns:host.acme.example'], names: ['dns:*.other.example'], ok: true },
  { excluded: ['dns:acme.example'], names: ['dns:other.example.'], ok: false, unlikeOpenssl: 'takes a trailing dot' },
  { excluded: ['dns:acme.example'], names: ['dns:a..example'], ok: false, unlikeOpenssl: 'takes an empty label' },
];

const rfc822Name: readonly Case[] = [
  { permitted: ['email:root@acme.example'], names: ['email:root@acme.example'], ok: true },
  { permitted: ['email:root@acme.example'], names: ['email:root@ACME.example'], ok: true },
  { permitted: ['email:root@acme.example'], names: ['email:Root@acme.example'], ok: false },
  { permitted: ['email:root@acme.example'], names: ['email:other@acme.example'], ok: false },
  { permitted: ['email:acme.example'], names: ['email:any@acme.example'], ok: true },
  { permitted: ['email:acme.example'], names: ['email:any@sub.acme.example'], ok: false },
  { permitted: ['email:.acme.example'], names: ['email:any@sub.acme.example'], ok: true },
  { permitted: ['email:.acme.example'], names: ['email:any@acme.example'], ok: false },
  { permitted: ['email:acme.example'], names: ['email:"a@acme.example"@evil.example'], ok: false },
  {
    permitted: ['email:acme.example'],
    names: ['email:a@b@acme.example'],
    ok: false,
    unlikeOpenssl: 'takes two at signs',
  },
  { permitted: ['email:acme.example'], names: ['email:no-at-sign'], ok: false },
  { permitted: ['email:acme.example'], names: ['email:x@[192.0.2.1]'], ok: false },
  { excluded: ['email:acme.example'], names: ['email:any@acme.example'], ok: false },
  { excluded: ['email:acme.example'], names: ['email:any@sub.acme.example'], ok: true },
  { excluded: ['email:.acme.example'], names: ['email:any@sub.acme.example'], ok: false },
  { permitted: ['email:acme.example'], subject: 'CN=x,E=any@acme.example', ok: true },
  { permitted: ['email:acme.example'], subject: 'CN=x,E=any@other.example', ok: false },
  {
    permitted: ['email:acme.example'],
    subject: 'CN=x,E=any@other.example',
    names: ['email:any@acme.example'],
    ok: false,
  },
  { permitted: ['email:acme.example'], names: [`other:${smtpUtf8Mailbox}=müller@acme.example`], ok: true },
  { permitted: ['email:acme.example'], names: [`other:${smtpUtf8Mailbox}=müller@other.example`], ok: false },
  { excluded: ['email:acme.example'], names: [`other:${smtpUtf8Mailbox}=müller@acme.example`], ok: false },
];

const uri: readonly Case[] = [
  { permitted: ['uri:host.acme.example'], names: ['uri:https://host.acme.example/x?y#z'], ok: true },
  { permitted: ['uri:host.acme.example'], names: ['uri:https://HOST.acme.example:8443/'], ok: true },
  {
    permitted: ['uri:host.acme.example'],
    names: ['uri:https://user:word@host.acme.example/'],
    ok: true,
    unlikeOpenssl: 'does not know user information',
  },
  { permitted: ['uri:acme.example'], names: ['uri:https://host.acme.example/'], ok: false },
  { permitted: ['uri:.acme.example'], names: ['uri:https://a.host.acme.example'], ok: true },
  { permitted: ['uri:.acme.example'], names: ['uri:https://acme.example/'], ok: false },
  { permitted: ['uri:.acme.example'], names: ['uri:https://evil.example/.acme.example'], ok: false },
  {
    permitted: ['uri:.acme.example'],
    names: ['uri:https://evil.example\\.acme.example/'],
    ok: false,
    unlikeOpenssl: 'reads the backslash as part of the host',
  },
  { permitted: ['uri:.acme.example'], names: ['uri:https://evil.example@x.acme.example/'], ok: true },
  { excluded: ['uri:.acme.example'], names: ['uri:https://a.acme.example/'], ok: false },
  { excluded: ['uri:.acme.example'], names: ['uri:https://a.other.example/'], ok: true },
  // 4.2.1.10: without a domain name as its host a URI must be refused.
  { excluded: ['uri:.acme.example'], names: ['uri:urn:dev:mac:0024befffe804ff1'], ok: false },
  {
    excluded: ['uri:.acme.example'],
    names: ['uri:https://192.0.2.1/'],
    ok: false,
    unlikeOpenssl: 'takes an address for a name',
  },
  {
    excluded: ['uri:.acme.example'],
    names: ['uri:https://0x7f000001/'],
    ok: false,
    unlikeOpenssl: 'takes an address for a name',
  },
  {
    excluded: ['uri:.acme.example'],
    names: ['uri:https://[2001:db8::1]/'],
    ok: false,
    unlikeOpenssl: 'takes an address for a name',
  },
];

const ipAddress: readonly Case[] = [
  { permitted: [`ip:${net10}`], names: [`ip:${ten}`], ok: true },
  { permitted: [`ip:${net10}`], names: [`ip:${eleven}`], ok: false },
  { permitted: [`ip:${net10}`], names: [`ip:${inDocumentation}`], ok: false },
  { permitted: [`ip:${net10}`], names: [`ip:${mappedTen}`], ok: false },
  { permitted: [`ip:${documentation}`], names: [`ip:${inDocumentation}`], ok: true },
  { permitted: [`ip:${net10}`, `ip:${documentation}`], names: [`ip:${ten}`, `ip:${inDocumentation}`], ok: true },
  { permitted: ['ip:0a010203ffffffff'], names: [`ip:${ten}`], ok: true },
  { permitted: ['ip:0a010204ffffffff'], names: [`ip:${ten}`], ok: false },
  { permitted: ['ip:0000000000000000'], names: [`ip:${ten}`], ok: true },
  { excluded: [`ip:${net10}`], names: [`ip:${ten}`], ok: false },
  { excluded: [`ip:${net10}`], names: [`ip:${eleven}`], ok: true },
  { excluded: [`ip:${net10}`], names: [`ip:${inDocumentation}`], ok: true },
  { permitted: [`ip:${net10}`], names: ['dns:x.example'], ok: true },
];

const unprocessed: readonly Case[] = [
  { permitted: [`other:${upn}=acme`], names: [`other:${upn}=acme`], ok: false, unlikeOpenssl: 'compares values' },
  { excluded: [`other:${upn}=acme`], names: [`other:${upn}=other`], ok: false, unlikeOpenssl: 'compares values' },
  { excluded: [`other:${upn}=acme`], names: ['dns:x.example'], ok: true },
  { excluded: ['rid:2a03'], names: ['rid:2a03'], ok: false },
  { excluded: ['rid:2a03'], names: ['dns:x.example'], ok: true },
  { excluded: ['x400:00'], names: ['x400:00'], ok: false },
  { excluded: ['x400:00'], names: ['dns:x.example'], ok: true },
];

async function judge(chain: readonly Uint8Array[], initialNameConstraints?: Uint8Array): Promise<string> {
  const [root = new Uint8Array(), ...rest] = chain;
  const result = await validatePath({
    certificate: rest.at(-1) ?? root,
    intermediates: rest.slice(0, -1),
    trustAnchors: createTrustAnchors([root]),
    at,
    ...(initialNameConstraints && { initialNameConstraints }),
  });
  return result.ok ? 'ok' : result.code;
}

function specs({ permitted, excluded, subject = 'CN=x', names }: Case): readonly TestCertificate[] {
  const constraints = nameConstraints({ ...(permitted && { permitted }), ...(excluded && { excluded }) });
  return [ca('CN=Root'), ca('CN=Sub', constraints), leaf(subject, ...(names ? [subjectAltName(...names)] : []))];
}

const forms = {
  directoryName,
  dNSName: dnsName,
  rfc822Name,
  uniformResourceIdentifier: uri,
  iPAddress: ipAddress,
  'forms that are not processed': unprocessed,
};

for (const [form, cases] of Object.entries(forms)) {
  describe(`name constraints (RFC 5280 4.2.1.10): ${form}`, () => {
    for (const test of cases) {
      const { permitted = [], excluded = [], subject = 'CN=x', names = [], ok, unlikeOpenssl } = test;
      const constraint = [
        ...permitted.map((name) => `permitted ${name}`),
        ...excluded.map((name) => `excluded ${name}`),
      ];
      it(`${ok ? 'accepts' : 'refuses'} ${[subject, ...names].join(' ')} under ${constraint.join(' ')}`, async () => {
        const chain = makeChain(specs(test));
        expect(await judge(chain)).toBe(ok ? 'ok' : 'name-constraints');
        if (hasOpenssl && unlikeOpenssl === undefined) {
          expect(opensslAccepts(chain, ['-attime', String(at.getTime() / 1000)])).toBe(ok);
        }
      });
    }
  });
}

describe('name constraints along a path (RFC 5280 6.1.3 b, c, 6.1.4 g)', () => {
  const constrained = (subject: string, permitted: readonly string[]) => ca(subject, nameConstraints({ permitted }));
  const named = (...names: readonly string[]) => leaf('CN=x', subjectAltName(...names));
  const root = ca('CN=Root');

  it('intersects the permitted subtrees', async () => {
    const wideNarrow = [root, constrained('CN=A', ['dns:acme.example']), constrained('CN=B', ['dns:a.acme.example'])];
    expect(await judge(makeChain([...wideNarrow, named('dns:x.a.acme.example')]))).toBe('ok');
    expect(await judge(makeChain([...wideNarrow, named('dns:b.acme.example')]))).toBe('name-constraints');
    const disjoint = [root, constrained('CN=A', ['dns:acme.example']), constrained('CN=B', ['dns:other.example'])];
    expect(await judge(makeChain([...disjoint, named('dns:x.other.example')]))).toBe('name-constraints');
  });

  it('keeps what a lower CA would widen', async () => {
    const chain = [root, constrained('CN=A', ['dns:a.acme.example']), constrained('CN=B', ['dns:acme.example'])];
    expect(await judge(makeChain([...chain, named('dns:b.acme.example')]))).toBe('name-constraints');
  });

  it('unites the excluded subtrees', async () => {
    const excluding = (subject: string, excluded: readonly string[]) => ca(subject, nameConstraints({ excluded }));
    const chain = [root, excluding('CN=A', ['dns:a.example']), excluding('CN=B', ['dns:b.example'])];
    expect(await judge(makeChain([...chain, named('dns:x.a.example')]))).toBe('name-constraints');
    expect(await judge(makeChain([...chain, named('dns:x.b.example')]))).toBe('name-constraints');
    expect(await judge(makeChain([...chain, named('dns:x.c.example')]))).toBe('ok');
  });

  it('applies them to intermediates', async () => {
    const chain = [root, constrained('O=Acme,CN=A', ['dir:O=Acme']), ca('O=Other,CN=B'), leaf('O=Acme,CN=x')];
    expect(await judge(makeChain(chain))).toBe('name-constraints');
  });

  it('spares a self-issued intermediate, but not a self-issued leaf', async () => {
    const outside = constrained('O=Outside,CN=A', ['dir:O=Acme']);
    const rolledOver = { ...ca('O=Outside,CN=A'), key: 'rolled over' };
    expect(await judge(makeChain([root, outside, rolledOver, leaf('O=Acme,CN=x')]))).toBe('ok');
    expect(await judge(makeChain([root, outside, { ...leaf('O=Outside,CN=A'), key: 'leaf' }]))).toBe(
      'name-constraints',
    );
  });

  it('begins with the initial subtrees (6.1.1 h, i)', async () => {
    const chain = makeChain([root, named('dns:a.example')]);
    expect(await judge(chain, nameConstraints({ permitted: ['dns:a.example'] }).value)).toBe('ok');
    expect(await judge(chain, nameConstraints({ excluded: ['dns:a.example'] }).value)).toBe('name-constraints');
  });

  it('gives up on more comparisons than any real hierarchy asks for', async () => {
    const many = (letter: string) => Array.from({ length: 600 }, (_, i) => `dns:${letter}${i}.example`);
    const chain = makeChain([root, ca('CN=A', nameConstraints({ excluded: many('a') })), named(...many('b'))]);
    expect(await judge(chain)).toBe('name-constraints');
  });

  it('refuses a form whose constraint has a distance', async () => {
    const distance = (base: Uint8Array, number: number) =>
      ca('CN=A', nameConstraints({ permitted: ['dns:a.example'], distance: [primitive(number, base)] }));
    for (const constraint of [distance(Uint8Array.of(1), 0), distance(Uint8Array.of(5), 1)]) {
      expect(await judge(makeChain([root, constraint, named('dns:x.a.example')]))).toBe('name-constraints');
      expect(await judge(makeChain([root, constraint, named('email:x@a.example')]))).toBe('ok');
    }
  });
});

describe('decodeNameConstraints', () => {
  const decode = (subtrees: Parameters<typeof nameConstraints>[0]) => () =>
    decodeNameConstraints(nameConstraints(subtrees).value);

  it('refuses an empty extension and empty lists', () => {
    expect(decode({})).toThrow(DerError);
    expect(decode({ permitted: [] })).toThrow(DerError);
    expect(decode({ excluded: [] })).toThrow(DerError);
  });

  it('refuses addresses that are no CIDR block', () => {
    expect(decode({ permitted: ['ip:0a000000ff00ff00'] })).toThrow(DerError);
    expect(decode({ permitted: ['ip:0a000000'] })).toThrow(DerError);
    expect(decode({ permitted: ['ip:0a000000ff0000'] })).toThrow(DerError);
  });

  it('refuses hosts that could not match anything, and so exclude nothing', () => {
    for (const name of [
      'dns:*.acme.example',
      'dns:acme.example.',
      'dns:a b',
      'email:@acme.example',
      'email:x@',
      'uri:https://acme.example',
    ]) {
      expect(decode({ excluded: [name] })).toThrow(DerError);
    }
  });
});
