/** `openssl ocsp`, GnuTLS's ocsptool and curl ask for the status of certificates that they got by EST. */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { activateNext } from '../../src/authorities/activate.js';
import { stageNext } from '../../src/authorities/stage.js';
import type { RequestedReason } from '../../src/enrollment/revocation-reason.js';
import { releaseCertificate, revokeCertificate } from '../../src/enrollment/revoke.js';
import { type GatewayShell, openGatewayShell, requireTool } from '../support/interop.js';
import { testActor } from '../support/operator.js';
import { enroll, readChain } from './curl-client.js';

const suite = 'An OCSP client';
const hasBasics = ['curl', 'openssl'].every((tool) => requireTool(tool, suite));
const hasOcsptool = hasBasics && requireTool('ocsptool', `${suite} of GnuTLS`);

let shell: GatewayShell;
beforeAll(async () => {
  shell = await openGatewayShell();
});
afterAll(() => shell.close());

/** `<name>.pem`, `chain.pem`, `issuer.pem`, and `$url` of the responder that the certificate names. */
const prepare = (name: string, label = '') => [
  ...enroll(name, { label }),
  readChain(label),
  'openssl x509 -in chain.pem -out issuer.pem',
];
const readUrl = (name: string) => `url=$(openssl x509 -in ${name}.pem -noout -ocsp_uri)`;
const ask = (name: string, options = '') =>
  `openssl ocsp -issuer issuer.pem ${options} -cert ${name}.pem -url "$url" -CAfile "$GATEHOUSE_CA_FILE" -no-CApath -no-CAstore 2>&1`;

async function find(name: string): Promise<{ readonly issuerId: string; readonly serialNumber: string }> {
  const serialNumber = new X509Certificate(shell.read(`${name}.pem`)).serialNumber.toLowerCase();
  const [record] = await shell.test.gateway.core.store.certificates.findBySerial({ serialNumber });
  return { issuerId: record?.issuerId ?? '', serialNumber };
}

async function revoke(name: string, reason: RequestedReason): Promise<void> {
  await revokeCertificate({ ...(await find(name)), reason, actor: testActor }, shell.test.gateway.core);
}

(hasBasics ? describe : describe.skip)(suite, () => {
  it.each([
    ['EC', ''],
    ['RSA', '-rsa'],
  ])('takes the answer of the responder of the %s CA, by POST with a nonce and without', async (kind, label) => {
    const name = `good${label}`;
    await shell.succeed(...prepare(name, label));
    expect(await shell.succeed(readUrl(name), ask(name))).toMatch(
      new RegExp(`^Response verify OK\n${name}.pem: good\n`),
    );
    expect(await shell.succeed(readUrl(name), ask(name, '-no_nonce'))).toContain(`${name}.pem: good\n`);
    const text = await shell.succeed(readUrl(name), ask(name, '-sha256 -resp_text'));
    expect(text).toContain(`${name}.pem: good\n`);
    expect(text).toContain('Hash Algorithm: sha256');
    expect(text).toMatch(/OCSP No Check/);
    expect(text).toMatch(kind === 'EC' ? /ecdsa-with-SHA256/ : /sha256WithRSAEncryption/);
  });

  it('sees at once that a certificate is on hold, and then revoked', async () => {
    await shell.succeed(...prepare('revoked'));
    expect(await shell.succeed(readUrl('revoked'), ask('revoked', '-no_nonce'))).toContain('revoked.pem: good\n');
    await revoke('revoked', 'certificateHold');
    expect(await shell.succeed(readUrl('revoked'), ask('revoked', '-no_nonce'))).toMatch(
      /revoked\.pem: revoked[\s\S]*Reason: certificateHold/,
    );
    await revoke('revoked', 'keyCompromise');
    expect(await shell.succeed(readUrl('revoked'), ask('revoked', '-no_nonce'))).toMatch(
      /revoked\.pem: revoked[\s\S]*Reason: keyCompromise/,
    );
  });

  it('hears that a certificate which was on hold is good again', async () => {
    await shell.succeed(...prepare('held'));
    await revoke('held', 'certificateHold');
    expect(await shell.succeed(readUrl('held'), ask('held'))).toContain('held.pem: revoked\n');
    await releaseCertificate({ ...(await find('held')), actor: testActor }, shell.test.gateway.core);
    expect(await shell.succeed(readUrl('held'), ask('held'))).toContain('held.pem: good\n');
  });

  it('hears of what an earlier generation of the CA has issued from a responder of that generation', async () => {
    await shell.succeed(...prepare('earlier'), 'cp issuer.pem earlier-issuer.pem');
    const { core } = shell.test.gateway;
    await stageNext('quickstart-ec', testActor, core);
    await activateNext({ ca: 'quickstart-ec', actor: testActor }, core);
    await shell.succeed(...prepare('later'));
    expect(await shell.succeed(readUrl('later'), 'echo "$url"', ask('later'))).toMatch(
      /\/quickstart-ec-2\nResponse verify OK\nlater.pem: good\n/,
    );
    const askEarlier = ask('earlier').replace('issuer.pem', 'earlier-issuer.pem');
    expect(await shell.succeed(readUrl('earlier'), 'echo "$url"', askEarlier)).toMatch(
      /\/quickstart-ec-1\nResponse verify OK\nearlier.pem: good\n/,
    );
    await revoke('earlier', 'superseded');
    const said = await shell.succeed(readUrl('earlier'), askEarlier);
    expect(said).toMatch(/^Response verify OK\nearlier.pem: revoked[\s\S]*Reason: superseded/);
    // What was issued by the one is nothing that the other has issued.
    expect(await shell.succeed(readUrl('later'), ask('earlier'))).toContain('earlier.pem: unknown\n');
  });

  it('hears of what was never issued that it is unknown, in one request with what was', async () => {
    await shell.succeed(...prepare('several'));
    const said = await shell.succeed(readUrl('several'), ask('several', '-serial 0xdeadbeef'));
    expect(said).toContain('Response verify OK');
    expect(said).toContain('0xdeadbeef: unknown');
    expect(said).toContain('several.pem: good');
  });

  it('asks for the CA certificate as well, at the responder of the root', async () => {
    await shell.succeed(...prepare('below'));
    const said = await shell.succeed(
      readUrl('issuer'),
      'openssl ocsp -issuer "$GATEHOUSE_CA_FILE" -cert issuer.pem -url "$url" -CAfile "$GATEHOUSE_CA_FILE" 2>&1',
    );
    expect(said).toMatch(/^Response verify OK\nissuer.pem: good\n/);
  });

  it('gets by GET, with escaped slashes, what openssl verifies, and 304 for the tag of it', async () => {
    await shell.succeed(...prepare('by-get'));
    const said = await shell.succeed(
      readUrl('by-get'),
      'openssl ocsp -issuer issuer.pem -cert by-get.pem -no_nonce -reqout by-get.req',
      "path=$(openssl base64 -A -in by-get.req | sed 's/+/%2B/g; s|/|%2F|g; s/=/%3D/g')",
      'curl -sS --fail -D headers.txt -o by-get.resp "$url/$path"',
      'openssl ocsp -respin by-get.resp -issuer issuer.pem -cert by-get.pem -CAfile "$GATEHOUSE_CA_FILE" 2>&1',
      `tag=$(sed -n 's/^ETag: \\(.*\\)\\r$/\\1/p' headers.txt)`,
      `curl -sS -o again.resp -w '%{http_code}\\n' -H "If-None-Match: $tag" "$url/$path"`,
    );
    expect(said).toMatch(/Response verify OK\nby-get.pem: good\n[\s\S]*\n304\n$/);
    const headers = shell.read('headers.txt').toString();
    expect(headers).toMatch(/^Cache-Control: max-age=60, public, no-transform, must-revalidate\r$/m);
    expect(headers).toMatch(/^Content-Type: application\/ocsp-response\r$/m);
  });

  (hasOcsptool ? it : it.skip)('of GnuTLS takes answers with a nonce and without, and sees revocations', async () => {
    await shell.succeed(...prepare('gnutls'));
    // It looks for the responder's issuer among the trusted ones only.
    const asked = (nonce: string) =>
      `ocsptool --ask="$url" --load-issuer=issuer.pem --load-cert=gnutls.pem --load-trust=chain.pem ${nonce} 2>&1`;
    for (const nonce of ['--nonce', '--no-nonce']) {
      const said = await shell.succeed(readUrl('gnutls'), asked(nonce));
      expect(said).toContain('Verifying OCSP Response: Success');
      expect(said).toContain('Certificate Status: good');
    }
    await revoke('gnutls', 'superseded');
    const { output } = await shell.run(readUrl('gnutls'), asked('--nonce'));
    expect(output).toMatch(/Certificate Status: revoked[\s\S]*Verifying OCSP Response: Success/);
  });
});
