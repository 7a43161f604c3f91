/** A certificate of a CA here by a CA in an openssl folder. */
import { createPublicKey } from 'node:crypto';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import type { OpensslFolder } from '../../support/openssl-folder.js';

interface ForeignLink {
  /** Of the CA, DER. */
  readonly certificate: Uint8Array;
  /** `<by>.pem` and `<by>.key`. */
  readonly by: string;
  /** As openssl has it. */
  readonly subject: string;
  readonly extensions?: readonly string[];
}

export const linkExtensions = [
  'basicConstraints=critical,CA:true,pathlen:1',
  'keyUsage=critical,keyCertSign,cRLSign',
  'subjectKeyIdentifier=hash',
];

/** DER. */
export function signLink(
  openssl: OpensslFolder,
  { certificate, by, subject, extensions = linkExtensions }: ForeignLink,
): Uint8Array {
  const { subjectPublicKeyInfo } = decodeCertificate(certificate);
  const key = createPublicKey({ key: Buffer.from(subjectPublicKeyInfo), format: 'der', type: 'spki' });
  openssl.write('link.pub', key.export({ format: 'pem', type: 'spki' }));
  openssl.run(
    ...['x509', '-new', '-force_pubkey', 'link.pub', '-subj', subject, '-CA', `${by}.pem`, '-CAkey', `${by}.key`],
    ...['-CAcreateserial', '-extfile', openssl.write('link.ext', `${extensions.join('\n')}\n`)],
    ...['-days', '300', '-out', 'link.pem'],
  );
  return openssl.certificates('link.pem')[0] ?? new Uint8Array();
}
