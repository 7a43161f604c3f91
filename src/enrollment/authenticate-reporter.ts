/** Who may report for an unmanaged CA: whoever holds the key of one of its valid certificates. */
import { validateCertificate } from '../authentication/validate-certificate.js';
import { GatewayError } from '../errors.js';
import type { CertificateReport } from '../model/certificate-report.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { UnmanagedCaRecord } from '../store/unmanaged-ca-repository.js';
import { decodeCertificate, fingerprint } from '../x509/certificate.js';
import type { EnrollmentServices } from './services.js';

/** @throws GatewayError `forbidden`, `revoked-requester` */
export async function requireReporter(
  { unmanagedCa: id, clientCertificate }: Pick<CertificateReport, 'unmanagedCa' | 'clientCertificate'>,
  services: Pick<EnrollmentServices, 'store' | 'authority' | 'clock'>,
): Promise<{ readonly unmanagedCa: UnmanagedCaRecord; readonly certificate: CertificateRecord }> {
  if (clientCertificate === undefined) {
    throw new GatewayError('forbidden', 'a report is authenticated by the CA certificate as TLS client certificate');
  }
  const { store, clock } = services;
  const certificateFingerprint = fingerprint(clientCertificate);
  const issued = await store.certificates.findBySha256({ certificateFingerprint });
  const unmanagedCa = issued && (await store.unmanagedCas.findByCertificate({ certificateId: issued.id }));
  // Whether there is another CA of this id is not for everybody to know.
  if (issued === undefined || unmanagedCa?.id !== id) {
    throw new GatewayError('forbidden', 'the TLS client certificate is not one of this CA');
  }
  const question = { certificate: decodeCertificate(issued.der), issued, at: clock.now() };
  const validity = await validateCertificate(question, services);
  if (validity.ok) return { unmanagedCa, certificate: issued };
  const { code, message, isAbove } = validity;
  const cause = `${code}: ${message}`;
  const who = isAbove ? 'a CA above that of the report' : 'the certificate of the CA';
  const stopped = stops.get(code);
  if (stopped !== undefined) throw new GatewayError('revoked-requester', `${who} ${stopped}`, { cause });
  if (code === 'unconfirmed') {
    throw new GatewayError('forbidden', 'the certificate of the CA is yet to be confirmed', { cause });
  }
  throw new GatewayError('forbidden', `${who} is not valid now; get a new certificate`, { cause });
}

const stops: ReadonlyMap<string, string> = new Map([
  ['revoked', 'is revoked'],
  ['lapsed', 'was not confirmed in time'],
  ['held', 'is on hold'],
]);
