import { describe, expect, it } from '@jest/globals';
import { describeCrossCertificates } from '../../../src/authorities/describe-cross-certificates.js';
import { linkAuthority, unlinkAuthority } from '../../../src/authorities/links.js';
import { dropNext, stageNext } from '../../../src/authorities/stage.js';
import { findCrossCertificate } from '../../../src/ca/cross-certificates.js';
import { fingerprint } from '../../../src/x509/certificate.js';
import { makeRoot, type OpensslFolder, withOpenssl } from '../../support/openssl-folder.js';
import { opensslAccepts } from '../../support/openssl-verify.js';
import { rootAndIssuing } from '../ca/test-hierarchy.js';
import { linkExtensions, signLink } from './foreign-link.js';
import { actionsOf, codeOf, type OperatedCas, operator, withCas } from './operated-cas.js';

async function withPartner(work: (openssl: OpensslFolder, cas: OperatedCas) => Promise<void>): Promise<void> {
  await withOpenssl(async (openssl) => {
    makeRoot(openssl, 'partner', { subject: '/O=Partner/CN=Partner Root' });
    await withCas(rootAndIssuing, async (cas) => {
      // After what openssl makes meanwhile has begun.
      cas.world.clock.at = Date.now() + 60_000;
      await work(openssl, cas);
    });
  });
}

function certificateOf({ authority }: OperatedCas, generation: string): Uint8Array {
  return authority.chain(generation)[0] ?? new Uint8Array();
}

function rootLink(openssl: OpensslFolder, cas: OperatedCas, changes: object = {}): Uint8Array {
  const certificate = certificateOf(cas, 'root-1');
  return signLink(openssl, { certificate, by: 'partner', subject: '/O=Example/CN=Test Root', ...changes });
}

function link(openssl: OpensslFolder, cas: OperatedCas, own: Uint8Array, others = ['partner.pem']) {
  const above = others.flatMap((file) => openssl.certificates(file));
  return linkAuthority({ ca: 'root', certificates: [own, ...above], actor: operator }, cas);
}

async function linksIn(cas: OperatedCas) {
  return (await describeCrossCertificates('root', cas)).links;
}

describe('A link: a certificate of a CA here by a foreign one', () => {
  it('lets openssl accept what is issued here under the foreign root alone; it is listed, and can be taken away', async () => {
    await withPartner(async (openssl, cas) => {
      const own = rootLink(openssl, cas);
      const { fingerprint: id } = await link(openssl, cas, own);
      expect(id).toBe(fingerprint(own));
      const [foreign = new Uint8Array()] = openssl.certificates('partner.pem');
      const chain = [foreign, own, certificateOf(cas, 'issuing-1')];
      const now = ['-x509_strict', '-attime', String(Math.ceil(Date.now() / 1000) + 60)];
      expect(opensslAccepts(chain, now)).toBe(true);
      expect(await linksIn(cas)).toMatchObject([
        {
          fingerprint: id,
          generation: 'root-1',
          issuer: 'CN=Partner Root,O=Partner',
          anchor: 'CN=Partner Root,O=Partner',
        },
      ]);
      expect(await codeOf(link(openssl, cas, own))).toBe('duplicate-request');
      const unlinking = { ca: 'root', fingerprint: id, actor: operator };
      expect(await codeOf(unlinkAuthority({ ...unlinking, ca: 'issuing' }, cas))).toBe('not-found');
      await unlinkAuthority(unlinking, cas);
      expect(await linksIn(cas)).toEqual([]);
      expect((await actionsOf(cas)).slice(0, 4)).toEqual(['ca.unlinked', 'ca.refused', 'ca.refused', 'ca.linked']);
    });
  });

  it('is refused for another key, subject or key identifier, and without room, issuer or power', async () => {
    await withPartner(async (openssl, cas) => {
      makeRoot(openssl, 'other', { subject: '/O=Partner/CN=Partner Root' });
      const [basic, usage, identifier] = linkExtensions;
      const refused = [
        ['unacceptable-key', rootLink(openssl, cas, { certificate: certificateOf(cas, 'issuing-1') })],
        ['rejected-name', rootLink(openssl, cas, { subject: '/CN=Somebody' })],
        ['rejected-profile', rootLink(openssl, cas, { extensions: [basic, usage, 'subjectKeyIdentifier=0102'] })],
        [
          'rejected-profile',
          rootLink(openssl, cas, { extensions: ['basicConstraints=critical,CA:true,pathlen:0', usage, identifier] }),
        ],
        ['rejected-power', rootLink(openssl, cas, { extensions: ['basicConstraints=CA:false', usage, identifier] })],
        ['untrusted-signer', rootLink(openssl, cas, { by: 'other' })],
        ['untrusted-signer', rootLink(openssl, cas, { extensions: [...linkExtensions, '1.2.3.4=critical,ASN1:NULL'] })],
      ] as const;
      for (const [code, own] of refused) expect(await codeOf(link(openssl, cas, own))).toBe(code);
      expect(await codeOf(link(openssl, cas, rootLink(openssl, cas), []))).toBe('malformed-request');
      expect(await linksIn(cas)).toEqual([]);
      const acts = await actionsOf(cas);
      expect(acts.filter((action) => action === 'ca.refused')).toHaveLength(refused.length + 1);
    });
  });

  it('of a generation that is dropped goes with it; those between generations are there already', async () => {
    await withPartner(async (openssl, cas) => {
      await stageNext('root', operator, cas);
      const certificate = certificateOf(cas, 'root-2');
      await link(openssl, cas, rootLink(openssl, cas, { certificate }));
      expect(await linksIn(cas)).toMatchObject([{ generation: 'root-2' }]);
      const [next] = cas.generations.all().filter(({ id }) => id === 'root-2');
      const newWithOld = next && (await findCrossCertificate(next, 'root-1', cas.store));
      const certificates = [newWithOld ?? new Uint8Array(), certificateOf(cas, 'root-1')];
      expect(await codeOf(linkAuthority({ ca: 'root', certificates, actor: operator }, cas))).toBe('duplicate-request');
      await dropNext('root', operator, cas);
      expect(await cas.store.caLinks.ofGeneration({ generation: 'root-2' })).toEqual([]);
    });
  });
});
