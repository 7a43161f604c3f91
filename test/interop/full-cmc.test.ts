import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { fromPem } from '../../src/x509/pem.js';
import { control, octets, pkiData, taggedRequest } from '../protocols/est/cmc-messages.js';
import { describeWith, openShell, type Shell } from '../support/interop.js';
import { startTestGateway, type TestGateway } from '../support/test-gateway.js';
import { enroll, makeKey, ownCertificate, passcode, post, rsaKey } from './curl-client.js';

let gateway: TestGateway;
let shell: Shell;
beforeAll(async () => {
  gateway = await startTestGateway();
  shell = openShell(gateway.environment);
});
afterAll(async () => {
  shell.remove();
  await gateway.close();
});

const idCmcSenderNonce = '1.3.6.1.5.5.7.7.6';
const type = 'application/pkcs7-mime; smime-type=CMC-request';
const answerType = 'application/pkcs7-mime; smime-type=CMC-response';

/** `<name>.b64`: a Full PKI Request for `<name>.key`, signed by `<signer>.key`. */
async function writeRequest(name: string, signer: string, options = ''): Promise<void> {
  await shell.succeed(`openssl req -new -key ${name}.key -subj /CN=${name} -out ${name}.csr`);
  const [csr = new Uint8Array()] = fromPem(shell.read(`${name}.csr`).toString());
  shell.write('pkidata.der', pkiData([control(1, idCmcSenderNonce, octets('nonce'))], [taggedRequest(2, csr)]));
  const sign = 'openssl cms -sign -binary -nodetach -econtent_type 1.3.6.1.5.5.7.12.2 -in pkidata.der -outform DER';
  await shell.succeed(
    `${sign} -signer ${signer}.pem -inkey ${signer}.key ${options} | openssl base64 -A > ${name}.b64`,
  );
}

/** Verifies the Full PKI Response in `<name>.p7` with openssl and shows its content. */
async function readResponse(name: string): Promise<string> {
  return await shell.succeed(
    `openssl base64 -d -A -in ${name}.p7 > response.der`,
    `openssl cms -verify -binary -inform DER -in response.der -CAfile "$GATEHOUSE_CA_FILE" -purpose any -out response`,
    'openssl cms -cmsout -print -noout -inform DER -in response.der | grep eContentType',
    'openssl asn1parse -inform DER -in response',
  );
}

describeWith(['curl', 'openssl'], 'EST fullcmc (RFC 7030 4.3, RFC 5272) with curl and openssl cms', () => {
  it.each([
    ['EC', ''],
    ['RSA', '-rsa'],
  ])('enrolls a new key with a message signed by a certificate of the %s CA', async (_kind, label) => {
    const signer = `signer${label}`;
    const name = `by-signer${label}`;
    await shell.succeed(...enroll(signer, { label, key: rsaKey }), makeKey(name));
    await writeRequest(name, signer);
    // Who signed it asks: TLS needs no client certificate.
    expect(await shell.succeed(post({ operation: 'fullcmc', label, name, options: '', type }))).toBe(
      `200 ${answerType}`,
    );
    const response = await readResponse(name);
    expect(response).toMatch(/id-cct-PKIResponse/);
    // RFC 5272 6.6: the client's nonce comes back; 6.1: CMCStatusInfoV2 with success (0).
    expect(response).toMatch(/id-cmc-recipientNonce[^]*OCTET STRING +:nonce/);
    expect(response).toMatch(/:1\.3\.6\.1\.5\.5\.7\.7\.25\n[^]*?INTEGER +:00/);
    await shell.succeed(`openssl pkcs7 -inform DER -in response.der -print_certs -out certificates.pem`);
    const issued = fromPem(shell.read('certificates.pem').toString(), 'CERTIFICATE').map(
      (der) => new X509Certificate(der),
    );
    const certificate = issued.find(({ subject }) => subject === `CN=${name}`);
    const key = await shell.succeed(`openssl pkey -in ${name}.key -pubout`);
    expect(certificate?.publicKey.export({ type: 'spki', format: 'pem' })).toBe(key);
  });

  it('enrolls with the TLS client certificate that signed it, too', async () => {
    await shell.succeed(...enroll('both'), makeKey('by-both'));
    await writeRequest('by-both', 'both');
    const send = post({ operation: 'fullcmc', name: 'by-both', options: ownCertificate('both'), type });
    expect(await shell.succeed(send)).toBe(`200 ${answerType}`);
  });

  it('answers a refusal as a signed Full PKI Response with a CMCFailInfo (RFC 7030 4.3.2)', async () => {
    const self = 'openssl req -x509 -new -key stranger.key -subj /CN=stranger -out stranger.pem';
    await shell.succeed(makeKey('stranger'), self, makeKey('by-stranger'));
    await writeRequest('by-stranger', 'stranger');
    const send = post({ operation: 'fullcmc', name: 'by-stranger', options: '', type });
    const { output } = await shell.run(send);
    expect(output).toBe(`403 ${answerType}`);
    // CMCStatusInfoV2 (RFC 5272 6.1): failed (2), a sentence, badMessageCheck (1).
    expect(await readResponse('by-stranger')).toMatch(/INTEGER +:02\n.*UTF8STRING +:.*\n.*INTEGER +:01/);
  });

  it('takes the passcode for a message that is signed by the key of its request', async () => {
    const self = 'openssl req -x509 -new -key first.key -subj /CN=first -out first.pem';
    await shell.succeed(makeKey('first'), self);
    // RFC 5272 4.2: nothing but the key identifies the signer.
    await writeRequest('first', 'first', '-keyid -nocerts');
    const send = post({ operation: 'fullcmc', name: 'first', options: passcode, type });
    expect(await shell.succeed(send)).toBe(`200 ${answerType}`);
  });
});
