/** Private keys as operators have them: PEM, PKCS #8 plain or encrypted, PKCS #12; with the certificates that come along. */
import { createPrivateKey } from 'node:crypto';
import { CmsError } from '../cms/cms-error.js';
import { WrongPasswordError } from '../cms/decrypt-by-password.js';
import { decryptPrivateKey, readPkcs12 } from '../cms/read-pkcs12.js';
import { GatewayError } from '../errors.js';
import { DerError, DerReader, Tag } from '../x509/der.js';
import { fromPem } from '../x509/pem.js';

export interface PrivateKeyFile {
  /** PEM, or DER of PKCS #8 or PKCS #12. */
  readonly content: Uint8Array;
  /** Of an encrypted one. */
  readonly passphrase?: string | undefined;
}

export interface OpenedPrivateKey {
  /** DER PrivateKeyInfo, not encrypted: for the caller to wipe. */
  readonly pkcs8: Uint8Array;
  /** DER, in the order of the file. */
  readonly certificates: readonly Uint8Array[];
}

/** @throws GatewayError 'malformed-request' for what cannot be read, 'bad-secret' for a wrong passphrase or a missing one */
export async function readPrivateKey(file: PrivateKeyFile): Promise<OpenedPrivateKey> {
  if (file.content.length > mostOctets) throw new GatewayError('malformed-request', 'a private key is not so long');
  try {
    return isPem(file.content) ? await readPem(file) : await readDer(file.content, file);
  } catch (cause) {
    throw explain(cause);
  }
}

const mostOctets = 262_144;

function isPem(content: Uint8Array): boolean {
  return Buffer.from(content.buffer, content.byteOffset, content.length).includes('-----BEGIN ');
}

async function readPem(file: PrivateKeyFile): Promise<OpenedPrivateKey> {
  const text = Buffer.from(file.content).toString('latin1');
  if (text.includes('DEK-Info:')) {
    throw new GatewayError(
      'malformed-request',
      'the key is encrypted in the old way of OpenSSL: write it anew as PKCS #8 (openssl pkcs8 -topk8)',
    );
  }
  const keys = keyLabels.flatMap((label) => fromPem(text, label).map((der) => ({ label, der })));
  const [key, ...others] = keys;
  if (key === undefined) throw new GatewayError('malformed-request', 'there is no private key in the PEM file');
  if (others.length > 0) throw new GatewayError('malformed-request', 'there are several private keys in the PEM file');
  const certificates = fromPem(text, 'CERTIFICATE');
  const { label, der } = key;
  if (label === 'PRIVATE KEY') return { pkcs8: der, certificates };
  if (label === 'ENCRYPTED PRIVATE KEY')
    return { pkcs8: await decryptPrivateKey(der, requirePassphrase(file)), certificates };
  const type = label === 'EC PRIVATE KEY' ? 'sec1' : 'pkcs1';
  const opened = createPrivateKey({ key: Buffer.from(der), format: 'der', type });
  der.fill(0);
  return { pkcs8: opened.export({ format: 'der', type: 'pkcs8' }), certificates };
}

const keyLabels = ['PRIVATE KEY', 'ENCRYPTED PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY'] as const;

async function readDer(content: Uint8Array, file: PrivateKeyFile): Promise<OpenedPrivateKey> {
  const form = formOf(content);
  if (form === 'plain') return { pkcs8: Uint8Array.from(content), certificates: [] };
  if (form === 'encrypted')
    return { pkcs8: await decryptPrivateKey(content, requirePassphrase(file)), certificates: [] };
  // One without a password is under the empty one.
  const { privateKey, certificates } = await readPkcs12(content, file.passphrase ?? '');
  return { pkcs8: privateKey, certificates };
}

/** By what comes first: a PFX has the version 3, a PrivateKeyInfo 0 or 1, an EncryptedPrivateKeyInfo the algorithm. */
function formOf(content: Uint8Array): 'pkcs12' | 'encrypted' | 'plain' {
  // A PFX may be BER, with indefinite lengths, which a strict reader does not take.
  const [tag, length = 0] = content;
  if (tag !== Tag.sequence) throw new DerError('neither PEM nor a private key in DER', 0);
  const at = length <= 0x80 ? 2 : 2 + (length & 0x7f);
  if (content[at] === Tag.integer && content[at + 1] === 1 && content[at + 2] === 3) return 'pkcs12';
  return DerReader.decode(content, (r) => r.sequence(tagThenRest)) === Tag.sequence ? 'encrypted' : 'plain';
}

function tagThenRest(reader: DerReader): number | undefined {
  const { tag } = reader;
  while (reader.more) reader.element();
  return tag;
}

function requirePassphrase({ passphrase }: PrivateKeyFile): string {
  if (passphrase !== undefined) return passphrase;
  throw new GatewayError('bad-secret', 'the private key is encrypted: give its passphrase');
}

function explain(cause: unknown): unknown {
  if (cause instanceof GatewayError) return cause;
  if (cause instanceof WrongPasswordError) {
    return new GatewayError('bad-secret', 'the passphrase does not open the private key, or the file is damaged');
  }
  const isUnreadable = cause instanceof DerError || cause instanceof CmsError || cause instanceof SyntaxError;
  const reason = isUnreadable ? cause.message : 'it is no private key';
  return new GatewayError('malformed-request', `the private key cannot be read: ${reason}`, { cause });
}
