/** Root certificates as files and as a page of fingerprints, with openssl as the judge of both. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRepositoryHandler } from '../../../protocols/repository/index.js';
import type { TrustAnchor } from '../../../src/ca-view.js';
import { GatewayError } from '../../../src/errors.js';
import type { Exchange, ProtocolServices, Reply } from '../../../src/protocol.js';
import { fromPem } from '../../../src/x509/pem.js';
import { createOpenSsl, type OpenSsl } from '../../src/cms/openssl.js';
import { unusedServices } from '../../support/unused-services.js';

let openssl: OpenSsl;
let anchors: readonly TrustAnchor[];
let link: Uint8Array;

const services: ProtocolServices = {
  ...unusedServices,
  trustAnchors: () => anchors,
  trustAnchorsOf(ca) {
    const own = anchors.filter((anchor) => anchor.ca === ca && anchor.state !== 'next').toReversed();
    if (own.length === 0) throw new GatewayError('not-found', 'there is no such CA');
    return own.map(({ certificate }) => certificate);
  },
  trustLinksOf: async (ca) => (ca === 'plant' ? [link] : []),
};
const handler = createRepositoryHandler(services);

beforeAll(() => {
  openssl = createOpenSsl();
  const make = (subject: string) => {
    const name = `${createHash('sha256').update(subject).digest('hex').slice(0, 8)}`;
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`];
    openssl.run('req', '-x509', ...key, '-out', `${name}.pem`, '-days', '365', '-utf8', '-subj', subject);
    const [der] = fromPem(Buffer.from(openssl.read(`${name}.pem`)).toString());
    if (der === undefined) throw new Error('no certificate');
    return der;
  };
  const anchor = (ca: string, number: number, state: TrustAnchor['state'], subject: string) => {
    return { ca, generation: `${ca}-${number}`, state, certificate: make(subject) };
  };
  anchors = [
    anchor('evil', 1, 'current', "/CN=<script>alert(1)<\\/script>\"onload='x' & co"),
    anchor('plant', 1, 'previous', '/O=Plant/CN=Root 1'),
    anchor('plant', 2, 'current', '/O=Plant/CN=Root 2'),
    anchor('plant', 3, 'next', '/O=Plant/CN=Root 3'),
  ];
  link = make('/O=Plant/CN=Link');
});
afterAll(() => openssl.remove());

async function get(path: string, query = '', headers: Exchange['headers'] = {}): Promise<Reply> {
  const [, ca = '', form = ''] = /^\/trust\/(.+)\.(pem|der|p7b)$/.exec(path) ?? [];
  const route = handler.routes.find((each) => each.path === (ca === '' ? path : `/trust/:ca.${form}`));
  if (route === undefined) throw new Error('no route');
  return await route.handle({
    ...{ method: 'GET', params: { ca }, path, query, headers, body: new Uint8Array() },
    ...{ remoteAddress: '192.0.2.1', requestId: 'request-1' },
  });
}

const certificates = (...numbers: readonly number[]) => numbers.map((number) => anchors[number]?.certificate);

describe('Root certificates for download', () => {
  it.each([
    ['/trust/plant.pem', 'application/x-pem-file'],
    ['/trust/plant.der', 'application/pkix-cert'],
    ['/trust/plant.p7b', 'application/pkcs7-mime; smime-type=certs-only'],
    ['/trust.pem', 'application/x-pem-file'],
    ['/trust', 'text/html; charset=utf-8'],
  ])('%s is %s, may be kept for five minutes, and is 304 for who has it (RFC 9110 13.1.2)', async (path, type) => {
    const reply = await get(path);
    expect(reply.status).toBe(200);
    expect(reply.headers).toMatchObject({ 'Content-Type': type, 'Cache-Control': 'public, max-age=300' });
    const again = await get(path, '', { 'if-none-match': reply.headers.ETag });
    expect(again).toMatchObject({ status: 304, body: '', headers: { ETag: reply.headers.ETag } });
  });

  it('are in PEM those of a CA that are in use, or of all, and none that is only announced', async () => {
    expect(fromPem(String((await get('/trust/plant.pem')).body))).toEqual(certificates(2, 1));
    expect(fromPem(String((await get('/trust.pem')).body))).toEqual(certificates(0, 1, 2));
  });

  it('are in DER the current one alone', async () => {
    expect((await get('/trust/plant.der')).body).toEqual(certificates(2)[0]);
  });

  it('are in PKCS #7 those of a CA and the links between them, as openssl reads them', async () => {
    const { body } = await get('/trust/plant.p7b');
    openssl.write('plant.p7b', Buffer.from(body));
    const printed = openssl.run('pkcs7', '-inform', 'DER', '-in', 'plant.p7b', '-print_certs').toString();
    expect(fromPem(printed)).toEqual([...certificates(2, 1), link]);
  });

  it.each(['/trust/nobody.pem', '/trust/nobody.der', '/trust/nobody.p7b'])('%s is 404', async (path) => {
    expect(await get(path)).toMatchObject({ status: 404, body: 'there is no such CA\n' });
  });

  it('are 404 as long as there are none', async () => {
    const all = anchors;
    anchors = all.filter(({ state }) => state === 'next');
    try {
      expect(await get('/trust.pem')).toMatchObject({ status: 404 });
    } finally {
      anchors = all;
    }
  });
});

describe('The page of root certificates', () => {
  it('shows the fingerprints that openssl prints, and until when each is valid', async () => {
    const page = String((await get('/trust')).body);
    for (const { certificate, generation } of anchors) {
      openssl.write('root.der', certificate);
      const print = (...options: string[]) =>
        openssl.run('x509', '-inform', 'DER', '-in', 'root.der', '-noout', ...options).toString();
      const [, entry = ''] = page.split(`<dl id="generation-${generation}">`);
      const [text = ''] = entry.split('</dl>');
      for (const hash of ['sha256', 'sha1']) {
        const [, fingerprint = 'none'] = print('-fingerprint', `-${hash}`).trim().split('=');
        expect(text).toContain(`<code>${fingerprint}</code>`);
      }
      const end = new Date(print('-enddate').trim().replace('notAfter=', ''));
      expect(text).toContain(`to ${end.toISOString()}`);
    }
  });

  it('says which is in use, which was before, and which is to come', async () => {
    const page = String((await get('/trust')).body);
    expect(page).toContain('plant-1: of before; what it has issued is still valid');
    expect(page).toContain('plant-2: in use');
    expect(page).toContain('plant-3: announced, not in use yet');
  });

  it('says what it proves, and how to compare', async () => {
    const page = String((await get('/trust')).body);
    expect(page).toContain('Over plain HTTP this page proves nothing by itself');
    expect(page).toContain('openssl x509 -in root.pem -noout -fingerprint -sha256');
    expect(page).toContain('gatehouse ca show &lt;name&gt;');
  });

  it('shows a subject as text, whatever it is', async () => {
    const page = String((await get('/trust')).body);
    expect(page).not.toMatch(/<script|onload='|"onload/);
    expect(page).toContain('CN=\\&lt;script\\&gt;alert(1)\\&lt;/script\\&gt;');
  });

  it('may have the one style that it has, by its hash, and no scripts, frames or forms', async () => {
    const { body, headers } = await get('/trust');
    const page = String(body);
    const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(page) ?? [];
    const hash = createHash('sha256').update(style).digest('base64');
    expect(headers['Content-Security-Policy']).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    expect(headers['X-Content-Type-Options']).toBe('nosniff');
    expect(page).not.toMatch(/style=|<img|<link|<form|javascript:/);
  });

  it('has no more than fifty CAs, and the way to the others', async () => {
    const [, template] = anchors;
    if (template === undefined) throw new Error('no anchor');
    const all = anchors;
    const name = (index: number) => `ca-${String(index).padStart(4, '0')}`;
    anchors = Array.from({ length: 1000 }, (_, index) => ({
      ...template,
      ca: name(index),
      generation: `${name(index)}-1`,
      state: 'current' as const,
    }));
    try {
      const shown: string[] = [];
      let query: string | undefined = '';
      while (query !== undefined) {
        const page: string = String((await get('/trust', query)).body);
        const here = [...page.matchAll(/<h2 id="([^"]*)">/g)].map(([, ca = '']) => ca);
        expect(here.length).toBeLessThanOrEqual(50);
        expect(page.length).toBeLessThan(100_000);
        shown.push(...here);
        query = /href="\/trust\?(after=[^"]*)"/.exec(page)?.[1];
      }
      expect(shown).toEqual(anchors.map(({ ca }) => ca));
    } finally {
      anchors = all;
    }
  });

  it('is empty, and says so, beyond the last name', async () => {
    const page = String((await get('/trust', `after=${'z'.repeat(5000)}%00%zz`)).body);
    expect(page).toContain('There is no root certificate here.');
    expect(page).not.toContain('zzz');
  });
});
