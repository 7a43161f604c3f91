/** Revocation passphrases (RFC 9810 appendix B): what the holder of a certificate can have it and its renewals revoked with when it has lost the key. */
import { createAuditRecord } from '../audit/audit-record.js';
import { credentialContext } from '../catalog/credential-definition.js';
import { GatewayError } from '../errors.js';
import { createIdentifier } from '../identifier.js';
import type { CredentialKind } from '../model/credential.js';
import type { Identity, UsedCredential } from '../policy/identity.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { CredentialRecord } from '../store/credential-repository.js';
import { authenticateRequest } from './authenticate-request.js';
import { findLineage } from './lineage.js';
import type { PassphraseMessage, RevocationMessage } from './request.js';
import { findRequestersCertificate, requireActive } from './requester-certificate.js';
import type { EnrollmentServices } from './services.js';
import { findTarget, requireMethod } from './target.js';

/**
 * Sets the passphrase of the lineage of the requester's certificate, of which there is one in an authentication policy.
 * @throws GatewayError `forbidden`, `invalid-state`, `stale-message`, or as authentication does
 */
export async function setRevocationPassphrase(message: PassphraseMessage, services: EnrollmentServices): Promise<void> {
  const { store, sealing, clock } = services;
  const { credentials, remoteAddress, protocol, reference, passphrase, isRead, sentAt, requestId } = message;
  const target = findTarget(services.catalog(), message.label);
  requireMethod(target.resolved, protocol);
  const asked = { protocol, credentials, operation: 'message', remoteAddress } as const;
  const now = clock.now();
  const { identity } = await authenticateRequest(asked, target, now, services);
  const { certificate, device, guards } = await findRequestersCertificate(identity, services);
  const lineage = await findLineage(certificate, services);
  const id = createIdentifier();
  const lookup = Buffer.from(reference).toString('hex');
  const record = {
    ...unlimited,
    id,
    authenticationPolicy: target.resolved.authentication.policy.name,
    name: nameOf(lineage),
    lookup,
    sealed: sealing.seal(credentialContext(id), passphrase),
    createdAt: sentAt.getTime(),
  };
  const isBySecret = identity.credentials.some((credential) => credential.kind === 'cmp-secret');
  const present = await store.credentials.findByName(record);
  if (isBySecret) requireFirst(certificate, present, now);
  await requirePlace(record, present, services);
  const put = isBySecret ? store.credentials.insert(record) : store.credentials.supersede(record);
  const committed = store.commit({
    statements: [...guards, put, store.credentials.requireSoleLookup(record)],
    audit: [
      createAuditRecord({
        id: requestId,
        at: now,
        action: 'device.passphrase-set',
        outcome: 'success',
        subject: device.id,
        device: device.id,
        details: {
          protocol,
          remoteAddress,
          requester: identity.requester,
          device: device.name,
          lineage,
          policy: target.resolved.policy.name,
          credential: id,
          reference: lookup,
          read: isRead,
        },
      }),
    ],
  });
  await committed.catch((error) => {
    throw error instanceof GatewayError && error.code === 'duplicate-request' ? notFirst() : error;
  });
}

/** The revocation passphrase that a requester has shown. */
export function findPassphrase({ credentials }: Pick<Identity, 'credentials'>): UsedCredential | undefined {
  return credentials.find((credential) => credential.kind === kind);
}

/** A passphrase takes certificates of its lineage away, and gives none back. @throws GatewayError `forbidden` */
export async function requireRightOfPassphrase(
  { name }: UsedCredential,
  reason: RevocationMessage['reason'],
  certificate: CertificateRecord,
  services: EnrollmentServices,
): Promise<void> {
  const { deviceId } = certificate;
  if (deviceId === null || name !== nameOf(await findLineage(certificate, services))) {
    throw new GatewayError(
      'forbidden',
      'a revocation passphrase revokes the certificate that it was set for and its renewals only',
    );
  }
  if (reason === 'removeFromCRL') {
    throw new GatewayError(
      'forbidden',
      'a revocation passphrase revives nothing: sign the request with the certificate',
    );
  }
  requireActive(await services.store.devices.findById({ id: deviceId }));
}

const kind: CredentialKind = 'revocation-passphrase';
/** No configured name has a colon. */
function nameOf(lineage: string): string {
  return `lineage:${lineage}`;
}

const unlimited = {
  kind,
  username: null,
  certificate: null,
  usageLimit: null,
  uses: 0,
  notBefore: null,
  notAfter: null,
  allowedAddresses: null,
  registeredValues: null,
  revokedAt: null,
  source: 'message',
} as const;

/**
 * A secret is worth little once it is used, and kept accordingly: whoever finds it later, or knows it beside the holder of the
 * certificate, must not be able to revoke by it.
 */
function requireFirst({ issuedAt }: CertificateRecord, present: CredentialRecord | undefined, now: Date): void {
  if (present) throw notFirst();
  if (now.getTime() - issuedAt > bySecretMilliseconds) {
    throw new GatewayError(
      'forbidden',
      'a secret sets a revocation passphrase in the hour after the certificate was issued: sign the message with the certificate',
    );
  }
}

const bySecretMilliseconds = 3_600_000;

function notFirst(): GatewayError {
  return new GatewayError(
    'forbidden',
    'the certificate has a revocation passphrase already: sign the message with the certificate',
  );
}

/** What the commit refuses too, said in words that help. */
async function requirePlace(
  { authenticationPolicy, name, lookup, createdAt }: CredentialRecord & { readonly lookup: string },
  present: CredentialRecord | undefined,
  { store }: EnrollmentServices,
): Promise<void> {
  if (present && present.createdAt > createdAt) {
    throw new GatewayError(
      'stale-message',
      'a message that was sent later has set a revocation passphrase; send a new one',
    );
  }
  const namesakes = await store.credentials.findByLookup({ authenticationPolicy, kind, lookup });
  if (namesakes.some((other) => other.name !== name && other.revokedAt === null)) {
    throw new GatewayError(
      'invalid-state',
      'another certificate has a revocation passphrase by this reference; choose another localKeyId',
    );
  }
}
