/** Who may report for an unmanaged CA: whoever holds the key of one of its valid certificates. */
import { GatewayError } from '../errors.js';
import type { CertificateReport } from '../model/certificate-report.js';
import { type CertificateRecord, hasLapsed } from '../store/certificate-record.js';
import type { UnmanagedCaRecord } from '../store/unmanaged-ca-repository.js';
import { fingerprint } from '../x509/certificate.js';
import type { EnrollmentServices } from './services.js';

/** @throws GatewayError `forbidden`, `revoked-requester` */
export async function requireReporter(
  { unmanagedCa: id, clientCertificate }: Pick<CertificateReport, 'unmanagedCa' | 'clientCertificate'>,
  { store, clock }: Pick<EnrollmentServices, 'store' | 'clock'>,
): Promise<{ readonly unmanagedCa: UnmanagedCaRecord; readonly certificate: CertificateRecord }> {
  if (clientCertificate === undefined) {
    throw new GatewayError('forbidden', 'a report is authenticated by the CA certificate as TLS client certificate');
  }
  const certificateFingerprint = fingerprint(clientCertificate);
  const certificate = await store.certificates.findBySha256({ certificateFingerprint });
  const unmanagedCa = certificate && (await store.unmanagedCas.findByCertificate({ certificateId: certificate.id }));
  // Whether there is another CA of this id is not for everybody to know.
  if (certificate === undefined || unmanagedCa?.id !== id) {
    throw new GatewayError('forbidden', 'the TLS client certificate is not one of this CA');
  }
  const now = clock.now();
  const { status, confirmBy, notBefore, notAfter } = certificate;
  if (status !== 'valid' || hasLapsed(certificate, now)) {
    throw new GatewayError(
      'revoked-requester',
      `the certificate of the CA is ${status === 'held' ? 'on hold' : 'revoked'}`,
    );
  }
  if (confirmBy !== null) throw new GatewayError('forbidden', 'the certificate of the CA is yet to be confirmed');
  if (notBefore > now.getTime() || notAfter < now.getTime()) {
    throw new GatewayError('forbidden', 'the certificate of the CA is not valid now; renew it');
  }
  return { unmanagedCa, certificate };
}
