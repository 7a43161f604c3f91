import { describe, expect, it } from '@jest/globals';
import { crossCertify } from '../../../src/authorities/cross-certify.js';
import { describeCrossCertificates } from '../../../src/authorities/describe-cross-certificates.js';
import { revokeCertificate } from '../../../src/enrollment/revoke.js';
import { crossCertificationSchema } from '../../../src/model/cross-certification.js';
import { decodeCertificate, extension } from '../../../src/x509/certificate.js';
import { decodeBasicConstraints, decodeExtKeyUsage, decodeSubjectKeyIdentifier } from '../../../src/x509/extensions.js';
import { decodeCertificatePolicies } from '../../../src/x509/location-extensions.js';
import {
  idCeBasicConstraints,
  idCeCertificatePolicies,
  idCeExtKeyUsage,
  idCeNameConstraints,
  idCeSubjectKeyIdentifier,
} from '../../../src/x509/oids.js';
import { fromPem, toPem } from '../../../src/x509/pem.js';
import { makeRoot, type OpensslFolder, withOpenssl } from '../../support/openssl-folder.js';
import { opensslAccepts } from '../../support/openssl-verify.js';
import { rootAndIssuing } from '../ca/test-hierarchy.js';
import { actionsOf, codeOf, type OperatedCas, operator, withCas } from './operated-cas.js';

const caExtensions = ['basicConstraints=critical,CA:true,pathlen:1', 'keyUsage=critical,keyCertSign,cRLSign'];

interface Wish {
  readonly ca?: string;
  readonly file?: string;
  readonly request?: string;
  readonly limits?: object;
}

function certify(openssl: OpensslFolder, cas: OperatedCas, { ca = 'root', file = 'partner.pem', ...wish }: Wish = {}) {
  const [certificate = new Uint8Array()] = openssl.certificates(file);
  const proof = wish.request === undefined ? [] : fromPem(openssl.read(wish.request).toString('latin1'));
  return crossCertify(
    {
      ca,
      certificate,
      ...(proof[0] && { request: proof[0] }),
      limits: crossCertificationSchema.parse(wish.limits ?? {}),
      actor: operator,
    },
    cas,
  );
}

/** `<name>.pem`, by a CA in the folder. */
function sign(
  openssl: OpensslFolder,
  name: string,
  by: string,
  extensions: readonly string[],
  subject = `/CN=${name}`,
) {
  const config = openssl.write('req.cnf', '[req]\ndistinguished_name=dn\n[dn]\n');
  openssl.run('genpkey', '-algorithm', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', `${name}.key`);
  openssl.run('req', '-new', '-key', `${name}.key`, '-subj', subject, '-config', config, '-out', `${name}.csr`);
  openssl.run(
    ...['x509', '-req', '-in', `${name}.csr`, '-CA', `${by}.pem`, '-CAkey', `${by}.key`, '-CAcreateserial'],
    ...['-extfile', openssl.write('ext', `${extensions.join('\n')}\n`), '-days', '300', '-out', `${name}.pem`],
  );
  return openssl.certificates(`${name}.pem`)[0] ?? new Uint8Array();
}

function rootOf({ authority }: OperatedCas): Uint8Array {
  return authority.chain('root-1')[0] ?? new Uint8Array();
}

async function withPartner(work: (openssl: OpensslFolder, cas: OperatedCas) => Promise<void>): Promise<void> {
  await withOpenssl(async (openssl) => {
    const extensions = [...caExtensions, 'subjectKeyIdentifier=0102030405060708'];
    makeRoot(openssl, 'partner', {
      subject: '/O=Partner/CN=Partner Root',
      options: extensions.flatMap((each) => ['-addext', each]),
    });
    await withCas(rootAndIssuing, async (cas) => {
      // After what openssl makes meanwhile has begun.
      cas.world.clock.at = Date.now() + 60_000;
      await work(openssl, cas);
    });
  });
}

function at({ world }: OperatedCas): readonly string[] {
  return ['-x509_strict', '-attime', String(Math.ceil(world.clock.at / 1000) + 1)];
}

describe('A cross-certificate of a foreign CA', () => {
  it('lets openssl accept what that issues within its name constraints, and nothing else (RFC 5280 4.2.1.10)', async () => {
    await withPartner(async (openssl, cas) => {
      const limits = {
        nameConstraints: { permitted: [{ dns: 'partner.example' }], excluded: [{ dns: 'secret.partner.example' }] },
        certificatePolicies: ['1.3.6.1.4.1.99999.1'],
      };
      const id = await certify(openssl, cas, { limits });
      const record = await cas.store.certificates.findById({ id });
      const cross = decodeCertificate(record?.der ?? new Uint8Array());
      const identifier = extension(cross, idCeSubjectKeyIdentifier) ?? new Uint8Array();
      expect(Buffer.from(decodeSubjectKeyIdentifier(identifier)).toString('hex')).toBe('0102030405060708');
      const policies = extension(cross, idCeCertificatePolicies) ?? new Uint8Array();
      expect(decodeCertificatePolicies(policies)).toEqual(['1.3.6.1.4.1.99999.1']);
      const constraints = extension(cross, idCeBasicConstraints) ?? new Uint8Array();
      expect(decodeBasicConstraints(constraints)).toEqual({ ca: true, pathLength: 1 });
      const [foreign = new Uint8Array()] = openssl.certificates('partner.pem');
      expect(cross.notAfter).toEqual(decodeCertificate(foreign).notAfter);
      const accepts = (host: string) => {
        const leaf = sign(openssl, 'leaf', 'partner', [
          ...['basicConstraints=CA:false', 'keyUsage=digitalSignature', `subjectAltName=DNS:${host}`],
          'authorityKeyIdentifier=keyid:always',
        ]);
        return opensslAccepts([rootOf(cas), cross.der, leaf], at(cas));
      };
      expect(accepts('www.partner.example')).toBe(true);
      expect(accepts('www.secret.partner.example')).toBe(false);
      expect(accepts('www.plant.example')).toBe(false);
    });
  });

  it('is on record with its unmanaged CA, listed, and on the CRL once it is revoked', async () => {
    await withPartner(async (openssl, cas) => {
      const id = await certify(openssl, cas, { limits: { validity: '30d', pathLength: 0 } });
      const record = await cas.store.certificates.findById({ id });
      expect(record).toMatchObject({ usage: 'intermediate', policy: '', subject: 'CN=Partner Root,O=Partner' });
      expect(record?.notAfter).toBe((Math.floor(cas.world.clock.at / 1000) + 30 * 86_400 - 1) * 1000);
      const again = await certify(openssl, cas);
      const { issued } = await describeCrossCertificates('root', cas);
      expect(new Set(issued.map((each) => each.id))).toEqual(new Set([id, again]));
      // One CA, whatever certificates it has.
      expect(new Set(issued.map(({ unmanagedCa }) => unmanagedCa)).size).toBe(1);
      expect((await actionsOf(cas)).filter((action) => /cross|unmanaged/.test(action))).toEqual([
        'ca.cross-certified',
        'unmanaged-ca.created',
        'ca.cross-certified',
      ]);
      const crl = async () => {
        await cas.crls.publish('root-1', 0);
        const found = await cas.store.crls.find({ issuerId: 'root-1', partition: 0 });
        return openssl.write('crl.pem', toPem('X509 CRL', found?.der ?? new Uint8Array()));
      };
      const chain = [rootOf(cas), record?.der ?? new Uint8Array()];
      const checks = async () => opensslAccepts(chain, [...at(cas), '-crl_check', '-CRLfile', await crl()]);
      expect(await checks()).toBe(true);
      const [issuerId = '', serialNumber = ''] = id.split(':');
      await revokeCertificate({ issuerId, serialNumber, reason: 'cACompromise', actor: operator }, cas);
      cas.world.clock.at += 1000;
      expect(await checks()).toBe(false);
      expect(await codeOf(certify(openssl, cas))).toBe('unacceptable-key');
    });
  });

  it('of a CA that is no root takes a request as proof, and keeps what limits it already', async () => {
    await withPartner(async (openssl, cas) => {
      const limiting = ['nameConstraints=critical,permitted;DNS:sub.example', 'extendedKeyUsage=clientAuth'];
      const intermediate = sign(openssl, 'below', 'partner', [...caExtensions, ...limiting]);
      expect(await codeOf(certify(openssl, cas, { file: 'below.pem' }))).toBe('invalid-proof-of-possession');
      sign(openssl, 'other', 'partner', caExtensions, '/CN=below');
      expect(await codeOf(certify(openssl, cas, { file: 'below.pem', request: 'other.csr' }))).toBe(
        'invalid-proof-of-possession',
      );
      const id = await certify(openssl, cas, { file: 'below.pem', request: 'below.csr' });
      const cross = decodeCertificate((await cas.store.certificates.findById({ id }))?.der ?? new Uint8Array());
      const names = extension(decodeCertificate(intermediate), idCeNameConstraints);
      expect(Buffer.from(extension(cross, idCeNameConstraints) ?? [])).toEqual(Buffer.from(names ?? [0]));
      expect(decodeExtKeyUsage(extension(cross, idCeExtKeyUsage) ?? new Uint8Array())).toEqual(['1.3.6.1.5.5.7.3.2']);
    });
  });

  it.each([
    ['of one that is no CA', 'rejected-power', { extensions: ['keyUsage=keyCertSign,cRLSign'] }],
    [
      'of a key that signs no certificates',
      'rejected-power',
      { extensions: ['basicConstraints=CA:true', 'keyUsage=digitalSignature'] },
    ],
    ['with the subject of a CA here', 'rejected-name', { subject: '/O=Example/CN=Test Issuing' }],
    ['of a weak key', 'unacceptable-key', { key: ['rsa', '-pkeyopt', 'rsa_keygen_bits:1024'] }],
    ['signed with SHA-1', 'unsupported-algorithm', { options: ['-sha1'] }],
    ['with a longer path than the foreign CA has', 'rejected-profile', { limits: { pathLength: 2 } }],
    ['by a CA without room below it', 'rejected-profile', { ca: 'issuing' }],
    ['by a CA that does not issue', 'invalid-state', { ca: 'elsewhere' }],
    ['by no CA', 'not-found', { ca: 'nowhere' }],
    [
      'with a constraint that is none',
      'malformed-request',
      { limits: { nameConstraints: { permitted: [{ ip: 'x' }] } } },
    ],
  ] as const)('is refused %s, on record, and nothing is issued', async (_what, code, wish) => {
    const {
      extensions = caExtensions,
      subject,
      key,
      options = [],
      ...rest
    } = { subject: '/CN=Partner', ...wish } as {
      readonly extensions?: readonly string[];
      readonly subject: string;
      readonly key?: readonly string[];
      readonly options?: readonly string[];
    } & Wish;
    const [root, issuing] = rootAndIssuing;
    const elsewhere = { name: 'elsewhere', subject: 'CN=Elsewhere', key: 'external' };
    await withOpenssl(async (openssl) => {
      const written = extensions.flatMap((each) => ['-addext', each]);
      makeRoot(openssl, 'partner', { subject, ...(key && { key }), options: [...written, ...options] });
      await withCas([root ?? {}, { ...issuing, pathLength: 0 }, elsewhere], async (cas) => {
        cas.world.clock.at = Date.now() + 60_000;
        expect(await codeOf(certify(openssl, cas, rest))).toBe(code);
        expect((await describeCrossCertificates(rest.ca ?? 'root', cas)).issued).toEqual([]);
        expect((await actionsOf(cas))[0]).toBe('ca.refused');
      });
    });
  });

  it('is refused for a key of a CA here, and for one that is known to be compromised', async () => {
    await withPartner(async (openssl, cas) => {
      openssl.write('own.pem', toPem('CERTIFICATE', rootOf(cas)));
      expect(await codeOf(certify(openssl, cas, { file: 'own.pem' }))).toBe('unacceptable-key');
      const compromised = { ...cas, isCompromisedKey: () => true };
      expect(await codeOf(certify(openssl, compromised))).toBe('unacceptable-key');
    });
  });
});
