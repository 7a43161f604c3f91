/** Revocation passphrases (RFC 9810 appendix B): what a device can have its certificates revoked with when it has lost its keys. */
import { createAuditRecord } from '../audit/audit-record.js';
import { credentialContext } from '../catalog/credential-definition.js';
import { GatewayError } from '../errors.js';
import { createIdentifier } from '../identifier.js';
import type { CredentialKind } from '../model/credential.js';
import type { Identity, UsedCredential } from '../policy/identity.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { CredentialRecord } from '../store/credential-repository.js';
import { authenticateRequest } from './authenticate-request.js';
import type { PassphraseMessage, RevocationMessage } from './request.js';
import { findRequestersDevice, requireActive } from './requester-device.js';
import type { EnrollmentServices } from './services.js';
import { findTarget, requireMethod } from './target.js';

/**
 * Sets the passphrase of the requester's device, of which there is one in an authentication policy.
 * @throws GatewayError `forbidden`, `invalid-state`, `stale-message`, or as authentication does
 */
export async function setRevocationPassphrase(message: PassphraseMessage, services: EnrollmentServices): Promise<void> {
  const { store, sealing, clock } = services;
  const { credentials, remoteAddress, protocol, reference, passphrase, isRead, sentAt, requestId } = message;
  const target = findTarget(services.catalog(), message.label);
  requireMethod(target.resolved, protocol);
  const asked = { credentials, operation: 'message', remoteAddress } as const;
  const now = clock.now();
  const { identity } = await authenticateRequest(asked, target, now, services);
  const { device, guards } = await findRequestersDevice(identity, target, services);
  const id = createIdentifier();
  const lookup = Buffer.from(reference).toString('hex');
  const record = {
    ...unlimited,
    id,
    authenticationPolicy: target.resolved.authentication.policy.name,
    name: `${namePrefix}${device.id}`,
    lookup,
    sealed: sealing.seal(credentialContext(id), passphrase),
    createdAt: sentAt.getTime(),
  };
  await requirePlace(record, services);
  await store.commit({
    statements: [...guards, store.credentials.supersede(record), store.credentials.requireSoleLookup(record)],
    audit: [
      createAuditRecord({
        id: requestId,
        at: now,
        action: 'device.passphrase-set',
        outcome: 'success',
        subject: device.id,
        details: {
          protocol,
          remoteAddress,
          requester: identity.requester,
          device: device.name,
          policy: target.resolved.policy.name,
          credential: id,
          reference: lookup,
          read: isRead,
        },
      }),
    ],
  });
}

/** The revocation passphrase that a requester has shown. */
export function findPassphrase({ credentials }: Pick<Identity, 'credentials'>): UsedCredential | undefined {
  return credentials.find((credential) => credential.kind === kind);
}

/** A passphrase takes certificates of its device away, and gives none back. @throws GatewayError `forbidden` */
export async function requireRightOfPassphrase(
  { name }: UsedCredential,
  reason: RevocationMessage['reason'],
  { deviceId }: CertificateRecord,
  { store }: EnrollmentServices,
): Promise<void> {
  if (deviceId === null || name !== `${namePrefix}${deviceId}`) {
    throw new GatewayError('forbidden', 'a revocation passphrase revokes the certificates of its own device only');
  }
  if (reason === 'removeFromCRL') {
    throw new GatewayError(
      'forbidden',
      'a revocation passphrase revives nothing: sign the request with the certificate',
    );
  }
  requireActive(await store.devices.findById({ id: deviceId }));
}

const kind: CredentialKind = 'revocation-passphrase';
/** No configured name has a colon. */
const namePrefix = 'device:';

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

/** What the commit refuses too, said in words that help. */
async function requirePlace(
  { authenticationPolicy, name, lookup, createdAt }: CredentialRecord & { readonly lookup: string },
  { store }: EnrollmentServices,
): Promise<void> {
  const present = await store.credentials.findByName({ authenticationPolicy, name });
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
      'another device has a revocation passphrase by this reference; choose another localKeyId',
    );
  }
}
