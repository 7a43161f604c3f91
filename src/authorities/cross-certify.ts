/** A CA here certifies the key of a foreign CA (RFC 5280 3.2): whoever trusts it trusts then what that one issues. */
import { type Actor, byActor } from '../audit/actor.js';
import { createAuditRecord } from '../audit/audit-record.js';
import { findUnfit } from '../ca/authority.js';
import { certifyForeign } from '../ca/certify-foreign.js';
import type { SigningGeneration } from '../ca/generations.js';
import { GatewayError } from '../errors.js';
import { createIdentifier } from '../identifier.js';
import type { CrossCertificationLimits } from '../model/cross-certification.js';
import { certificateId } from '../store/certificate-record.js';
import { type Certificate, fingerprint } from '../x509/certificate.js';
import { formatName } from '../x509/names.js';
import { keyFingerprint } from '../x509/public-key.js';
import { readCertificate } from './check-certificate.js';
import { extensionsOf } from './cross-certificate-extensions.js';
import { checkForeignCa } from './foreign-ca.js';
import { recordingRefusals } from './recording-refusals.js';
import { type AuthorityServices, requireConfig } from './services.js';

interface CrossCertification {
  /** The CA that certifies. */
  readonly ca: string;
  /** DER, of the foreign CA. */
  readonly certificate: Uint8Array;
  /** DER CertificationRequest by the same key: the proof of possession, where the certificate is not self-signed. */
  readonly request?: Uint8Array | undefined;
  readonly limits: CrossCertificationLimits;
  readonly actor: Actor;
}

/**
 * Certifies the key and subject of a foreign CA by the current generation of one here, and puts the certificate on record, with the
 * foreign CA among the unmanaged ones. The operator's act is enough: `issueIntermediates` is for CAs of gateways.
 * @returns the id of the certificate
 * @throws GatewayError as `checkForeignCa` does; 'not-found'; 'invalid-state' where the CA does not issue; 'rejected-profile' for a
 * path length that the CA, or the foreign one, has no room for, and where nothing is left of the validity
 */
export function crossCertify(
  { ca, certificate, request, limits, actor }: CrossCertification,
  services: AuthorityServices,
): Promise<string> {
  return recordingRefusals({ act: 'cross-certify', subject: ca, actor }, services, async () => {
    requireConfig(ca, services);
    await services.generations.reload();
    const issuer = requireIssuing(ca, services);
    const foreign = readCertificate(certificate);
    await checkForeignCa({ foreign, request, issuer }, services);
    const extensions = extensionsOf(foreign, limits);
    const issued = await certifyForeign({ ca, foreign, limits, extensions }, services);
    await record({ ca, foreign, issued, actor }, services);
    return certificateId(issued.issuerId, issued.serialNumber);
  });
}

function requireIssuing(ca: string, { generations, clock }: AuthorityServices): SigningGeneration {
  const current = generations.findCurrent(ca);
  if (current === undefined) throw new GatewayError('invalid-state', `CA ${ca} has no generation that issues`);
  const unfit = current.online ? findUnfit(current, generations, clock.now()) : 'its key is not in the gateway';
  if (unfit !== undefined) throw new GatewayError('invalid-state', `${current.id} does not issue: ${unfit}`);
  return current;
}

interface Made {
  readonly ca: string;
  readonly foreign: Certificate;
  readonly issued: Awaited<ReturnType<typeof certifyForeign>>;
  readonly actor: Actor;
}

async function record({ ca, foreign, issued, actor }: Made, services: AuthorityServices): Promise<void> {
  const { store, clock, catalog } = services;
  const at = clock.now();
  const id = certificateId(issued.issuerId, issued.serialNumber);
  const subject = formatName(foreign.subject);
  const known = await findKnown(foreign, services);
  const unmanagedCaId = known ?? createIdentifier();
  const division = catalog().certificateAuthorities.get(ca)?.division ?? '';
  const by = byActor(actor);
  const event = createAuditRecord({
    at,
    action: 'ca.cross-certified',
    outcome: 'success',
    subject: id,
    details: {
      ca,
      serialNumber: issued.serialNumber,
      issuer: issued.issuerId,
      name: subject,
      fingerprint: fingerprint(foreign.der),
      until: issued.notAfter.toISOString(),
      unmanagedCa: unmanagedCaId,
      ...by,
    },
  });
  const created = createAuditRecord({
    at,
    action: 'unmanaged-ca.created',
    outcome: 'success',
    subject: unmanagedCaId,
    details: { division, name: subject, certificate: id, ...by },
  });
  const { insert, addCertificate } = store.unmanagedCas;
  await store.commit({
    statements: [
      issued.record(event),
      ...(known ? [] : [insert({ id: unmanagedCaId, division, deviceId: null, subject, createdAt: at.getTime() })]),
      addCertificate({ certificateId: id, unmanagedCaId }),
    ],
    audit: [event, ...(known ? [] : [created])],
  });
}

/** The unmanaged CA that it is already, by an earlier certificate. */
async function findKnown(
  { subjectPublicKeyInfo }: Certificate,
  { store }: AuthorityServices,
): Promise<string | undefined> {
  const [earlier] = await store.certificates.findByKey({ keyFingerprint: keyFingerprint(subjectPublicKeyInfo) });
  return earlier && (await store.unmanagedCas.findByCertificate({ certificateId: earlier.id }))?.id;
}
