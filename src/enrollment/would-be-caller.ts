/** Whom a dry run takes for the requester, as what that requester would present. */
import { assumeSecret } from '../authentication/assumed-secret.js';
import type { VerifiedSecret } from '../authentication/secret.js';
import { GatewayError } from '../errors.js';
import type { AcmeIdentifier } from '../model/acme.js';
import type { PresentedCredential } from '../model/presented-credential.js';
import type { Method } from '../model/protocol-name.js';
import type { RequestedCertificate } from '../model/requested-certificate.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { CredentialRecord } from '../store/credential-repository.js';
import { findExtension } from '../x509/extensions.js';
import { decodeGeneralNames } from '../x509/general-names.js';
import { idCeSubjectAltName } from '../x509/oids.js';
import type { EnrollmentServices } from './services.js';
import type { EnrollmentTarget } from './target.js';

export interface WouldBeCaller {
  /** The name of a credential of the authentication policy; its secret is taken to be known. */
  readonly credential?: string | undefined;
  /** That would be presented with it; the right one where absent. */
  readonly username?: string | undefined;
  /** DER certificates, the caller's first; its key is taken to be in the caller's hands. */
  readonly certificateChain?: readonly Uint8Array[] | undefined;
  /** The id of a certificate that was issued here. */
  readonly issuedCertificate?: string | undefined;
  /** The name of a device: with `operator`, for which it asks; else its latest valid certificate is presented. */
  readonly device?: string | undefined;
  /** A person or program that manages the gateway and may ask for certificates. */
  readonly operator?: { readonly name: string; readonly person: string } | undefined;
  /** An IP address; that of this machine where absent. */
  readonly remoteAddress?: string | undefined;
}

/** What it presents, and the secrets that it is taken to know. */
export interface Presentation {
  readonly credentials: readonly PresentedCredential[];
  readonly assumed: readonly VerifiedSecret[];
  readonly remoteAddress: string;
}

interface Circumstances {
  readonly protocol: Method;
  readonly target: EnrollmentTarget;
  readonly requested: RequestedCertificate;
}

const thisMachine = '127.0.0.1';

/** @throws GatewayError `bad-secret`, `untrusted-signer` or `unknown-certificate` for what could not be presented so */
export async function presentCaller(
  caller: WouldBeCaller,
  { protocol, target, requested }: Circumstances,
  services: EnrollmentServices,
): Promise<Presentation> {
  const { credential, remoteAddress = thisMachine } = caller;
  const record = credential === undefined ? undefined : await findCredential(credential, target, services);
  const presented: PresentedCredential[] = [];
  const assumed: VerifiedSecret[] = [];
  if (record?.kind === 'authentication-certificate' && record.certificate !== null) {
    presented.push(certificateOf([record.certificate], protocol));
  } else if (record) {
    const { username } = caller;
    const at = services.clock.now();
    assumed.push(
      assumeSecret({ record, protocol, at, remoteAddress, ...(username === undefined ? {} : { username }) }),
    );
  }
  if (protocol === 'acme') presented.push(accountOf(record, requested));
  const chain = await findChain(caller, target, services);
  if (chain) presented.push(certificateOf(chain, protocol));
  const { operator, device } = caller;
  if (operator) presented.push({ kind: 'operator', ...operator, ...(device === undefined ? {} : { device }) });
  return { credentials: presented, assumed, remoteAddress };
}

async function findCredential(
  name: string,
  { resolved }: EnrollmentTarget,
  { store }: EnrollmentServices,
): Promise<CredentialRecord> {
  const { name: authenticationPolicy } = resolved.authentication.policy;
  const record = await store.credentials.findByName({ authenticationPolicy, name });
  if (record === undefined)
    throw new GatewayError('bad-secret', `authentication policy ${authenticationPolicy} has no credential "${name}"`);
  if (record.kind !== 'authentication-ca') return record;
  throw new GatewayError(
    'untrusted-signer',
    `the credential "${name}" is a CA, which authenticates others; give the certificate of the caller`,
  );
}

/** Over TLS the protocols have client certificates, in messages signers. */
function certificateOf(chain: readonly Uint8Array[], protocol: Method): PresentedCredential {
  return { kind: 'certificate', chain, proof: protocol === 'scep' || protocol === 'cmp' ? 'message' : 'tls' };
}

/** A new account, that is taken to have proved whatever is asked for. */
function accountOf(record: CredentialRecord | undefined, { extensions }: RequestedCertificate): PresentedCredential {
  const names = findExtension(extensions, idCeSubjectAltName);
  const identifiers: readonly AcmeIdentifier[] = (names ? decodeGeneralNames(names.value) : []).flatMap((name) =>
    name.type === 'dns' || name.type === 'ip' ? { type: name.type, value: name.value.toLowerCase() } : [],
  );
  const account = { kind: 'acme-account', account: 'dry-run', identifiers } as const;
  return record === undefined ? account : { ...account, externalAccount: record.id };
}

/** The certificate that the caller has, in one of the ways to say which. */
async function findChain(
  { certificateChain, issuedCertificate, device, operator }: WouldBeCaller,
  target: EnrollmentTarget,
  services: EnrollmentServices,
): Promise<readonly Uint8Array[] | undefined> {
  if (certificateChain) return certificateChain;
  const { store, authority } = services;
  if (issuedCertificate !== undefined) {
    const record = await store.certificates.findById({ id: issuedCertificate });
    if (record) return [record.der, ...authority.chain(record.issuerId)];
    throw new GatewayError('unknown-certificate', 'no certificate with this id was issued here');
  }
  if (device === undefined || operator) return undefined;
  const record = await findOfDevice(device, target, services);
  return [record.der, ...authority.chain(record.issuerId)];
}

async function findOfDevice(
  name: string,
  { resolved }: EnrollmentTarget,
  { store, catalog, clock }: EnrollmentServices,
): Promise<CertificateRecord> {
  const { division } = resolved.policy;
  const device = await store.devices.findByName({ division, name });
  const at = clock.now().getTime();
  const all = device ? await store.certificates.validByDevice({ deviceId: device.id, at }) : [];
  const { policies } = catalog();
  const latest = all.find(
    ({ policy }) => policies.get(policy)?.authentication.policy.name === resolved.authentication.policy.name,
  );
  if (latest) return latest;
  throw new GatewayError(
    'untrusted-signer',
    `device "${name}" has no valid certificate that could authenticate requests to this policy; name a credential`,
  );
}
