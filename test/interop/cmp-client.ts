/** Lines with `openssl cmp`, and what comes of them; `$GATEHOUSE_CMP_URL` and its like are the shell's variables. */
import type { X509Certificate } from 'node:crypto';
import { expect } from '@jest/globals';
import { readCertified, type Shell } from '../support/interop.js';

/** What protects the message: the shared secret. */
export const secret = '-ref "$GATEHOUSE_CMP_REFERENCE" -secret "pass:$GATEHOUSE_CMP_SECRET" -recipient /';

/** What protects the message: the certificate of {@link enroll} in `<name>.pem`, or an update of it, with its chain. */
export function signedBy(name: string): string {
  return `-cert ${name}.pem -key ${name}.key -untrusted ${name}-chain.pem -trusted "$GATEHOUSE_CA_FILE"`;
}

/** What protects the message: the certificate that a device has from its factory. */
export const vendor =
  '-cert "$GATEHOUSE_FACTORY_CERT" -key "$GATEHOUSE_FACTORY_KEY" -untrusted "$GATEHOUSE_FACTORY_CA_FILE" -trusted "$GATEHOUSE_CA_FILE"';

/** The URL of another policy of the quickstart. */
export function policyUrl(policy: string): string {
  return `"\${GATEHOUSE_CMP_URL%quickstart}${policy}"`;
}

interface Request {
  readonly command: 'ir' | 'cr' | 'kur' | 'p10cr' | 'rr' | 'genm';
  /** Default: the shared secret. */
  readonly protection?: string;
  /** In the shell's words. */
  readonly url?: string;
  readonly options?: string;
}

/** One management operation; it says on the way which messages it sends and receives. */
export function cmp({ command, protection = secret, url = '"$GATEHOUSE_CMP_URL"', options = '' }: Request): string {
  return `openssl cmp -config "" -batch -cmd ${command} -server ${url} ${protection} ${options} 2>&1`;
}

/** Certifies `<name>.key`, and leaves the certificate in `<name>.pem` and what is above of it in `<name>-chain.pem`. */
export function enroll(
  name: string,
  { command = 'ir', subject = `/CN=${name}`, options = '', ...request }: Partial<Request> & { subject?: string } = {},
): string {
  const wish = command === 'kur' ? '' : `-subject ${subject}`;
  const files = `-newkey ${name}.key -certout ${name}.pem -chainout ${name}-chain.pem`;
  return cmp({ ...request, command, options: `${wish} ${files} -out_trusted "$GATEHOUSE_CA_FILE" ${options}` });
}

/** The certificate in `<name>.pem`, which is one for the key beside it, and which openssl verifies. */
export async function readCertificate(name: string, shell: Shell): Promise<X509Certificate> {
  await shell.succeed(`openssl verify -CAfile "$GATEHOUSE_CA_FILE" -untrusted ${name}-chain.pem ${name}.pem`);
  return readCertified(shell, { certificate: `${name}.pem`, key: `${name}.key` });
}

/** Runs lines of which the last is refused, and returns what the client says to that. */
export async function runRefused(shell: Shell, ...lines: string[]): Promise<string> {
  const { status, output } = await shell.run(...lines);
  expect(status).toBe(1);
  return output;
}

/** The messages of a conversation, sent and received, as in `IR IP CERTCONF PKICONF`. */
export function messagesIn(output: string): string {
  return [...output.matchAll(/CMP info: (?:sending|received) ([A-Z0-9]+)$/gm)].map(([, type]) => type).join(' ');
}

/** How the client words a refusal. */
export function refusal(failInfo: string, text: string): RegExp {
  return new RegExp(`PKIStatus: rejection; PKIFailureInfo: ${failInfo}; StatusString: "[^"]*${text}`);
}
