/** What the gateway does for its protocols, put together from the enrollment flow, the CA and the catalog. */
import { createProtocolAuditRecord } from '../audit/audit-record.js';
import { GatewayError } from '../errors.js';
import type { PresentedCredential } from '../model/presented-credential.js';
import type { ProtocolServices } from '../protocol.js';
import { findAlternateIssuers } from './alternate-issuers.js';
import { authenticateMessage } from './authenticate-message.js';
import { createBaseUrl, type PublicAddress } from './base-url.js';
import { findCertificateStatus } from './certificate-status.js';
import { commonName } from './common-name.js';
import { confirmCertificate } from './confirm.js';
import { findCrls, findCurrentCrl } from './current-crl.js';
import { enroll } from './enroll.js';
import { findCertificate, findCrl, requireOnRecord } from './find-certificate.js';
import { createOcspResponders } from './ocsp-responders.js';
import { openAccount } from './open-account.js';
import { describePolicy, outlineFor } from './policy-view.js';
import { poll, pollApproval } from './poll.js';
import { createPublishedCrls } from './published-crls.js';
import { recordRefusedMessage } from './record.js';
import { findRenewal } from './renewal.js';
import { createReportCertificates } from './report-certificates.js';
import { requestApproval } from './request-approval.js';
import { requireNames } from './require-names.js';
import { setRevocationPassphrase } from './revocation-passphrase.js';
import { revokeByMessage } from './revoke-by-message.js';
import { findRootUpdate } from './root-update.js';
import type { ServiceKeys } from './service-keys.js';
import type { EnrollmentServices } from './services.js';
import { findTarget } from './target.js';
import {
  findLinksToEarlierRoots,
  findTrustAnchors,
  findTrustCertificates,
  findTrustLinks,
  listTrustAnchors,
} from './trust-certificates.js';
import { withdraw } from './withdraw.js';

export function createProtocolServices(
  services: EnrollmentServices,
  serviceKeys: ServiceKeys,
  address: PublicAddress,
): ProtocolServices {
  const { authority, catalog, clock, store } = services;
  const responders = createOcspResponders(services, serviceKeys);
  const resolve = (label: string | undefined) => findTarget(catalog(), label).resolved;
  const keyOfCa = (purpose: CaPurpose, label: string | undefined) => ({
    purpose,
    issuingCa: resolve(label).policy.issuingCa,
    names: [`Gatehouse ${purpose}`],
  });
  const keyOfPolicy = (purpose: keyof typeof namesByPurpose, label: string | undefined) => {
    const { name, issuingCa } = resolve(label).policy;
    return { purpose, issuingCa, names: [commonName(`${namesByPurpose[purpose]} ${name}`)] };
  };
  function fromHandler<Request extends Presenting, Result>(
    act: (request: Request, services: EnrollmentServices) => Promise<Result>,
  ) {
    return async (request: Request) => {
      refuseOperators(request);
      return await act(request, services);
    };
  }
  return {
    clock,
    database: store.database,
    commit: (statements, events = []) =>
      store.commit({
        statements,
        audit: events.map((event) => createProtocolAuditRecord({ ...event, at: clock.now() })),
      }),
    openAccount: (opening) => openAccount(opening, services),
    requireNames: fromHandler(requireNames),
    renewal: (query) => findRenewal(query, services),
    alternateIssuersOf: (certificate) => findAlternateIssuers(certificate, services),
    baseUrl: createBaseUrl(catalog, address),
    deriveKey: services.deriveKey,
    outbound: services.outbound,
    log: services.log,
    enroll: fromHandler(enroll),
    poll: fromHandler(poll),
    authenticate: fromHandler(authenticateMessage),
    confirm: (request) => confirmCertificate(request, services),
    revoke: fromHandler(revokeByMessage),
    requestApproval: fromHandler(requestApproval),
    pollApproval: fromHandler(pollApproval),
    setRevocationPassphrase: fromHandler(setRevocationPassphrase),
    reportCertificates: createReportCertificates(services),
    recordRefusal: (refused) => recordRefusedMessage(refused, services),
    withdraw: (withdrawal) => withdraw(withdrawal, services),
    policy: (label) => describePolicy(resolve(label)),
    requestOutline: (label, requester, profileHint) => outlineFor(requester, resolve(label), profileHint),
    caCertificates: (label) => authority.chain(authority.issuer(resolve(label).policy.issuingCa).id),
    trustCertificates: (label) => findTrustCertificates(label, services),
    trustAnchors: () => listTrustAnchors(services),
    trustAnchorsOf: (ca) => findTrustAnchors(ca, services),
    trustLinksOf: (ca) => findTrustLinks(ca, services),
    linksToEarlierRoots: (label) => findLinksToEarlierRoots(resolve(label).policy.issuingCa, services),
    issuersOf: async (certificate) => authority.chain((await requireOnRecord(certificate, services)).issuerId),
    nextCaBundle: (label) => authority.nextCaBundle(resolve(label).policy.issuingCa),
    findCertificate: fromHandler(findCertificate),
    findCrl: (query) => findCrl(query, services),
    currentCrl: (label) => findCurrentCrl(label, services),
    crls: (label, source) => findCrls(label, source, services),
    rootUpdate: (label, root) => findRootUpdate(label, root, services),
    caCertificate: (generation) => {
      const found = authority.generation(generation);
      if (found === undefined) throw new GatewayError('not-found', 'there is no CA of this name');
      return found.certificate.der;
    },
    cps: (ca) => {
      const statement = catalog().certificateAuthorities.get(ca)?.cps;
      if (statement !== undefined && 'text' in statement) return statement.text;
      throw new GatewayError('not-found', 'no CA of this name has its certification practice statement here');
    },
    ...createPublishedCrls(services),
    certificateStatus: (id) => findCertificateStatus(id, services),
    ocspResponder: responders,
    serviceKey: (purpose, label) => serviceKeys.get(keyOfCa(purpose, label)),
    messageKey: (purpose, label) => serviceKeys.messageKey(keyOfPolicy(purpose, label)),
    agree: (purpose, label, publicKey) => serviceKeys.agree(keyOfPolicy(purpose, label), publicKey),
    encryptionKeys: (purpose, label) => serviceKeys.encryptionKeys(keyOfPolicy(purpose, label)),
  };
}

interface Presenting {
  readonly credentials?: readonly PresentedCredential[];
  readonly pending?: { readonly credentials: readonly PresentedCredential[] } | object;
}

/** Whoever could present one would be let in by it: handlers hand on what devices send. */
function refuseOperators({ credentials = [], pending = {} }: Presenting): void {
  const polling = 'credentials' in pending ? pending.credentials : [];
  const isOperator = ({ kind }: PresentedCredential) => kind === 'operator';
  if (credentials.some(isOperator) || polling.some(isOperator)) {
    throw new GatewayError('internal', 'a protocol handler presents no operators');
  }
}

type CaPurpose = Parameters<ProtocolServices['serviceKey']>[0];

const namesByPurpose = { 'scep-ra': 'SCEP RA', cmp: 'CMP', 'cmp-encryption': 'CMP encryption' } as const;
