import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest, rejectRequest } from '../../src/enrollment/approve.js';
import { applyYaml } from '../support/fleet.js';
import { describeWith, type GatewayShell, openGatewayShell, readCertified } from '../support/interop.js';
import { by } from '../support/operator.js';
import { firstPendingRequest } from '../support/records.js';

let shell: GatewayShell;
beforeAll(async () => {
  shell = await openGatewayShell();
});
afterAll(() => shell.close());

/** `<policy>.pem` is the root, `<policy>-1.pem` the CA below it, `<policy>-ra.pem` the RA. */
function readCas(policy: string): string {
  const files = `--caout ${policy}.pem --raout ${policy}-ra.pem`;
  return `pki --scepca --url ${urlOf(policy)} ${files} --outform pem --force 2> ${policy}.log`;
}

function urlOf(policy: string): string {
  return `"\${GATEHOUSE_SCEP_URL%/*}/${policy}"`;
}

function makeKey(name: string): string {
  return `pki --gen --type rsa --size 2048 --outform pem > ${name}.key`;
}

interface Enrollment {
  readonly policy?: string;
  readonly subject?: string;
  readonly options?: string;
  /** Options that show who asks. */
  readonly who?: string;
}

const challenge = '--password "$GATEHOUSE_PASSCODE"';

/** `<name>.pem`; pki writes to standard error what it thinks of the answer. */
function enroll(
  name: string,
  { policy = 'quickstart', subject = name, options = '', who = challenge }: Enrollment = {},
) {
  const cas = `--cacert-enc ${policy}-ra.pem --cacert-sig ${policy}-1.pem --cacert ${policy}.pem`;
  const names = `--dn CN=${subject} --san ${subject}.example.com`;
  return `pki --scep --url ${urlOf(policy)} ${cas} --in ${name}.key ${names} ${who} ${options} --outform pem > ${name}.pem 2> ${name}.log`;
}

/** The certificate, which is one for the key beside it and trusted by the client. */
function certificate(name: string): X509Certificate {
  expect(log(name)).toMatch(/Issued certificate is trusted/);
  return readCertified(shell, { certificate: `${name}.pem`, key: `${name}.key` });
}

function log(name: string): string {
  return shell.read(`${name}.log`).toString();
}

const policies = ['quickstart', 'quickstart-rsa'] as const;

describeWith(['pki'], 'SCEP with strongSwan', () => {
  describe('pki --scepca (RFC 8894 4.2)', () => {
    it.each([
      ['quickstart', 'Gatehouse Quickstart EC CA', 'Gatehouse Quickstart Root CA'],
      ['quickstart-rsa', 'Gatehouse Quickstart RSA CA', 'Gatehouse Quickstart RSA Root CA'],
    ])('reads the certificates of %s: RA, issuing CA and root', async (policy, issuing, root) => {
      await shell.succeed(readCas(policy));
      const names = [`${policy}-ra`, `${policy}-1`, policy];
      const [ra, ...cas] = names.map((name) => new X509Certificate(shell.read(`${name}.pem`)));
      expect(log(policy)).toMatch(/RA cert is trusted/);
      expect(ra?.ca).toBe(false);
      expect(ra?.issuer).toBe(cas[0]?.subject);
      expect(cas.map(({ subject }) => subject)).toEqual([
        `O=Gatehouse Quickstart\nCN=${issuing}`,
        `O=Gatehouse Quickstart\nCN=${root}`,
      ]);
    });
  });

  describe('pki --scep (RFC 8894 3.3.1.1)', () => {
    it.each(policies)('enrolls with the challenge under %s', async (policy) => {
      const name = `first-${policy}`;
      await shell.succeed(readCas(policy), makeKey(name), enroll(name, { policy }));
      const issued = certificate(name);
      expect(issued.subject).toBe(`CN=${name}`);
      expect(issued.subjectAltName).toBe(`DNS:${name}.example.com`);
    });

    it.each([
      ['aes', 'sha256'],
      ['aes', 'sha384'],
      ['aes', 'sha512'],
      ['des3', 'sha256'],
      ['des3', 'sha512'],
    ])('enrolls with --cipher %s --digest %s', async (cipher, digest) => {
      const name = `with-${cipher}-${digest}`;
      const options = `--cipher ${cipher} --digest ${digest}`;
      await shell.succeed(readCas('quickstart'), makeKey(name), enroll(name, { options }));
      expect(certificate(name).subject).toBe(`CN=${name}`);
    });

    it('enrolls with a message and request that are signed by RSA-PSS', async () => {
      const options = '--rsa-padding pss';
      await shell.succeed(readCas('quickstart'), makeKey('pss'), enroll('pss', { options }));
      expect(certificate('pss').subject).toBe('CN=pss');
    });

    it('is refused with a wrong challenge, and shows why', async () => {
      const who = '--password wrong-challenge';
      const { status } = await shell.run(readCas('quickstart'), makeKey('wrong'), enroll('wrong', { who }));
      expect(status).not.toBe(0);
      expect(log('wrong')).toMatch(/failInfo: +badRequest/);
      expect(shell.read('wrong.pem')).toHaveLength(0);
    });

    it('enrolls with a certificate of a manufacturer instead of a challenge', async () => {
      const ca = '--ca --dn "CN=Maker CA" --type rsa --in maker.key';
      await shell.succeed(
        makeKey('maker'),
        `pki --self ${ca} --outform pem > maker.pem`,
        makeKey('born'),
        'pki --issue --in born.key --type priv --cacert maker.pem --cakey maker.key --dn CN=born --outform pem > born.pem',
      );
      await applyYaml(shell.test, madeBy(shell.read('maker.pem').toString()));
      const who = '--cert born.pem --key born.key';
      await shell.succeed(readCas('made'), makeKey('grown'), enroll('grown', { policy: 'made', subject: 'born', who }));
      expect(certificate('grown').subject).toBe('CN=born');
    });
  });

  describe('pki --scep with a policy for legacy clients', () => {
    it.each([
      ['des3', 'sha1'],
      ['aes', 'sha1'],
      ['des3', 'sha256'],
    ])('enrolls with --cipher %s --digest %s', async (cipher, digest) => {
      await applyYaml(shell.test, legacy);
      const name = `old-${cipher}-${digest}`;
      const options = `--cipher ${cipher} --digest ${digest}`;
      await shell.succeed(readCas('legacy'), makeKey(name), enroll(name, { policy: 'legacy', options }));
      expect(certificate(name).subject).toBe(`CN=${name}`);
    });

    it('is refused with --digest sha1 where the policy is not for such', async () => {
      const options = '--digest sha1';
      const { status } = await shell.run(readCas('quickstart'), makeKey('sha1'), enroll('sha1', { options }));
      expect(status).not.toBe(0);
      expect(log('sha1')).toMatch(/failInfo: +badAlg/);
    });
  });

  describe('pki --scep with the certificate that is renewed (RFC 8894 3.3.1.2)', () => {
    it.each(policies)('gets one for the same key and for a new one under %s', async (policy) => {
      const [name, next] = [`again-${policy}`, `next-${policy}`];
      const old = `old-${policy}`;
      await shell.succeed(readCas(policy), makeKey(name), enroll(name, { policy }), `cp ${name}.pem ${old}.pem`);
      await shell.succeed(enroll(name, { policy, who: `--cert ${old}.pem --key ${name}.key` }));
      const first = new X509Certificate(shell.read(`${old}.pem`));
      const second = certificate(name);
      expect(second.serialNumber).not.toBe(first.serialNumber);
      expect(second.publicKey.equals(first.publicKey)).toBe(true);

      const who = `--cert ${name}.pem --key ${name}.key`;
      await shell.succeed(makeKey(next), enroll(next, { policy, subject: name, who }));
      expect(certificate(next).subject).toBe(`CN=${name}`);
      expect(certificate(next).publicKey.equals(first.publicKey)).toBe(false);
    });

    it('lets a device that was enrolled by SCEP renew by EST', async () => {
      const { publicName, deviceTlsPort } = shell.test.settings;
      const est = `pki --est --url https://${publicName}:${deviceTlsPort} --cacert quickstart.pem --cacert quickstart-1.pem`;
      await shell.succeed(
        readCas('quickstart'),
        makeKey('both'),
        enroll('both'),
        'pki --req --type priv --in both.key --dn CN=both --san both.example.com > both.req',
        `${est} --cert both.pem --key both.key --in both.req --outform pem > by-est.pem`,
      );
      const renewed = new X509Certificate(shell.read('by-est.pem'));
      expect(renewed.subject).toBe('CN=both');
      expect(renewed.serialNumber).not.toBe(certificate('both').serialNumber);
    });
  });

  describe('pki --scep to a policy with manual approval (RFC 8894 3.3.3)', () => {
    const policy = 'quickstart-approval';
    const options = '--interval 1 --maxpolltime 15';

    it('polls and takes the certificate once the request is approved', async () => {
      await shell.succeed(readCas(policy), makeKey('waiting'));
      const client = shell.succeed(enroll('waiting', { policy, options }));
      await approveRequest(await firstPendingRequest(shell.test), by('test'), shell.test.gateway.core);
      await client;
      expect(log('waiting')).toMatch(/SCEP request pending, polling/);
      expect(certificate('waiting').subject).toBe('CN=waiting');
    });

    it('polls and is told once the request is rejected', async () => {
      await shell.succeed(readCas(policy), makeKey('unwanted'));
      const client = shell.run(enroll('unwanted', { policy, options }));
      await rejectRequest(await firstPendingRequest(shell.test), by('test', 'not ours'), shell.test.gateway.core);
      expect((await client).status).not.toBe(0);
      expect(log('unwanted')).toMatch(/failInfo: +badRequest/);
    });
  });
});

const legacy = `
templates:
  - { name: legacy, keys: { rsa: { minimumBits: 2048 } }, requestHashes: [sha1, sha256], keyUsages: [digitalSignature], subjectAttributes: [commonName], subjectAltNames: [dns], maximumValidity: 1y }
profiles:
  - name: legacy
    template: legacy
    subject: [{ attribute: commonName, source: request }]
    subjectAltNames: [{ type: dns, source: request }]
    otherExtensions: ignore
    validity: 90d
policies:
  - name: legacy
    division: quickstart
    authenticationPolicy: quickstart
    profiles: [{ usage: operational, profile: legacy }]
    issuingCa: quickstart-rsa
    methods: [scep]
    defaultGroup: devices
    scep: { legacy: true }
`;

/** A policy for devices that have a certificate of their manufacturer's CA. */
function madeBy(caPem: string): string {
  return `
authenticationPolicies:
  - name: made
    division: quickstart
    credentials: [{ kind: authentication-ca, name: maker, certificate: ${JSON.stringify(caPem)} }]
policies:
  - name: made
    division: quickstart
    authenticationPolicy: made
    profiles: [{ usage: operational, profile: quickstart-operational }]
    issuingCa: quickstart-ec
    methods: [scep]
    defaultGroup: devices
`;
}
