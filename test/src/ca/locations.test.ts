/** Where certificates say that CRLs and other things are, as a CA is configured; openssl as the judge. */
import { describe, expect, it } from '@jest/globals';
import { certificateAuthoritySchema } from '../../../src/model/certificate-authority.js';
import { decodeCertificate, extension } from '../../../src/x509/certificate.js';
import { decodeCertificateList } from '../../../src/x509/crl.js';
import {
  decodeAuthorityInfoAccess,
  decodeCrlDistributionPoints,
  decodeIssuingDistributionPoint,
} from '../../../src/x509/location-extensions.js';
import { issue, openssl } from './test-crls.js';
import { rootAndIssuing, second, start, withHierarchy } from './test-hierarchy.js';

const none = new Uint8Array();
const verify = (...more: readonly string[]) =>
  `-x509_strict -no-CApath -no-CAstore -attime ${start / second + 60} ${more.join(' ')} 0.pem`;

const pointsOf = (der: Uint8Array) =>
  decodeCrlDistributionPoints(extension(decodeCertificate(der), '2.5.29.31') ?? none);
const accessOf = (der: Uint8Array) =>
  decodeAuthorityInfoAccess(extension(decodeCertificate(der), '1.3.6.1.5.5.7.1.1') ?? none);

function namesOf(crl: Uint8Array): readonly string[] {
  const scope = decodeCertificateList(crl).extensions.find(({ id }) => id === '2.5.29.28');
  return scope === undefined ? [] : decodeIssuingDistributionPoint(scope.value).urls;
}

const parse = (locations: unknown) =>
  certificateAuthoritySchema.safeParse({ name: 'root', subject: 'CN=Root', key: 'ec-p256', locations });

const locations = {
  base: 'http://pki.plant.example/ca',
  mirrors: ['http://10.1.2.3:8080', 'http://mirror.example'],
  ocsp: ['http://ocsp.plant.example', 'http://10.1.2.3:8080/ocsp'],
};

describe('locations of a CA', () => {
  const [root, issuing] = rootAndIssuing;
  const configured = [root ?? {}, { ...issuing, locations, crl: { scope: 'always', delta: {} } }];

  it('are in what it issues, all URLs of a CRL in one distribution point (RFC 5280 4.2.1.13), and in its CRLs', async () => {
    await withHierarchy(configured, async (node) => {
      const { der } = await issue(node);
      const crlUrls = [locations.base, ...locations.mirrors].map((base) => `${base}/crl/issuing-1/0.crl`);
      expect(pointsOf(der)).toEqual(crlUrls);
      expect(accessOf(der)).toEqual({
        caIssuers: [locations.base, ...locations.mirrors].map((base) => `${base}/aia/issuing-1.cer`),
        ocsp: locations.ocsp,
      });
      const text = openssl([der], [], 'x509 -in 0.pem -noout -ext crlDistributionPoints');
      expect(text.match(/Full Name/g)).toHaveLength(1);
      expect(text.match(/URI:/g)).toHaveLength(3);
      const crl = (await node.crls.publish('issuing-1', 0)).der;
      expect(namesOf(crl)).toEqual(crlUrls);
      const freshest = decodeCertificateList(crl).extensions.find(({ id }) => id === '2.5.29.46');
      expect(decodeCrlDistributionPoints(freshest?.value ?? none)).toEqual(
        [locations.base, ...locations.mirrors].map((base) => `${base}/crl/issuing-1/0-delta.crl`),
      );
      for (const url of crlUrls) {
        expect(node.authority.crlPlace(url)).toEqual({ generation: 'issuing-1', partition: 0 });
      }
      const checked = verify('-crl_check -CAfile 2.pem -untrusted 1.pem -CRLfile 0.crl');
      expect(openssl([der, ...node.authority.chain('issuing-1')], [crl], 'verify', checked)).toBe('0.pem: OK\n');
      expect(pointsOf(node.authority.chain('issuing-1')[0] ?? none)).toEqual([
        'http://gate.example:8080/crl/root-1/0.crl',
      ]);
    });
  });

  it('work at once for what is issued next, and what was issued before stays within the scope of the CRL', async () => {
    await withHierarchy([root ?? {}, { ...issuing, crl: { scope: 'always' } }], async (node, world) => {
      const before = await issue(node);
      await node.crls.publishDue();
      world.configure('issuing', { locations: { base: 'http://moved.example', mirrors: [] } });
      const after = await issue(node);
      expect(accessOf(after.der)).toEqual({
        caIssuers: ['http://moved.example/aia/issuing-1.cer'],
        ocsp: ['http://moved.example/ocsp/issuing-1'],
      });
      expect(await node.store.crls.changed({})).toEqual([{ issuerId: 'issuing-1', partition: 0, changedAt: 0 }]);
      await world.node(node.store).crls.publishChanged();
      const { der: crl } = (await node.store.crls.find({ issuerId: 'issuing-1', partition: 0 })) ?? { der: none };
      expect(namesOf(crl)).toEqual([
        'http://gate.example:8080/crl/issuing-1/0.crl',
        'http://moved.example/crl/issuing-1/0.crl',
      ]);
      const checked = verify('-crl_check -CAfile 2.pem -untrusted 1.pem -CRLfile 0.crl');
      for (const { der } of [before, after]) {
        expect(openssl([der, ...node.authority.chain('issuing-1')], [crl], 'verify', checked)).toBe('0.pem: OK\n');
      }
    });
  });

  it('name responders that are elsewhere, also where the gateway is none', async () => {
    const ocsp = { enabled: false };
    await withHierarchy([root ?? {}, { ...issuing, ocsp, locations: { ocsp: locations.ocsp } }], async (node) => {
      expect(accessOf((await issue(node)).der).ocsp).toEqual(locations.ocsp);
    });
  });

  it.each([
    ['an https URL', { base: 'https://pki.example' }, /must be an http URL: .*RFC 5280 8/],
    ['an ldap URL', { mirrors: ['ldap://pki.example'] }, /must be an http URL/],
    ['an https responder', { ocsp: ['https://ocsp.example'] }, /must be an http URL/],
    ['a slash at the end', { base: 'http://pki.example/' }, /slash at its end/],
    ['a query', { base: 'http://pki.example/?a' }, /query/],
    ['a user', { base: 'http://me@pki.example' }, /user/],
    ['what is not ASCII', { base: 'http://pki.example/ü' }, /ASCII/],
    ['one twice', { base: 'http://pki.example', mirrors: ['http://pki.example'] }, /each base once/],
    ['more than four mirrors', { mirrors: [1, 2, 3, 4, 5].map((i) => `http://m${i}.example`) }, /4/],
    ['no responder', { ocsp: [] }, /1/],
  ])('cannot be %s', (_what, wanted, message) => {
    const { success, error } = parse(wanted);
    expect(success).toBe(false);
    expect(error?.issues.map((each) => each.message).join()).toMatch(message);
  });
});

describe("a root's own certificate", () => {
  it('names its distribution point, so that openssl finds its CRL where that names one (-crl_check_all)', async () => {
    const documents = rootAndIssuing.map((document) => ({ ...document, crl: { scope: 'always' } }));
    await withHierarchy(documents, async (node, world) => {
      const { der } = await issue(node);
      const chain = node.authority.chain('issuing-1');
      expect(chain.map(pointsOf)).toEqual([
        ['http://gate.example:8080/crl/root-1/0.crl'],
        ['http://gate.example:8080/crl/root-1/0.crl'],
      ]);
      await node.stage('root');
      expect(pointsOf(node.authority.chain('root-2')[0] ?? none)).toEqual([
        'http://gate.example:8080/crl/root-2/0.crl',
      ]);
      world.configure('root', { locations: { base: 'http://moved.example', mirrors: [] } });
      await node.ensure();
      const crls = await Promise.all(
        ['issuing-1', 'root-1', 'root-2'].map(async (id) => (await node.crls.publish(id, 0)).der),
      );
      expect(crls.map(namesOf)).toEqual([
        ['http://gate.example:8080/crl/issuing-1/0.crl'],
        ['http://gate.example:8080/crl/root-1/0.crl', 'http://moved.example/crl/root-1/0.crl'],
        ['http://gate.example:8080/crl/root-2/0.crl', 'http://moved.example/crl/root-2/0.crl'],
      ]);
      const checked = verify('-crl_check_all -CAfile 2.pem -untrusted 1.pem -CRLfile all.crl');
      expect(openssl([der, ...chain], crls, 'verify', checked)).toBe('0.pem: OK\n');
    });
  });
});
