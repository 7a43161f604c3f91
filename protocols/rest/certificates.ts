/** Certificates for download: what was issued, and what it was issued by. */
import { encodeCertsOnly } from '../../src/cms/certs-only.js';
import { GatewayError, HttpError } from '../../src/errors.js';
import { preferredType } from '../../src/http/preferred-type.js';
import { type Exchange, originOf, type ProtocolServices, type Reply } from '../../src/protocol.js';
import { decodeCertificate } from '../../src/x509/certificate.js';
import { toPem } from '../../src/x509/pem.js';
import { readCredentials } from './credentials.js';
import { readMessage } from './recorded.js';
import { serialNumberSchema } from './requests.js';

/** `GET …/certificates/<serial number>`, for who has a certificate. @throws GatewayError */
export async function download(exchange: Exchange, services: ProtocolServices): Promise<Reply> {
  const { type, ...query } = await readMessage('certificate', exchange, services, () => {
    const serialNumber = serialNumberSchema.safeParse(exchange.params.serialNumber);
    if (!serialNumber.success) {
      throw new GatewayError('malformed-request', 'a serial number is hexadecimal digits');
    }
    return {
      ...originOf(exchange),
      type: wantedType(exchange, certificateTypes),
      protocol: 'rest' as const,
      operation: 'certificate',
      issuer: issuerOf(exchange.params.label, services),
      serialNumber: serialNumber.data,
      credentials: readCredentials(exchange),
    };
  });
  const certificate = await services.findCertificate(query);
  const whole = () => services.issuersOf(certificate).then((issuers) => [certificate, ...issuers]);
  const isAlone = type === 'application/x-pem-file' || type === 'application/pkix-cert';
  const reply = certificatesReply(type, isAlone ? [certificate] : await whole());
  return { ...reply, headers: { ...reply.headers, 'Cache-Control': 'no-store' } };
}

/** `GET …/ca`, for everybody. @throws GatewayError */
export async function downloadCa(exchange: Exchange, services: ProtocolServices): Promise<Reply> {
  return await readMessage('ca', exchange, services, () => {
    const type = wantedType(exchange, caTypes);
    return certificatesReply(type, services.caCertificates(exchange.params.label));
  });
}

/** DER Name of the CA that issues under the policy. @throws GatewayError `not-found` */
export function issuerOf(label: string | undefined, services: ProtocolServices): Uint8Array {
  const [issuer] = services.caCertificates(label);
  if (issuer === undefined) throw new GatewayError('internal', 'the policy has no CA');
  return decodeCertificate(issuer).subject;
}

type CertificateType =
  | 'application/x-pem-file'
  | 'application/pkix-cert'
  | 'application/pem-certificate-chain'
  | 'application/pkcs7-mime';

/** By the name that `?format=` has for it; the first one is for who does not choose. */
type Types = ReadonlyMap<string, CertificateType>;

const certificateTypes: Types = new Map([
  ['pem', 'application/x-pem-file'],
  ['der', 'application/pkix-cert'],
  ['chain', 'application/pem-certificate-chain'],
  ['pkcs7', 'application/pkcs7-mime'],
]);

const caTypes: Types = new Map([
  ['pem', 'application/pem-certificate-chain'],
  ['der', 'application/pkix-cert'],
  ['pkcs7', 'application/pkcs7-mime'],
]);

function wantedType({ query, headers }: Exchange, types: Types): CertificateType {
  const format = new URLSearchParams(query).get('format');
  if (format !== null) {
    const type = types.get(format);
    if (type !== undefined) return type;
    throw new GatewayError('malformed-request', `the format is one of ${[...types.keys()].join(', ')}`);
  }
  const preferred = preferredType(headers.accept, [...types.values()]);
  if (preferred !== undefined) return preferred;
  throw new HttpError(406, 'malformed-request', `there is one of ${[...types.values()].join(', ')}`);
}

function certificatesReply(type: CertificateType, certificates: readonly Uint8Array[]): Reply {
  return { status: 200, headers: { 'Content-Type': type, Vary: 'Accept' }, body: encode(type, certificates) };
}

function encode(type: CertificateType, certificates: readonly Uint8Array[]): Reply['body'] {
  switch (type) {
    case 'application/pkix-cert':
      return certificates[0] ?? '';
    case 'application/pkcs7-mime':
      return encodeCertsOnly(certificates);
    default:
      return certificates.map((der) => toPem('CERTIFICATE', der)).join('');
  }
}
