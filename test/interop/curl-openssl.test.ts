import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { describeWith, type GatewayShell, openGatewayShell } from '../support/interop.js';
import {
  ecKey,
  enroll,
  factory,
  makeKey,
  makeRequest,
  ownCertificate,
  passcode,
  post,
  readCertificate,
  rsaKey,
} from './curl-client.js';

let shell: GatewayShell;
beforeAll(async () => {
  shell = await openGatewayShell();
});
afterAll(() => shell.close());

function certificate(name: string): X509Certificate {
  return new X509Certificate(shell.read(`${name}.pem`));
}

function curl(options: string, operation: string): string {
  return `curl -sS --cacert "$GATEHOUSE_CA_FILE" ${options} "$GATEHOUSE_EST_URL${operation}"`;
}

const certsOnly = '200 application/pkcs7-mime; smime-type=certs-only';

describeWith(['curl', 'openssl'], 'EST with curl and openssl', () => {
  describe('cacerts (RFC 7030 4.1)', () => {
    it('answers the chain of the policy, which openssl reads', async () => {
      const show = '| openssl base64 -d -A | openssl pkcs7 -inform DER -print_certs | grep subject';
      const subjects = await shell.succeed(curl('', '/cacerts') + show, curl('', '-rsa/cacerts') + show);
      expect(subjects.trim().split('\n')).toEqual([
        'subject=O = Gatehouse Quickstart, CN = Gatehouse Quickstart EC CA',
        'subject=O = Gatehouse Quickstart, CN = Gatehouse Quickstart Root CA',
        'subject=O = Gatehouse Quickstart, CN = Gatehouse Quickstart RSA CA',
        'subject=O = Gatehouse Quickstart, CN = Gatehouse Quickstart RSA Root CA',
      ]);
    });

    it('answers HEAD as GET, without the body', async () => {
      const head = await shell.succeed(curl('--head', '/cacerts'));
      expect(head).toMatch(/^HTTP\/1\.1 200 /);
      expect(head).toMatch(/^content-type: application\/pkcs7-mime\r$/im);
    });
  });

  describe('csrattrs (RFC 7030 4.5)', () => {
    it('answers attributes that openssl reads', async () => {
      const text = await shell.succeed(
        `${curl('', '/csrattrs')} | openssl base64 -d -A | openssl asn1parse -inform DER`,
      );
      expect(text).toMatch(/OBJECT +:id-ecPublicKey/);
      expect(text).toMatch(/OBJECT +:Extension Request/);
    });
  });

  describe('simpleenroll (RFC 7030 4.2.1)', () => {
    it.each(['--tlsv1.2 --tls-max 1.2', '--tlsv1.3'])('answers the certificate over TLS with %s', async (version) => {
      const name = `tls-${version.slice(-1)}`;
      const status = await shell.succeed(
        makeKey(name),
        makeRequest(name),
        post({ operation: 'simpleenroll', name, options: `${version} ${passcode}` }),
        readCertificate(name),
      );
      expect(status).toBe(certsOnly);
      expect(certificate(name).subject).toBe(`CN=${name}`);
    });

    it.each([
      ['rsa-3072', '-algorithm RSA -pkeyopt rsa_keygen_bits:3072'],
      ['p-384', '-algorithm EC -pkeyopt ec_paramgen_curve:P-384'],
      ['p-521', '-algorithm EC -pkeyopt ec_paramgen_curve:P-521'],
      ['ed25519', '-algorithm ED25519'],
    ])('certifies an %s key', async (name, key) => {
      await shell.succeed(...enroll(name, { key }));
      const same = `cmp ${name}.pub /dev/stdin`;
      await shell.succeed(
        `openssl pkey -in ${name}.key -pubout -out ${name}.pub`,
        `openssl x509 -in ${name}.pem -noout -pubkey | ${same}`,
      );
    });

    it('takes base64 with line breaks, PEM and DER (RFC 8951 3)', async () => {
      const send = (name: string) =>
        post({ operation: 'simpleenroll', name, options: passcode }).replace('--data ', '--data-binary ');
      const forms = { lines: '-outform DER | openssl base64', pem: '', der: '-outform DER' };
      for (const [name, form] of Object.entries(forms)) {
        const request = `openssl req -new -key ${name}.key -subj /CN=${name} ${form} > ${name}.b64`;
        expect(await shell.succeed(makeKey(name), request, send(name))).toBe(certsOnly);
      }
    });

    it('accepts the factory certificate over TLS (RFC 7030 3.3.2)', async () => {
      const name = 'from-factory';
      const send = post({ operation: 'simpleenroll', name, options: factory });
      await shell.succeed(makeKey(name), makeRequest(name), send, readCertificate(name));
      expect(certificate(name).subject).toBe(`CN=${name}`);
    });

    it('asks for a passcode when there is none, and refuses a wrong one (RFC 7030 3.2.3)', async () => {
      await shell.succeed(makeKey('unknown'), makeRequest('unknown'));
      for (const options of ['', '-u quickstart:wrong']) {
        const { output, status } = await shell.run(
          post({ operation: 'simpleenroll', name: 'unknown', options: `${options} -D head.txt` }),
        );
        expect({ output, status }).toEqual({ output: '401 text/plain; charset=utf-8', status: 22 });
        expect(shell.read('head.txt').toString()).toMatch(/^www-authenticate: Basic realm=/im);
      }
    });
  });

  describe('simplereenroll (RFC 7030 4.2.2)', () => {
    it.each([
      ['EC', '', ecKey],
      ['RSA', '-rsa', rsaKey],
    ])('renews and rekeys a certificate under the %s CA', async (_kind, label, key) => {
      const name = `renewed${label}`;
      await shell.succeed(...enroll(name, { key, label, request: '-addext subjectAltName=DNS:device.example.com' }));
      const first = certificate(name);
      const subject = `/CN=${name}`;
      const names = '-addext subjectAltName=DNS:device.example.com';
      const send = post({ operation: 'simplereenroll', label, name, options: ownCertificate(name) });
      expect(await shell.succeed(makeRequest(name, subject, names), send, readCertificate(name))).toBe(certsOnly);
      const second = certificate(name);
      expect(second.serialNumber).not.toBe(first.serialNumber);
      expect(second.publicKey.equals(first.publicKey)).toBe(true);
      expect(second.subjectAltName).toBe('DNS:device.example.com');

      const next = 'rekeyed';
      const rekey = post({ operation: 'simplereenroll', label, name: next, options: ownCertificate(name) });
      await shell.succeed(makeKey(next, key), makeRequest(next, subject, names), rekey, readCertificate(next));
      expect(certificate(next).subject).toBe(first.subject);
      expect(certificate(next).publicKey.equals(first.publicKey)).toBe(false);
    });

    it('refuses another subject than that of the certificate', async () => {
      await shell.succeed(...enroll('faithful'));
      const send = post({ operation: 'simplereenroll', name: 'faithful', options: ownCertificate('faithful') });
      const { output } = await shell.run(makeRequest('faithful', '/CN=somebody-else'), send);
      expect(output).toBe('400 text/plain; charset=utf-8');
    });
  });

  describe('its addresses (RFC 7030 3.2.2)', () => {
    it.each([
      ['/nothing', '', 404],
      ['-unknown/cacerts', '', 404],
      ['/cacerts', '-X POST', 405],
    ])('%s %s is answered with %d', async (operation, options, status) => {
      expect(await shell.succeed(curl(`${options} -o body.txt -w '%{http_code}'`, operation))).toBe(String(status));
    });
  });
});
