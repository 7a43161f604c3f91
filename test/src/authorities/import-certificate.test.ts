import { describe, expect, it } from '@jest/globals';
import { importCertificate } from '../../../src/authorities/import-certificate.js';
import { requestCertificate } from '../../../src/authorities/request.js';
import { revokeAuthority } from '../../../src/authorities/revoke.js';
import { dropNext } from '../../../src/authorities/stage.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { toPem } from '../../../src/x509/pem.js';
import { makeRoot, type OpensslFolder, withOpenssl } from '../../support/openssl-folder.js';
import { opensslAccepts } from '../../support/openssl-verify.js';
import { day, rootAndIssuing } from '../ca/test-hierarchy.js';
import { actionsOf, codeOf, type OperatedCas, operator, withCas } from './operated-cas.js';

const corporate = { name: 'corporate', subject: 'CN=External Root,O=Example', key: 'external' };
const issuing = {
  name: 'issuing',
  parent: 'corporate',
  subject: 'CN=Issuing,O=Example',
  key: 'ec-p256',
  pathLength: 0,
};

const usualExtensions = 'basicConstraints=critical,CA:true,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n';

async function writeRequest(openssl: OpensslFolder, cas: OperatedCas): Promise<void> {
  openssl.write('issuing.csr', toPem('CERTIFICATE REQUEST', await requestCertificate('issuing', operator, cas)));
}

function sign(openssl: OpensslFolder, { extensions = usualExtensions, options = [] as string[] } = {}): void {
  const file = openssl.write('extensions.cnf', extensions);
  openssl.run(
    ...['x509', '-req', '-in', 'issuing.csr', '-CA', 'root.pem', '-CAkey', 'root.key', '-CAcreateserial'],
    ...['-out', 'issuing.pem', '-extfile', file, '-days', '1000', ...options],
  );
}

function answer(openssl: OpensslFolder, cas: OperatedCas, files = ['issuing.pem', 'root.pem']): Promise<string> {
  const certificates = files.flatMap((file) => openssl.certificates(file));
  return importCertificate({ ca: 'issuing', certificates, actor: operator }, cas);
}

/** What a refusal must leave as it was. */
async function stateOf({ store }: OperatedCas) {
  return { generations: await store.caGenerations.all(), request: await store.caRequests.find({ ca: 'issuing' }) };
}

/** After what openssl makes meanwhile has begun. */
function soon(): number {
  return Date.now() + 60_000;
}

describe('A CA that an external root certifies', () => {
  it('asks for its certificate, takes it with the root, and issues below both', async () => {
    await withOpenssl(async (openssl) => {
      makeRoot(openssl, 'root');
      await withCas([corporate, issuing], async (cas) => {
        cas.world.clock.at = soon();
        await writeRequest(openssl, cas);
        const shown = openssl.run('req', '-in', 'issuing.csr', '-noout', '-verify', '-text').toString();
        expect(shown).toMatch(/O ?= ?Example, CN ?= ?Issuing/);
        expect(shown).toMatch(/CA:TRUE, pathlen:0/);
        const again = await requestCertificate('issuing', operator, cas);
        expect(toPem('CERTIFICATE REQUEST', again)).toBe(openssl.read('issuing.csr').toString());
        expect(await codeOf((async () => cas.authority.issuer('issuing'))())).toBe('unavailable');
        sign(openssl);
        expect(await answer(openssl, cas)).toBe('issuing-1');
        const facts = cas.authority.issuer('issuing');
        const [own, root] = [...openssl.certificates('issuing.pem'), ...openssl.certificates('root.pem')];
        expect(facts).toMatchObject({ id: 'issuing-1', pathLength: 0 });
        expect(facts.notAfter).toEqual(decodeCertificate(own ?? new Uint8Array()).notAfter);
        expect(cas.authority.chain('issuing-1').map((der) => Buffer.from(der))).toEqual(
          [own, root].map((der) => Buffer.from(der ?? [])),
        );
        expect(cas.generations.find('corporate-1')).toMatchObject({ state: 'current', online: false });
        expect(await cas.store.crls.find({ issuerId: 'issuing-1', partition: 0 })).toMatchObject({ number: 1 });
        // The external root's CRL is its own affair, and the answer is used up.
        await cas.crls.publishDue();
        expect(await cas.store.crls.find({ issuerId: 'corporate-1', partition: 0 })).toBeUndefined();
        expect(await codeOf(answer(openssl, cas))).toBe('invalid-state');
        expect((await actionsOf(cas)).filter((action) => action.startsWith('ca.'))).toEqual([
          'ca.refused',
          'ca.certified',
          'ca.requested',
        ]);
        // The next one is staged.
        await writeRequest(openssl, cas);
        sign(openssl);
        expect(await answer(openssl, cas, ['issuing.pem'])).toBe('issuing-2');
        expect(cas.authority.next('issuing')?.id).toBe('issuing-2');
        const chain = cas.authority.chain('issuing-2').toReversed();
        expect(
          opensslAccepts(chain, ['-x509_strict', '-purpose', 'any', '-attime', String(Math.ceil(soon() / 1000))]),
        ).toBe(true);
      });
    });
  });

  it.each([
    ['another key', 'unacceptable-key', /another key/, { force: true }],
    ['no CA certificate', 'rejected-power', /basicConstraints/, { extensions: 'keyUsage=keyCertSign,cRLSign\n' }],
    [
      'no key for CRLs',
      'rejected-power',
      /keyUsage/,
      { extensions: 'basicConstraints=critical,CA:true\nkeyUsage=keyCertSign\n' },
    ],
    ['one that has ended', 'rejected-profile', /has ended/, { expired: true }],
    ['a signature with SHA-1', 'unsupported-algorithm', /SHA-1/, { options: ['-sha1'] }],
    ['another subject', 'rejected-name', /configured as/, { options: ['-subj', '/CN=Somebody'] }],
    [
      'more certificates than lead to a root',
      'malformed-request',
      /no more than 10/,
      { files: ['issuing.pem', ...new Array<string>(11).fill('root.pem')] },
    ],
    ['no root', 'untrusted-signer', /up to the root/, { files: ['issuing.pem'] }],
    [
      'a critical extension that is not known',
      'untrusted-signer',
      /not valid/,
      { extensions: `${usualExtensions}1.2.3.4=critical,ASN1:NULL\n` },
    ],
  ] as const)(
    'refuses %s, with the reason, on record, and keeps nothing of it',
    async (_what, code, reason, changes) => {
      await withOpenssl(async (openssl) => {
        makeRoot(openssl, 'root');
        await withCas([corporate, issuing], async (cas) => {
          cas.world.clock.at = soon();
          await writeRequest(openssl, cas);
          const given: {
            extensions?: string;
            options?: readonly string[];
            files?: readonly string[];
            expired?: true;
            force?: true;
          } = changes;
          if (given.force) openssl.run('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'other.key');
          if (given.force) openssl.run('pkey', '-in', 'other.key', '-pubout', '-out', 'other.pub');
          const forced = given.force ? ['-force_pubkey', 'other.pub'] : [];
          sign(openssl, {
            ...(given.extensions === undefined ? {} : { extensions: given.extensions }),
            options: [...(given.options ?? []), ...forced],
          });
          if (given.expired) cas.world.clock.at += 1001 * day;
          const before = await stateOf(cas);
          const work = answer(openssl, cas, [...(given.files ?? ['issuing.pem', 'root.pem'])]);
          await expect(work).rejects.toMatchObject({ code, message: expect.stringMatching(reason) });
          expect(await stateOf(cas)).toEqual(before);
          const [event] = await cas.store.audit.list({ action: 'ca.refused', limit: 1 });
          expect(JSON.parse(event?.content ?? '{}')).toMatchObject({
            act: 'import-certificate',
            code,
            subject: 'issuing',
          });
        });
      });
    },
  );

  it('is refused below a CA that is revoked', async () => {
    await withOpenssl(async (openssl) => {
      makeRoot(openssl, 'root');
      await withCas([corporate, issuing], async (cas) => {
        cas.world.clock.at = soon();
        const root = openssl.certificates('root.pem');
        await importCertificate({ ca: 'corporate', certificates: root, actor: operator }, cas);
        await writeRequest(openssl, cas);
        sign(openssl);
        await revokeAuthority({ generation: 'corporate', reason: 'cACompromise', actor: operator }, cas);
        await expect(answer(openssl, cas)).rejects.toMatchObject({
          code: 'untrusted-signer',
          message: expect.stringContaining('corporate-1 is revoked'),
        });
      });
    });
  });

  it('is refused where the path length leaves no room for what is configured below it', async () => {
    await withOpenssl(async (openssl) => {
      makeRoot(openssl, 'root');
      const below = { name: 'below', parent: 'issuing', subject: 'CN=Below', key: 'ec-p256' };
      const { pathLength: _none, ...unlimited } = issuing;
      await withCas([corporate, unlimited, below], async (cas) => {
        cas.world.clock.at = soon();
        await writeRequest(openssl, cas);
        sign(openssl);
        expect(await codeOf(answer(openssl, cas))).toBe('rejected-profile');
        sign(openssl, { extensions: usualExtensions.replace('pathlen:0', 'pathlen:1') });
        expect(await answer(openssl, cas)).toBe('issuing-1');
        // What is below it is made as soon as it can be.
        expect(await cas.ensure()).toEqual(['below']);
      });
    });
  });
});

describe('A request for the certificate of a CA', () => {
  it('is only made for one that is certified elsewhere', async () => {
    await withCas([...rootAndIssuing, corporate], async (cas) => {
      for (const ca of ['root', 'issuing', 'corporate'])
        expect(await codeOf(requestCertificate(ca, operator, cas))).toBe('invalid-state');
      expect(await codeOf(requestCertificate('nowhere', operator, cas))).toBe('not-found');
    });
  });

  it('can be dropped, with its key', async () => {
    await withCas([corporate, issuing], async (cas) => {
      const first = await requestCertificate('issuing', operator, cas);
      await dropNext('issuing', operator, cas);
      expect(await cas.store.keys.findByPurpose({ purpose: 'ca:issuing-1' })).toEqual([]);
      expect(Buffer.from(first)).not.toEqual(Buffer.from(await requestCertificate('issuing', operator, cas)));
    });
  });
});

describe('The certificate of an external CA', () => {
  it('is known once, replaced by a later one, and never issues here', async () => {
    await withOpenssl(async (openssl) => {
      makeRoot(openssl, 'root');
      makeRoot(openssl, 'later');
      await withCas([corporate], async (cas) => {
        cas.world.clock.at = soon();
        const take = (name: string) =>
          importCertificate({ ca: 'corporate', certificates: openssl.certificates(name), actor: operator }, cas);
        makeRoot(openssl, 'weak', { key: ['rsa', '-pkeyopt', 'rsa_keygen_bits:1024'] });
        expect(await codeOf(take('weak.pem'))).toBe('unacceptable-key');
        expect(await take('root.pem')).toBe('corporate-1');
        expect(await codeOf(take('root.pem'))).toBe('duplicate-request');
        expect(await take('later.pem')).toBe('corporate-2');
        expect(cas.generations.all().map(({ id, state }) => [id, state])).toEqual([
          ['corporate-1', 'previous'],
          ['corporate-2', 'current'],
        ]);
        expect(await codeOf((async () => cas.authority.issuer('corporate'))())).toBe('unavailable');
      });
    });
  });
});
