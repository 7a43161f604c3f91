/** What EST servers answer (RFC 7030 4.1.3, 4.2.3, 4.3.2, 4.4.2, 4.5.2; RFC 8951). */

import { encodeCertsOnly } from '../../src/cms/certs-only.js';
import { encodeMultipart } from '../../src/http/multipart.js';
import { retryAfter, textAnswer } from '../../src/http/text-answer.js';
import type { Reply } from '../../src/protocol.js';
import { encodeBody } from './base64.js';

/** Without the smime-type parameter, as RFC 7030 4.1.3 has it; Cisco's libest compares the whole header. */
export function caCertificatesReply(certificates: readonly Uint8Array[]): Reply {
  return base64Reply('application/pkcs7-mime', encodeCertsOnly(certificates));
}

/** "Only the certificate that was issued" (RFC 7030 4.2.3). */
export function certificateReply(certificate: Uint8Array): Reply {
  return base64Reply(certsOnlyType, encodeCertsOnly([certificate]));
}

/** Undefined attributes: there is nothing that clients should know (RFC 8951 4). */
export function csrAttributesReply(attributes: Uint8Array | undefined): Reply {
  if (attributes === undefined) return { status: 204, headers: {}, body: '' };
  return base64Reply('application/csrattrs', attributes);
}

/** The client repeats its request after that time (RFC 7030 4.2.3). */
export function pendingReply(retryAfterSeconds: number): Reply {
  return textAnswer(202, 'the request waits for approval; repeat it later', retryAfter(retryAfterSeconds));
}

/** `key`: DER PrivateKeyInfo, or the ContentInfo of an EnvelopedData when it is encrypted to the client. */
export function generatedKeyReply(key: Uint8Array, isEncrypted: boolean, certificate: Uint8Array): Reply {
  const keyType = isEncrypted ? 'application/pkcs7-mime; smime-type=server-generated-key' : 'application/pkcs8';
  const { contentType, body } = encodeMultipart([
    { headers: base64Headers(keyType), body: encodeBody(key) },
    { headers: base64Headers(certsOnlyType), body: encodeBody(encodeCertsOnly([certificate])) },
  ]);
  return { status: 200, headers: { 'Content-Type': contentType, 'Cache-Control': 'no-store' }, body };
}

/** `message`: the ContentInfo of a Full PKI Response. */
export function cmcReply(message: Uint8Array, { status, headers }: Pick<Reply, 'status' | 'headers'>): Reply {
  const reply = base64Reply('application/pkcs7-mime; smime-type=CMC-response', message);
  return { ...reply, status, headers: { ...reply.headers, ...headers } };
}

const certsOnlyType = 'application/pkcs7-mime; smime-type=certs-only';

function base64Reply(contentType: string, der: Uint8Array): Reply {
  return { status: 200, headers: base64Headers(contentType), body: encodeBody(der) };
}

/** RFC 8951 3 has no use for the second one, RFC 7030 demands it. Written in this case because libest looks for it so. */
function base64Headers(contentType: string): Record<string, string> {
  return { 'Content-Type': contentType, 'Content-Transfer-Encoding': 'base64' };
}
