import { createPrivateKey, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { fromPem } from '../../src/x509/pem.js';
import { control, octets, pkiData, taggedRequest } from '../protocols/est/cmc-messages.js';
import { describeWith, type GatewayShell, openGatewayShell } from '../support/interop.js';
import { enroll, makeKey, ownCertificate, passcode, post, rsaKey } from './curl-client.js';

let shell: GatewayShell;
beforeAll(async () => {
  shell = await openGatewayShell();
});
afterAll(() => shell.close());

const idCmcSenderNonce = '1.3.6.1.5.5.7.7.6';
const type = 'application/pkcs7-mime; smime-type=CMC-request';
const answerType = 'application/pkcs7-mime; smime-type=CMC-response';

interface Message {
  /** What is to be certified: `<name>.key`. */
  readonly name: string;
  readonly commonName: string;
  /** Who signs it: `<signer>.pem` and `<signer>.key`. */
  readonly signer: string;
  readonly options?: string;
}

/** `<name>.b64`: a Full PKI Request. */
async function writeRequest({ name, commonName, signer, options = '' }: Message): Promise<void> {
  await shell.succeed(`openssl req -new -key ${name}.key -subj /CN=${commonName} -out ${name}.csr`);
  const [csr = new Uint8Array()] = fromPem(shell.read(`${name}.csr`).toString());
  shell.write('pkidata.der', pkiData([control(1, idCmcSenderNonce, octets('nonce'))], [taggedRequest(2, csr)]));
  const sign = 'openssl cms -sign -binary -nodetach -econtent_type 1.3.6.1.5.5.7.12.2 -in pkidata.der -outform DER';
  await shell.succeed(
    `${sign} -signer ${signer}.pem -inkey ${signer}.key ${options} | openssl base64 -A > ${name}.b64`,
  );
}

/** The certificate for a key that came with the last response. */
async function issuedFor(name: string): Promise<X509Certificate | undefined> {
  await shell.succeed('openssl pkcs7 -inform DER -in response.der -print_certs -out certificates.pem');
  const certificates = fromPem(shell.read('certificates.pem').toString(), 'CERTIFICATE');
  const key = createPrivateKey(shell.read(`${name}.key`));
  return certificates.map((der) => new X509Certificate(der)).find((certificate) => certificate.checkPrivateKey(key));
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
  it('enrolls with a message signed by the factory certificate', async () => {
    const name = 'by-factory';
    await shell.succeed(
      makeKey(name),
      'cp "$GATEHOUSE_FACTORY_CERT" factory.pem',
      'cp "$GATEHOUSE_FACTORY_KEY" factory.key',
    );
    await writeRequest({ name, commonName: name, signer: 'factory' });
    // Who signed it asks: TLS needs no client certificate.
    expect(await shell.succeed(post({ operation: 'fullcmc', name, options: '', type }))).toBe(`200 ${answerType}`);
    const response = await readResponse(name);
    expect(response).toMatch(/id-cct-PKIResponse/);
    // RFC 5272 6.6: the client's nonce comes back; 6.1: CMCStatusInfoV2 with success (0).
    expect(response).toMatch(/id-cmc-recipientNonce[\s\S]*OCTET STRING +:nonce/);
    expect(response).toMatch(/:1\.3\.6\.1\.5\.5\.7\.7\.25\n[\s\S]*?INTEGER +:00/);
    expect((await issuedFor(name))?.subject).toBe(`CN=${name}`);
  });

  it.each([
    ['EC', ''],
    ['RSA', '-rsa'],
  ])('rekeys with a message signed by the certificate to be replaced, of the %s CA', async (_kind, label) => {
    const signer = `signer${label}`;
    const name = `rekeyed${label}`;
    await shell.succeed(...enroll(signer, { label, key: rsaKey }), makeKey(name));
    await writeRequest({ name, commonName: signer, signer });
    const send = post({ operation: 'fullcmc', label, name, options: ownCertificate(signer), type });
    expect(await shell.succeed(send)).toBe(`200 ${answerType}`);
    await readResponse(name);
    expect((await issuedFor(name))?.subject).toBe(`CN=${signer}`);
  });

  it('answers a refusal as a signed Full PKI Response with a CMCFailInfo (RFC 7030 4.3.2)', async () => {
    const self = 'openssl req -x509 -new -key stranger.key -subj /CN=stranger -out stranger.pem';
    await shell.succeed(makeKey('stranger'), self, makeKey('by-stranger'));
    await writeRequest({ name: 'by-stranger', commonName: 'by-stranger', signer: 'stranger' });
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
    await writeRequest({ name: 'first', commonName: 'first', signer: 'first', options: '-keyid -nocerts' });
    const send = post({ operation: 'fullcmc', name: 'first', options: passcode, type });
    expect(await shell.succeed(send)).toBe(`200 ${answerType}`);
  });
});
