import { createPrivateKey, hash } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fromBER } from 'asn1js';
import * as pkijs from 'pkijs';
import { encodePkcs12, type Pkcs12 } from '../../../src/cms/pkcs12.js';
import { fromPem } from '../../../src/x509/pem.js';
import { octetsOf, partsOf } from '../../support/asn1-values.js';
import { flipped } from '../../support/flipped.js';
import { describeWith, openShell } from '../../support/interop.js';
import { ca, leaf, makeCertificate, makeChain, privateKeyOf } from '../../support/make-chain.js';

const [root = none(), issuing = none(), device = none()] = makeChain([
  ca('CN=Root'),
  ca('CN=Issuing'),
  leaf('CN=device-1'),
]);
const rsaDevice = makeCertificate({ ...leaf('CN=device-2'), issuer: 'CN=Issuing', signer: 'CN=Issuing', key: 'rsa' });
const key = privateKeyOf('CN=device-1');
const password = 'correct horse';
const content: Pkcs12 = {
  privateKey: key.export({ type: 'pkcs8', format: 'der' }),
  certificate: device,
  chain: [issuing, root],
  password,
  friendlyName: 'Pumpe Süd 🔑',
};
const shell = openShell();
let file: Uint8Array;

beforeAll(async () => {
  file = await encodePkcs12(content);
  shell.write('file.p12', file);
});
afterAll(() => shell.remove());

function none(): never {
  throw new Error('a certificate is missing');
}

/** What openssl writes of a file that it opens with the password. */
function opened(name: string, passphrase: string, ...options: string[]): Promise<string> {
  shell.write('password', passphrase);
  return shell.succeed(`openssl pkcs12 -in ${name} -passin file:password -noenc ${options.join(' ')} 2>&1`);
}

/** The two bags' attributes as openssl writes them, name and value. */
function attributesIn(text: string): string[][] {
  const lines = text.matchAll(/^ {4}(localKeyID|friendlyName): (.*)$/gm);
  return [...lines].map(([, type = '', value = '']) => [type, value.trim()]);
}

describe('a PKCS #12 file with openssl (RFC 7292)', () => {
  it('holds the key, its certificate and the chain in their order', async () => {
    const text = await opened('file.p12', password);
    expect(fromPem(text, 'CERTIFICATE')).toEqual([device, issuing, root]);
    expect(createPrivateKey(text).equals(key)).toBe(true);
  });

  it('encrypts both under PBES2 and has an HMAC-SHA-256 over all', async () => {
    const text = await opened('file.p12', password, '-info', '-noout');
    const encryption = 'PBES2, PBKDF2, AES-256-CBC, Iteration 300000, PRF hmacWithSHA256';
    expect(text.trim().split('\n')).toEqual([
      'MAC: sha256, Iteration 10000',
      'MAC length: 32, salt length: 16',
      `PKCS7 Encrypted data: ${encryption}`,
      'Certificate bag',
      'Certificate bag',
      'Certificate bag',
      'PKCS7 Data',
      `Shrouded Keybag: ${encryption}`,
    ]);
    for (const hidden of [content.privateKey.subarray(30), Buffer.from('device-1'), issuing]) {
      expect(Buffer.from(file).includes(Buffer.from(hidden))).toBe(false);
    }
  });

  it('pairs key and certificate, and no other, by localKeyID and friendlyName (RFC 2985 section 5.5)', async () => {
    const id = hash('sha256', device).toUpperCase().replace(/../g, '$& ').trim();
    const named = await encodePkcs12({ ...content, friendlyName: 'pump' });
    shell.write('named.p12', named);
    const pair = [
      ['friendlyName', 'pump'],
      ['localKeyID', id],
    ];
    const sorted = attributesIn(await opened('named.p12', password)).toSorted();
    expect(sorted).toEqual([...pair, ...pair].toSorted());
  });

  it('needs neither a chain nor a name', async () => {
    const { friendlyName, ...unnamed } = content;
    shell.write('alone.p12', await encodePkcs12({ ...unnamed, chain: [] }));
    const text = await opened('alone.p12', password);
    expect(fromPem(text, 'CERTIFICATE')).toEqual([device]);
    expect(attributesIn(text).map(([type]) => type)).toEqual(['localKeyID', 'localKeyID']);
  });

  it('is not opened with another password, nor where it was changed', async () => {
    await expect(opened('file.p12', 'correct house')).rejects.toThrow('invalid password');
    shell.write('changed.p12', flipped(file));
    await expect(opened('changed.p12', password)).rejects.toThrow('invalid password');
  });

  it.each([
    ['of Latin letters', 'pässwörd€'],
    ['of others of the BMP', '鍵の言葉'],
    ['beyond the BMP', '🔑'],
    ['as long as can be', 'x'.repeat(1023)],
  ])('opens with a password %s', async (_, text) => {
    shell.write('other.p12', await encodePkcs12({ ...content, password: text }));
    expect(createPrivateKey(await opened('other.p12', text)).equals(key)).toBe(true);
  });
});

describe('a PKCS #12 file with other readers', () => {
  it('is an identity for TLS in Node, with an EC key as with one of RSA', async () => {
    const privateKey = privateKeyOf('rsa').export({ type: 'pkcs8', format: 'der' });
    const rsa = await encodePkcs12({ ...content, privateKey, certificate: rsaDevice });
    for (const pfx of [file, rsa].map(Buffer.from)) {
      expect(() => createSecureContext({ pfx, passphrase: password })).not.toThrow();
      expect(() => createSecureContext({ pfx, passphrase: 'correct house' })).toThrow('mac verify failure');
    }
  });

  it('has the structure and the MAC that pkijs reads', async () => {
    const pfx = pkijs.PFX.fromBER(file);
    await pfx.parseInternalValues({ password: octets(password), checkIntegrity: true });
    const safe = pfx.parsedValue?.authenticatedSafe;
    await safe?.parseInternalValues({ safeContents: [{ password: octets(password) }, {}] });
    const [certificates, keys] = safe?.parsedValue.safeContents ?? [];
    expect([certificates?.privacyMode, keys?.privacyMode]).toEqual([1, 0]);
    const bags: pkijs.SafeBag[] = [...(certificates?.value.safeBags ?? []), ...(keys?.value.safeBags ?? [])];
    expect(bags.map(({ bagId }) => bagId.slice('1.2.840.113549.1.12.10.1.'.length))).toEqual(['3', '3', '3', '2']);
    const names = bags.map(({ bagAttributes = [] }) => bagAttributes.map((each) => each.type));
    const pair = ['1.2.840.113549.1.9.20', '1.2.840.113549.1.9.21'];
    expect(names).toEqual([pair, [], [], pair]);
  });

  it('has a salt of its own for the MAC, one for the key, and a vector for each encryption', async () => {
    const all = [...randomOf(file), ...randomOf(await encodePkcs12(content))];
    expect(all.map(({ length }) => length)).toEqual(Array(10).fill(32));
    expect(new Set(all).size).toBe(8);
  });
});

describeWith(['keytool', 'openssl'], 'a PKCS #12 file with keytool', () => {
  it('is a key entry with its chain, and comes out again as it was', async () => {
    const source = "-srckeystore file.p12 -srcstoretype PKCS12 -srcstorepass 'correct horse'";
    await shell.succeed(
      `keytool -importkeystore ${source} -destkeystore copy.p12 -deststoretype PKCS12 -deststorepass secret -noprompt`,
    );
    const text = await opened('copy.p12', 'secret');
    expect(createPrivateKey(text).equals(key)).toBe(true);
    expect(fromPem(text, 'CERTIFICATE')).toEqual([device, issuing, root]);
  });

  it('names its entry as the file does, in lower case', async () => {
    const options = '-J-Dfile.encoding=UTF-8 -J-Dstdout.encoding=UTF-8 -list -rfc -keystore file.p12';
    const text = await shell.succeed(`keytool ${options} -storepass 'correct horse'`);
    expect(text).toContain('Alias name: pumpe süd 🔑\n');
    expect(text).toContain('Entry type: PrivateKeyEntry\nCertificate chain length: 3\n');
  });

  it('is not opened with another password', async () => {
    const { status, output } = await shell.run('keytool -list -keystore file.p12 -storepass wrong-one');
    expect(status).toBe(1);
    expect(output).toContain('keystore password was incorrect');
  });
});

describe('what no reader would understand', () => {
  it.each([
    ['none', ''],
    ['with NUL', 'ab\0cd'],
    ['with half of a surrogate pair', 'ab\ud83d'],
    ['too long', 'x'.repeat(1024)],
  ])('is refused as a password: %s', async (_, text) => {
    await expect(encodePkcs12({ ...content, password: text })).rejects.toThrow(RangeError);
  });

  it.each([
    ['none', ''],
    ['with half of a surrogate pair', 'ab\ud83d'],
    ['too long', 'x'.repeat(256)],
  ])('is refused as a name: %s', async (_, friendlyName) => {
    await expect(encodePkcs12({ ...content, friendlyName })).rejects.toThrow(RangeError);
  });
});

function octets(text: string): ArrayBuffer {
  return Uint8Array.from(Buffer.from(text)).buffer;
}

/** In hex: the salt of the MAC, then salt and initialization vector of the certificates, and of the key. */
function randomOf(der: Uint8Array): string[] {
  const [, authSafe, macData] = partsOf(fromBER(der).result);
  const [certificates, keys] = partsOf(fromBER(octetsOf(contentOf(authSafe))).result);
  const [, encryptedContent] = partsOf(contentOf(certificates));
  const [bag] = partsOf(fromBER(octetsOf(contentOf(keys))).result);
  const [encryptedKey] = partsOf(contentOf(bag));
  const found = [partsOf(macData)[1]];
  for (const algorithm of [partsOf(encryptedContent)[1], encryptedKey]) {
    const [derivation, cipher] = partsOf(partsOf(algorithm)[1]);
    found.push(partsOf(partsOf(derivation)[1])[0], partsOf(cipher)[1]);
  }
  return found.map((each) => octetsOf(each).toString('hex'));
}

/** What is under the explicit tag of a ContentInfo or SafeBag. */
function contentOf(block: unknown): unknown {
  return partsOf(partsOf(block)[1])[0];
}
