/** A gateway's report of what its own CA has issued and revoked; its CA certificate authenticates it over TLS. */
import { z } from 'zod';
import { GatewayError } from '../../src/errors.js';
import type { ReportContent } from '../../src/model/certificate-report.js';
import type { Exchange, ProtocolServices, Reply } from '../../src/protocol.js';
import { revocationReasonCode, revocationReasons } from '../../src/x509/crl.js';
import { onePemBlock } from '../../src/x509/pem.js';
import { checkMembers, readJsonBody } from './body.js';
import { jsonReply } from './reply.js';

/** @throws GatewayError */
export async function report(exchange: Exchange, services: ProtocolServices): Promise<Reply> {
  const { params, tls, remoteAddress, requestId } = exchange;
  const result = await services.reportCertificates({
    unmanagedCa: params.id ?? '',
    clientCertificate: tls?.clientChain[0],
    content: () => readContent(exchange),
    remoteAddress,
    requestId,
  });
  return jsonReply(200, { ...result });
}

const maximumItems = 500;

const reportSchema = z.strictObject({
  certificates: z.array(z.string().max(65_536)).max(maximumItems).default([]),
  revoked: z
    .array(
      z.strictObject({
        serialNumber: z.string().regex(/^[0-9A-Fa-f]{1,40}$/, 'up to 40 hexadecimal digits'),
        revokedAt: z.iso.datetime({ offset: true }).optional(),
        reason: z.enum(revocationReasons.filter((reason) => reason !== 'removeFromCRL')).default('unspecified'),
      }),
    )
    .max(maximumItems)
    .default([]),
});

function readContent(exchange: Exchange): ReportContent {
  const { certificates, revoked } = checkMembers(reportSchema, readJsonBody(exchange));
  return {
    certificates: certificates.map(readCertificate),
    revoked: revoked.map(({ serialNumber, revokedAt, reason }) => ({
      serialNumber: wholeOctets(serialNumber),
      ...(revokedAt === undefined ? {} : { revokedAt: new Date(revokedAt) }),
      reason: revocationReasonCode(reason),
    })),
  };
}

/** PEM, or DER in base64. */
function readCertificate(text: string, index: number): Uint8Array {
  const field = `certificates.${index}`;
  if (text.includes('-----BEGIN')) {
    try {
      return onePemBlock(text, 'CERTIFICATE');
    } catch (cause) {
      throw new GatewayError('malformed-request', `${field} is not one certificate in PEM`, { cause });
    }
  }
  const base64 = text.replace(/\s/g, '');
  if (base64 === '' || base64.length % 4 > 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
    throw new GatewayError('malformed-request', `${field} is neither PEM nor DER in base64`);
  }
  return Uint8Array.from(Buffer.from(base64, 'base64'));
}

function wholeOctets(serialNumber: string): string {
  const digits = serialNumber.toLowerCase().replace(/^0+(?=.)/, '');
  return digits.length % 2 === 0 ? digits : `0${digits}`;
}
