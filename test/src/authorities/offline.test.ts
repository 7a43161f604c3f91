import { generateKeyPairSync, hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { requestCertificate } from '../../../src/authorities/request.js';
import { revokeAuthority } from '../../../src/authorities/revoke.js';
import { signOffline } from '../../../src/authorities/sign-offline.js';
import { stageNext } from '../../../src/authorities/stage.js';
import { takeOffline } from '../../../src/authorities/take-offline.js';
import { encryptPrivateKey } from '../../../src/cms/encrypted-private-key.js';
import { findCertificateStatus } from '../../../src/enrollment/certificate-status.js';
import { readAuthorityStates } from '../../../src/status/authority-states.js';
import { decodeCertificate, extension } from '../../../src/x509/certificate.js';
import { decodeCertificateList } from '../../../src/x509/crl.js';
import { decodeAuthorityInfoAccess } from '../../../src/x509/location-extensions.js';
import { idPeAuthorityInfoAccess } from '../../../src/x509/oids.js';
import { keyBits } from '../../../src/x509/public-key.js';
import { opensslAccepts } from '../../support/openssl-verify.js';
import { day, rootAndIssuing, start } from '../ca/test-hierarchy.js';
import { actionsOf, codeOf, type OperatedCas, operator, withCas } from './operated-cas.js';

const passphrase = 'for the ceremony';
const [root = {}, issuing = {}] = rootAndIssuing;
const rarely = { ...root, crl: { interval: '90d', validity: '200d' } };

/** Takes the root offline, and returns its key as the file has it. */
async function offline(cas: OperatedCas): Promise<Uint8Array> {
  let file = new Uint8Array();
  const keep = async (encrypted: Uint8Array) => {
    file = Uint8Array.from(encrypted);
    return file;
  };
  expect(await takeOffline({ generation: 'root', passphrase, keep, actor: operator }, cas)).toBe('root-1');
  return file;
}

describe('A CA that is taken offline', () => {
  it('leaves no key in the gateway, in no process and not in what is free of the file', async () => {
    await withCas([rarely, issuing], async (cas) => {
      const keyId = (await cas.store.caGenerations.find({ id: 'root-1' }))?.keyId ?? '';
      const sealed = Buffer.from((await cas.store.keys.find({ id: keyId }))?.sealed ?? []);
      const other = cas.another();
      await other.generations.reload();
      await other.crls.publish('root-1', 0);
      await offline(cas);
      expect(await cas.store.keys.find({ id: keyId })).toBeUndefined();
      expect(cas.generations.find('root-1')).toMatchObject({ online: false, state: 'current' });
      expect(await codeOf(cas.crls.publish('root-1', 0))).toBe('unavailable');
      await other.generations.refresh();
      expect(await codeOf(other.crls.publish('root-1', 0))).toBe('unavailable');
      await cas.store.close();
      const bytes = readFileSync(cas.file);
      expect(bytes.includes(sealed.subarray(0, 64))).toBe(false);
      expect(bytes.includes(sealed.subarray(-64))).toBe(false);
    });
  });

  it('stays as it is where its key could not be read back, or is needed', async () => {
    await withCas([rarely, { ...issuing, issueIntermediates: true }], async (cas) => {
      const keep = async () => Uint8Array.of(0x30, 0);
      const take = (generation: string, words = passphrase) =>
        takeOffline({ generation, passphrase: words, keep, actor: operator }, cas).then(
          () => 'done',
          (error: Error) => error.message,
        );
      expect(await take('issuing')).toMatch(/must be online/);
      expect(await take('root', 'short')).toMatch(/12 characters/);
      expect(await take('root')).not.toBe('done');
      expect(await take('nowhere')).toMatch(/root-1/);
      expect((await cas.crls.publish('root-1', 0)).issuerId).toBe('root-1');
    });
  });

  it('stays as it is where the file has another key under the same passphrase; what it has is not used beside it', async () => {
    await withCas([rarely, issuing], async (cas) => {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
      const another = await encryptPrivateKey(privateKey.export({ format: 'der', type: 'pkcs8' }), passphrase);
      let content = new Uint8Array();
      const keep = async (encrypted: Uint8Array) => {
        content = Uint8Array.from(encrypted);
        return another;
      };
      const taken = takeOffline({ generation: 'root', passphrase, keep, actor: operator }, cas);
      await expect(taken).rejects.toThrow('could not be read back');
      expect((await cas.crls.publish('root-1', 0)).issuerId).toBe('root-1');
      const signed = signOffline({ ca: 'root', key: { content, passphrase }, actor: operator }, cas);
      expect(await codeOf(signed)).toBe('invalid-state');
    });
  });

  it('certifies the CAs below it and signs its CRLs with the key that is brought', async () => {
    const later = { name: 'later', parent: 'root', subject: 'CN=Later', key: 'ec-p256', pathLength: 0 };
    await withCas([rarely, issuing], async (cas) => {
      const content = await offline(cas);
      const key = { content, passphrase };
      cas.world.configs.set('later', { ...(cas.world.configs.get('issuing') ?? never()), ...later, key: 'ec-p256' });
      expect(await cas.ensure()).toEqual([]);
      expect(await codeOf(stageNext('later', operator, cas))).toBe('invalid-state');
      await requestCertificate('later', operator, cas);
      expect(ocspUrls(cas, 'issuing-1')).toEqual(['http://gate.example:8080/ocsp/root-1']);
      await requestCertificate('issuing', operator, cas);
      const wrong = signOffline({ ca: 'root', key: { content, passphrase: 'another one' }, actor: operator }, cas);
      expect(await codeOf(wrong)).toBe('bad-secret');
      const signed = await signOffline({ ca: 'root', key, actor: operator }, cas);
      expect(signed).toMatchObject({ generation: 'root-1', certified: ['issuing-2', 'later-1'] });
      expect(signed.crls).toEqual([{ partition: 0, nextUpdate: new Date(start + 200 * day) }]);
      expect(cas.authority.issuer('later').id).toBe('later-1');
      expect(cas.generations.find('issuing-2')).toMatchObject({ state: 'next', parent: 'root-1', online: true });
      expect(ocspUrls(cas, 'later-1')).toEqual([]);
      const chain = cas.authority.chain('later-1').toReversed();
      expect(opensslAccepts(chain, ['-x509_strict', '-purpose', 'any', '-attime', String(start / 1000 + 60)])).toBe(
        true,
      );
      expect(cas.generations.find('root-1')?.online).toBe(false);
      expect((await signOffline({ ca: 'root', key, only: 'pending', actor: operator }, cas)).certified).toEqual([]);
      expect(await codeOf(signOffline({ ca: 'later', key, actor: operator }, cas))).toBe('unacceptable-key');
      expect(await actionsOf(cas)).toEqual(expect.arrayContaining(['ca.taken-offline', 'ca.signed-offline']));
    });
  });

  it('answers no OCSP requests, which a short-lived certificate of its own would be needed for', async () => {
    await withCas([rarely, issuing], async (cas) => {
      expect(await ocspStatus(cas)).toMatchObject({ generation: 'root-1', status: 'good' });
      await offline(cas);
      expect(await ocspStatus(cas)).toBeUndefined();
      expect(() => cas.authority.issuer('root', 'root-1')).toThrow('does not issue');
    });
  });

  it('says what is due of it, and what it has to revoke waits for its key, while the others go on', async () => {
    await withCas([rarely, issuing], async (cas) => {
      const key = { content: await offline(cas), passphrase };
      await revokeAuthority({ generation: 'issuing', reason: 'cACompromise', actor: operator }, cas);
      await cas.crls.publishChanged();
      await cas.crls.publishDue();
      expect(await cas.store.crls.changed({})).toMatchObject([{ issuerId: 'root-1' }]);
      const freshness = async (at: number) => {
        const states = await readAuthorityStates(cas.store, cas.catalog(), at);
        return states.find(({ id }) => id === 'root-1')?.crls.map((crl) => crl.freshness);
      };
      expect(await freshness(start + 100 * day)).toEqual(['fresh']);
      expect(await freshness(start + 180 * day)).toEqual(['late']);
      expect(await freshness(start + 201 * day)).toEqual(['past']);
      await signOffline({ ca: 'root', key, only: 'crl', actor: operator }, cas);
      expect(await cas.store.crls.changed({})).toEqual([]);
      const crl = await cas.store.crls.find({ issuerId: 'root-1', partition: 0 });
      expect(decodeCertificateList(crl?.der ?? new Uint8Array()).revokedCertificates).toHaveLength(1);
    });
  });
});

function ocspUrls(cas: OperatedCas, generation: string): readonly string[] {
  const [der] = cas.authority.chain(generation);
  const value = der && extension(decodeCertificate(der), idPeAuthorityInfoAccess);
  return value === undefined ? [] : decodeAuthorityInfoAccess(value).ocsp;
}

/** What is said of the certificate of the CA below it. */
function ocspStatus(cas: OperatedCas) {
  const { certificate: root } = cas.generations.find('root-1') ?? never();
  const { certificate } = cas.generations.find('issuing-1') ?? never();
  return findCertificateStatus(
    {
      hash: 'sha256',
      issuerNameHash: hash('sha256', root.subject, 'buffer'),
      issuerKeyHash: hash('sha256', keyBits(root.subjectPublicKeyInfo), 'buffer'),
      serialNumber: certificate.serialNumber,
      der: new Uint8Array(),
    },
    cas,
  );
}

function never(): never {
  throw new Error('there is no such CA');
}
