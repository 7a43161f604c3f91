import 'reflect-metadata';
import { sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { X509Crl } from '@peculiar/x509';
import { importAuthority } from '../../../src/authorities/import-authority.js';
import { importCertificate } from '../../../src/authorities/import-certificate.js';
import { releaseCertificate } from '../../../src/enrollment/revoke.js';
import { GatewayError } from '../../../src/errors.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import {
  encodeCertificateList,
  encodeRevokedCertificate,
  encodeSerialNumber,
  encodeTbsCertList,
} from '../../../src/x509/crl.js';
import { sequence, smallInteger, time } from '../../../src/x509/der-writer.js';
import { encodeExtension } from '../../../src/x509/extensions.js';
import { encodeGeneralNames } from '../../../src/x509/general-names.js';
import { fromPem, toPem } from '../../../src/x509/pem.js';
import { signatureAlgorithmFor } from '../../../src/x509/signature-algorithms.js';
import { makeCrl, makeRoot, type OpensslFolder, withOpenssl } from '../../support/openssl-folder.js';
import { codeOf, type OperatedCas, operator, withCas } from './operated-cas.js';

const day = 86_400_000;
const old = { name: 'old', subject: 'CN=External Root,O=Example', key: 'external', crl: { interval: '1d' } };
const below = { name: 'below', parent: 'old', subject: 'CN=Below', key: 'external' };
const identified = ['subjectKeyIdentifier=hash', 'basicConstraints=critical,CA:true', 'keyUsage=keyCertSign,cRLSign'];
const rootOptions = { options: identified.flatMap((each) => ['-addext', each]) };

/** Runs `work` with `ca.key` and `ca.pem` of a CA that is to be taken over. */
async function withForeign(work: (openssl: OpensslFolder, cas: OperatedCas) => Promise<void>): Promise<void> {
  await withOpenssl(async (openssl) => {
    makeRoot(openssl, 'ca', rootOptions);
    await withCas([old, below], async (cas) => {
      cas.world.clock.at = Date.now() + 60_000;
      await work(openssl, cas);
    });
  });
}

function take(openssl: OpensslFolder, cas: OperatedCas, crls: readonly Uint8Array[]) {
  const key = { content: openssl.read('ca.key') };
  const certificates = openssl.certificates('ca.pem');
  return importAuthority({ ca: 'old', key, certificates, crls, actor: operator }, cas);
}

function crlsIn(openssl: OpensslFolder, name: string): readonly Uint8Array[] {
  return fromPem(openssl.read(name).toString('latin1'), 'X509 CRL');
}

/** A CRL of `ca.pem` with entries that openssl does not write. */
function signed(openssl: OpensslFolder, entries: Uint8Array, extensions = [number(7)]): Uint8Array {
  const [certificate = new Uint8Array()] = openssl.certificates('ca.pem');
  const signatureAlgorithm = signatureAlgorithmFor('ec', 'sha256').identifier;
  const issuer = decodeCertificate(certificate).subject;
  const thisUpdate = new Date(Date.now() - day);
  const nextUpdate = new Date(Date.now() + day);
  const tbs = encodeTbsCertList({ signatureAlgorithm, issuer, thisUpdate, nextUpdate, entries, extensions });
  return encodeCertificateList(tbs, signatureAlgorithm, sign('sha256', tbs, openssl.read('ca.key').toString()));
}

function number(value: number) {
  return { id: '2.5.29.20', critical: false, value: smallInteger(value) };
}

function entry(serialNumber: string, extension?: Parameters<typeof encodeExtension>[0]): Uint8Array {
  const revokedAt = new Date('2026-01-01T00:00:00Z');
  if (extension === undefined) return encodeRevokedCertificate({ serialNumber, revokedAt });
  return sequence(encodeSerialNumber(serialNumber), time(revokedAt), sequence(encodeExtension(extension)));
}

async function published({ store }: OperatedCas): Promise<X509Crl> {
  const found = await store.crls.find({ issuerId: 'old-1', partition: 0 });
  return new X509Crl(found?.der ?? new Uint8Array());
}

const ofAnother = encodeGeneralNames([{ type: 'dns', value: 'another.example' }]);

describe('The last CRLs of a CA that is taken over (RFC 5280 5)', () => {
  it('go on: the next number follows, and what they list stays, with reason, hold and invalidity date', async () => {
    await withForeign(async (openssl, cas) => {
      const extensions = 'authorityKeyIdentifier=keyid';
      const revoked = [
        { serial: '0A', reason: 'keyTime,20251231000000Z' },
        { serial: '0B', reason: 'holdInstruction,holdInstructionReject' },
        { serial: '00D0', date: '251115120000Z' },
      ];
      makeCrl(openssl, 'ca', { revoked, extensions });
      const done = await take(openssl, cas, crlsIn(openssl, 'ca.crl'));
      expect(done).toEqual({ generation: 'old-1', revocations: 3 });
      expect(await cas.store.crls.findHeader({ issuerId: 'old-1', partition: 0 })).toMatchObject({
        number: 13,
        entries: 3,
      });
      const { entries } = await published(cas);
      expect(entries.map(({ serialNumber, reason }) => [serialNumber, reason])).toEqual([
        ['0a', 1],
        ['0b', 6],
        ['d0', undefined],
      ]);
      expect(entries[0]?.invalidity?.toISOString()).toBe('2025-12-31T00:00:00.000Z');
      expect(entries[2]?.revocationDate.toISOString()).toBe('2025-11-15T12:00:00.000Z');
      const [event] = await cas.store.audit.list({ action: 'ca.imported', limit: 1 });
      expect(JSON.parse(event?.content ?? '{}')).toMatchObject({ crls: 1, crlNumber: 12, revocations: 3 });
      const held = { issuerId: 'old-1', serialNumber: '0b', actor: operator };
      const released = releaseCertificate(held, cas);
      await expect(released).rejects.toThrow(/was revoked or held before its CA was taken over: it stays so/);
      await expect(released).rejects.toMatchObject({ code: 'unknown-certificate' });
    });
  });

  it('refuse an old certificate in openssl, years later too: when it ends is not known', async () => {
    await withForeign(async (openssl, cas) => {
      openssl.run('genpkey', '-algorithm', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'leaf.key');
      openssl.run('req', '-new', '-key', 'leaf.key', '-subj', '/CN=leaf', '-config', 'req.cnf', '-out', 'leaf.csr');
      openssl.run(
        ...['x509', '-req', '-in', 'leaf.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-set_serial', '10'],
        ...['-days', '3000', '-out', 'leaf.pem'],
      );
      makeCrl(openssl, 'ca', { revoked: [{ serial: '0A' }] });
      await take(openssl, cas, crlsIn(openssl, 'ca.crl'));
      for (const years of [0, 3, 6]) {
        cas.world.clock.at += years * 365 * day;
        const { der, number: next } = await cas.crls.publish('old-1', 0);
        expect(next).toBeGreaterThan(13);
        openssl.write('now.crl', toPem('X509 CRL', der));
        const at = String(Math.floor(cas.world.clock.at / 1000) + 1);
        const check = ['-crl_check', '-CAfile', 'ca.pem', '-CRLfile', 'now.crl', '-attime', at, 'leaf.pem'];
        expect(() => openssl.run('verify', ...check)).toThrow(/certificate revoked/);
      }
    });
  });

  it('may be several, one for each distribution point, and ended; many entries are read in parts', async () => {
    await withForeign(async (openssl, cas) => {
      const scope = 'issuingDistributionPoint=critical,@point\n[point]\nfullname=URI:http://old.example/0.crl';
      const ended = ['-crl_lastupdate', '260101000000Z', '-crl_nextupdate', '260201000000Z'];
      makeCrl(openssl, 'ca', { revoked: [{ serial: '01' }], extensions: scope, options: ended });
      const serials = Array.from({ length: 1200 }, (_, index) => (0x1000 + index).toString(16));
      const many = signed(openssl, Buffer.concat(serials.map((serial) => entry(serial))), [number(2 ** 40)]);
      const done = await take(openssl, cas, [...crlsIn(openssl, 'ca.crl'), many]);
      expect(done).toMatchObject({ revocations: 1201, crlEndedAt: new Date('2026-02-01T00:00:00Z') });
      const { entries } = await published(cas);
      expect(entries.map(({ serialNumber }) => serialNumber)).toEqual(['01', ...serials]);
      const { crls } = cas.store;
      expect(await crls.findHeader({ issuerId: 'old-1', partition: 0 })).toMatchObject({ number: 2 ** 40 + 1 });
    });
  });

  it('are refused where they say something else, with the reason, on record, and nothing is kept', async () => {
    await withForeign(async (openssl, cas) => {
      makeRoot(openssl, 'namesake', rootOptions);
      makeRoot(openssl, 'stranger', { subject: '/CN=Stranger' });
      const made = (ca: string, options: Parameters<typeof makeCrl>[2] = {}) => {
        makeCrl(openssl, ca, options);
        return crlsIn(openssl, `${ca}.crl`);
      };
      const extended = (extensions: string) => made('ca', { extensions });
      const future = ['-crl_lastupdate', '990101000000Z', '-crl_nextupdate', '20990201000000Z'];
      const [good = new Uint8Array()] = made('ca', { revoked: [{ serial: '0A' }] });
      const broken = Uint8Array.from(good, (octet, index) => (index === good.length - 40 ? octet ^ 1 : octet));
      const refused: readonly (readonly [readonly Uint8Array[], string, RegExp])[] = [
        [made('stranger'), 'untrusted-signer', /is of CN=Stranger/],
        [made('namesake', { extensions: 'authorityKeyIdentifier=keyid' }), 'untrusted-signer', /another key/],
        [made('namesake'), 'invalid-signature', /not signed by the key of this CA/],
        [[broken], 'invalid-signature', /not signed/],
        [[good.subarray(1)], 'malformed-request', /cannot be read/],
        [extended('2.5.29.27=critical,DER:020101'), 'malformed-request', /delta CRL/],
        [extended('1.2.3.4=critical,DER:0500'), 'malformed-request', /critical extension 1\.2\.3\.4/],
        [
          extended('issuingDistributionPoint=critical,@point\n[point]\nindirectCRL=TRUE'),
          'malformed-request',
          /indirect/,
        ],
        [extended('2.5.29.20=DER:021100ffffffffffffffffffffffffffffffff'), 'malformed-request', /number|twice/],
        [made('ca', { options: future.with(1, '20980101000000Z') }), 'malformed-request', /time to come/],
        [[signed(openssl, Buffer.concat([entry('0a'), entry('0a')]))], 'malformed-request', /0a a second time/],
        [[good, signed(openssl, entry('0a'))], 'malformed-request', /CRL 2 lists the serial number 0a a second time/],
        [
          [signed(openssl, entry('0a', { id: '2.5.29.29', critical: true, value: ofAnother }))],
          'malformed-request',
          /2\.5\.29\.29/,
        ],
        [
          [signed(openssl, entry('0a', { id: '2.5.29.21', critical: false, value: Uint8Array.of(10, 1, 8) }))],
          'malformed-request',
          /removeFromCRL/,
        ],
        [[signed(openssl, sequence(Uint8Array.of(2, 1, 0xf6), time(new Date(0))))], 'malformed-request', /below zero/],
        [Array.from({ length: 65 }, () => good), 'malformed-request', /no more than 64 CRLs/],
        [[new Uint8Array(11 * 1024 * 1024)], 'malformed-request', /octets together/],
      ];
      for (const [crls, code, reason] of refused) {
        const attempt = take(openssl, cas, crls);
        await expect(attempt).rejects.toThrow(reason);
        expect(await codeOf(attempt)).toBe(code);
      }
      expect(await cas.store.caGenerations.all()).toEqual([]);
      expect(await cas.store.keys.findByPurpose({ purpose: 'ca:old-1' })).toEqual([]);
      expect(await cas.store.revocations.find({ issuerId: 'old-1', serialNumber: '0a' })).toBeUndefined();
      expect(await cas.store.audit.list({ action: 'ca.refused', limit: 100 })).toHaveLength(refused.length);
    });
  });

  it('count for the certificate of a CA below, which is not taken then', async () => {
    await withForeign(async (openssl, cas) => {
      openssl.run('genpkey', '-algorithm', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'below.key');
      openssl.run('req', '-new', '-key', 'below.key', '-subj', '/CN=Below', '-config', 'req.cnf', '-out', 'below.csr');
      openssl.write('ext', 'basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\n');
      for (const serial of ['10', '11']) {
        openssl.run(
          ...['x509', '-req', '-in', 'below.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-set_serial', serial],
          ...['-days', '300', '-extfile', 'ext', '-out', `below${serial}.pem`],
        );
      }
      makeCrl(openssl, 'ca', { revoked: [{ serial: '0A' }] });
      await take(openssl, cas, crlsIn(openssl, 'ca.crl'));
      const bring = (name: string) =>
        importCertificate({ ca: 'below', certificates: openssl.certificates(name), actor: operator }, cas);
      await expect(bring('below10.pem')).rejects.toThrow(/old-1 has revoked the certificate 0a/);
      expect(await bring('below11.pem')).toBe('below-1');
    });
  });

  it('leave nothing when the last write of all fails', async () => {
    await withForeign(async (openssl, cas) => {
      const { revocations, crls } = cas.store;
      const row = { issuerId: 'old-1', partition: 0, serialNumber: '0b', revokedAt: 0, reason: 0, change: 1 };
      const inTheWay = revocations.insert({ ...row, invalidityDate: null, notAfter: 0, removed: 0 });
      await cas.store.commit({ statements: [inTheWay], audit: [] });
      makeCrl(openssl, 'ca', { revoked: [{ serial: '0A' }, { serial: '0B' }] });
      await expect(take(openssl, cas, crlsIn(openssl, 'ca.crl'))).rejects.toThrow(GatewayError);
      expect(await cas.store.caGenerations.all()).toEqual([]);
      expect(await revocations.find({ issuerId: 'old-1', serialNumber: '0a' })).toBeUndefined();
      expect(await crls.state({ issuerId: 'old-1', partition: 0 })).toEqual({ revision: 0, number: 0 });
    });
  });
});
