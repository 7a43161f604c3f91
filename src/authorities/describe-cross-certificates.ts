/** Certificates between CAs here and foreign ones as programs read them, from the management API and the command line alike. */
import { z } from 'zod';
import { certificateOutline, certificateSchema } from '../certificates/describe.js';
import { GatewayError } from '../errors.js';
import type { CaLinkRecord } from '../store/ca-link-repository.js';
import { decodeCertificate } from '../x509/certificate.js';
import { formatName } from '../x509/names.js';
import { fromPem, toPem } from '../x509/pem.js';
import { linksOf } from './links.js';
import type { AuthorityServices } from './services.js';

const { id, issuer, serialNumber, status, subject, issuedAt, notBefore, notAfter } = certificateSchema.shape;

export const crossCertificateSchema = z
  .strictObject({
    id,
    issuer,
    serialNumber,
    status,
    subject: subject.describe('of the foreign CA, RFC 4514 text'),
    issuedAt,
    notBefore,
    notAfter,
    unmanagedCa: z.string().describe('the id of the unmanaged CA that the foreign one is here'),
    certificate: z.string().describe('PEM'),
  })
  .meta({ id: 'CrossCertificate' });
export type CrossCertificateJson = z.output<typeof crossCertificateSchema>;

export const caLinkSchema = z
  .strictObject({
    fingerprint: z.string().describe('SHA-256 of the certificate, hex'),
    generation: z.string().describe('whose key and subject it has'),
    issuer: z.string().describe('RFC 4514 text'),
    anchor: z.string().describe('the subject of the last certificate, whose users trust it'),
    notAfter: z.iso.datetime().describe('when the first of the certificates ends'),
    createdAt: z.iso.datetime(),
    certificates: z.string().describe("PEM: the certificate, its issuer's, and so on"),
  })
  .meta({ id: 'CaLink' });
export type CaLinkJson = z.output<typeof caLinkSchema>;

export const crossCertificatesSchema = z
  .strictObject({
    issued: z.array(crossCertificateSchema).describe('for foreign CAs by this one, the latest first'),
    links: z.array(caLinkSchema).describe('for this one by foreign CAs'),
  })
  .meta({ id: 'CrossCertificates' });

type Services = Pick<AuthorityServices, 'store' | 'authority' | 'clock'>;

export async function describeCrossCertificates(
  ca: string,
  services: Services,
): Promise<{ issued: CrossCertificateJson[]; links: CaLinkJson[] }> {
  const links = await linksOf(ca, services);
  return { issued: await issuedBy(ca, services), links: links.map(describeLink) };
}

/** @throws GatewayError 'not-found' */
export async function describeCrossCertificate(
  ca: string,
  wanted: string,
  services: Services,
): Promise<CrossCertificateJson> {
  const found = (await issuedBy(ca, services)).find((each) => each.id === wanted);
  if (found === undefined) throw new GatewayError('not-found', 'the certificate is not on record any more');
  return found;
}

export function describeLink({ chain, fingerprint, generation, ...times }: CaLinkRecord): CaLinkJson {
  const certificates = fromPem(chain, 'CERTIFICATE').map((der) => decodeCertificate(der));
  const nameOf = (name: Uint8Array | undefined) => (name === undefined ? '' : formatName(name));
  return {
    fingerprint,
    generation,
    issuer: nameOf(certificates[0]?.issuer),
    anchor: nameOf(certificates.at(-1)?.subject),
    notAfter: new Date(times.notAfter).toISOString(),
    createdAt: new Date(times.createdAt).toISOString(),
    certificates: chain,
  };
}

async function issuedBy(ca: string, { store, authority, clock }: Services): Promise<CrossCertificateJson[]> {
  const issuers = authority.generations().flatMap((generation) => (generation.ca === ca ? [generation.id] : []));
  const found = await store.unmanagedCas.crossCertificates({ issuers, limit: 1000 });
  return found.map(({ unmanagedCaId, ...record }) => {
    const { usage: _usage, ...outline } = certificateOutline(record, clock.now());
    return { ...outline, unmanagedCa: unmanagedCaId, certificate: toPem('CERTIFICATE', record.der) };
  });
}
