import { describe, expect, it } from '@jest/globals';
import { importAuthority } from '../../../src/authorities/import-authority.js';
import { importCertificate } from '../../../src/authorities/import-certificate.js';
import { stageNext } from '../../../src/authorities/stage.js';
import { encodePkcs12 } from '../../../src/cms/pkcs12.js';
import { makeRoot, type OpensslFolder, withOpenssl } from '../../support/openssl-folder.js';
import { codeOf, type OperatedCas, operator, withCas } from './operated-cas.js';

const old = { name: 'old', subject: 'CN=External Root,O=Example', key: 'external' };
const passphrase = 'correct horse';

interface Given {
  readonly key: string;
  readonly certificates?: readonly string[];
  readonly passphrase?: string;
}

async function take(
  openssl: OpensslFolder,
  cas: OperatedCas,
  { key, certificates = ['ca.pem'], passphrase }: Given,
): Promise<string> {
  const files = certificates.flatMap((file) => openssl.certificates(file));
  const file = { content: openssl.read(key), passphrase };
  const given = { ca: 'old', key: file, certificates: files, crls: [], actor: operator };
  return (await importAuthority(given, cas)).generation;
}

/** Runs `work` with the key and certificate of a CA, `ca.key` and `ca.pem`. */
async function withForeign(work: (openssl: OpensslFolder, cas: OperatedCas) => Promise<void>): Promise<void> {
  await withOpenssl(async (openssl) => {
    makeRoot(openssl, 'ca');
    await withCas([old], async (cas) => {
      cas.world.clock.at = soon();
      await work(openssl, cas);
    });
  });
}

const inPkcs12 = [
  'pkcs12',
  '-export',
  '-inkey',
  'ca.key',
  '-in',
  'ca.pem',
  '-passout',
  `pass:${passphrase}`,
  '-out',
  'out',
];

const forms: readonly (readonly [
  string,
  readonly string[],
  { readonly encrypted?: true; readonly complete?: true },
])[] = [
  ['PKCS #8, PEM', ['pkey', '-in', 'ca.key', '-out', 'out'], {}],
  ['PKCS #8, DER', ['pkcs8', '-topk8', '-nocrypt', '-in', 'ca.key', '-outform', 'DER', '-out', 'out'], {}],
  ['SEC 1, PEM', ['ec', '-in', 'ca.key', '-out', 'out'], {}],
  [
    'encrypted PKCS #8, PEM',
    ['pkcs8', '-topk8', '-in', 'ca.key', '-passout', `pass:${passphrase}`, '-out', 'out'],
    { encrypted: true },
  ],
  [
    'encrypted PKCS #8, DER, triple DES',
    [
      'pkcs8',
      '-topk8',
      '-in',
      'ca.key',
      '-v1',
      'PBE-SHA1-3DES',
      '-outform',
      'DER',
      '-passout',
      `pass:${passphrase}`,
      '-out',
      'out',
    ],
    { encrypted: true },
  ],
  ['PKCS #12 with AES', inPkcs12, { encrypted: true, complete: true }],
  [
    'PKCS #12 with triple DES and SHA-1',
    [...inPkcs12, '-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'],
    { encrypted: true, complete: true },
  ],
];

/** After what openssl makes meanwhile has begun. */
function soon(): number {
  return Date.now() + 60_000;
}

describe('The key and certificate of a CA that was elsewhere', () => {
  it.each(forms)('are taken over from %s', async (_form, command, { encrypted, complete }) => {
    await withForeign(async (openssl, cas) => {
      openssl.run(...command);
      const given = { key: 'out', ...(complete ? { certificates: [] } : {}) };
      if (encrypted) {
        expect(await codeOf(take(openssl, cas, given))).toBe('bad-secret');
        expect(await codeOf(take(openssl, cas, { ...given, passphrase: 'wrong' }))).toBe('bad-secret');
      }
      expect(await cas.store.caGenerations.all()).toEqual([]);
      expect(await take(openssl, cas, { ...given, ...(encrypted ? { passphrase } : {}) })).toBe('old-1');
      expect(cas.authority.issuer('old')).toMatchObject({ id: 'old-1', keyAlgorithm: 'ec' });
      expect(await cas.store.crls.find({ issuerId: 'old-1', partition: 0 })).toMatchObject({ number: 1 });
      expect(await codeOf(take(openssl, cas, { ...given, passphrase }))).toBe('duplicate-request');
    });
  });

  it('are read from what the gateway itself writes as PKCS #12', async () => {
    await withForeign(async (openssl, cas) => {
      openssl.run('pkcs8', '-topk8', '-nocrypt', '-in', 'ca.key', '-outform', 'DER', '-out', 'der');
      const [certificate = new Uint8Array()] = openssl.certificates('ca.pem');
      const file = await encodePkcs12({
        privateKey: openssl.read('der'),
        certificate,
        chain: [],
        password: passphrase,
      });
      openssl.write('out', file);
      expect(await take(openssl, cas, { key: 'out', certificates: [], passphrase })).toBe('old-1');
    });
  });

  it('are refused where they do not fit, with the reason, on record, and nothing of them is kept', async () => {
    await withForeign(async (openssl, cas) => {
      makeRoot(openssl, 'other');
      makeRoot(openssl, 'weak', { key: ['rsa', '-pkeyopt', 'rsa_keygen_bits:1024'] });
      makeRoot(openssl, 'leaf', { options: ['-addext', 'basicConstraints=critical,CA:false'] });
      makeRoot(openssl, 'curve', { key: ['ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'] });
      openssl.write('garbage', 'no key at all');
      openssl.write('empty', '');
      openssl.write(
        'truncated',
        openssl
          .read('ca.key')
          .toString()
          .replace(/\n.{20}/, '\n'),
      );
      openssl.write('several', Buffer.concat([openssl.read('ca.key'), openssl.read('other.key')]));
      openssl.run(...inPkcs12.slice(0, -1), 'nomac', '-nomac');
      const cases: readonly (readonly [Given, string])[] = [
        [{ key: 'other.key' }, 'unacceptable-key'],
        [{ key: 'weak.key', certificates: ['weak.pem'] }, 'unacceptable-key'],
        [{ key: 'curve.key', certificates: ['curve.pem'] }, 'unacceptable-key'],
        [{ key: 'leaf.key', certificates: ['leaf.pem'] }, 'rejected-power'],
        [{ key: 'garbage' }, 'malformed-request'],
        [{ key: 'empty' }, 'malformed-request'],
        [{ key: 'truncated' }, 'unacceptable-key'],
        [{ key: 'several' }, 'malformed-request'],
        [{ key: 'nomac', passphrase }, 'malformed-request'],
        [{ key: 'ca.key', certificates: [] }, 'malformed-request'],
        [{ key: 'ca.pem' }, 'malformed-request'],
      ];
      const codes: string[] = [];
      for (const [given] of cases) codes.push(await codeOf(take(openssl, cas, given)));
      expect(codes).toEqual(cases.map(([, code]) => code));
      const { at } = cas.world.clock;
      cas.world.clock.at += 3651 * 86_400_000;
      expect(await codeOf(take(openssl, cas, { key: 'ca.key' }))).toBe('rejected-profile');
      cas.world.clock.at = at;
      expect(await cas.store.caGenerations.all()).toEqual([]);
      expect(await cas.store.keys.findByPurpose({ purpose: 'ca:old-1' })).toEqual([]);
      expect(await cas.store.audit.list({ action: 'ca.refused', limit: 100 })).toHaveLength(cases.length + 1);
    });
  });

  it('are not taken for a CA whose keys are made here; a later one is staged', async () => {
    await withOpenssl(async (openssl) => {
      makeRoot(openssl, 'ca');
      makeRoot(openssl, 'next');
      await withCas([old, { name: 'own', subject: 'CN=Own', key: 'ec-p256' }], async (cas) => {
        cas.world.clock.at = soon();
        const key = { content: openssl.read('ca.key') };
        const certificates = openssl.certificates('ca.pem');
        expect(await codeOf(importAuthority({ ca: 'own', key, certificates, crls: [], actor: operator }, cas))).toBe(
          'invalid-state',
        );
        expect(await take(openssl, cas, { key: 'ca.key' })).toBe('old-1');
        expect(await codeOf(stageNext('old', operator, cas))).toBe('invalid-state');
        expect(await take(openssl, cas, { key: 'next.key', certificates: ['next.pem'] })).toBe('old-2');
        expect(cas.authority.next('old')?.id).toBe('old-2');
        makeRoot(openssl, 'third');
        const alone = { ca: 'old', certificates: openssl.certificates('third.pem'), actor: operator };
        expect(await codeOf(importCertificate(alone, cas))).toBe('invalid-state');
        expect(await codeOf(take(openssl, cas, { key: 'third.key', certificates: ['third.pem'] }))).toBe(
          'invalid-state',
        );
      });
    });
  });

  it('are not taken for a CA whose key stays elsewhere, with its certificate here', async () => {
    await withOpenssl(async (openssl) => {
      makeRoot(openssl, 'ca');
      makeRoot(openssl, 'next');
      await withCas([old], async (cas) => {
        cas.world.clock.at = soon();
        await importCertificate({ ca: 'old', certificates: openssl.certificates('ca.pem'), actor: operator }, cas);
        expect(await codeOf(take(openssl, cas, { key: 'next.key', certificates: ['next.pem'] }))).toBe('invalid-state');
        expect(cas.generations.all().map(({ id }) => id)).toEqual(['old-1']);
      });
    });
  });
});
