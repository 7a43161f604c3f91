/** What the gateway does for its protocols, put together from the enrollment flow, the CA and the catalog. */
import { hash } from 'node:crypto';
import type { ResolvedPolicy } from '../catalog/catalog.js';
import { GatewayError } from '../errors.js';
import type { PolicyView, ProtocolServices, WantedName } from '../protocol.js';
import { authenticateMessage } from './authenticate-message.js';
import { confirmCertificate } from './confirm.js';
import { findCurrentCrl } from './current-crl.js';
import { enroll } from './enroll.js';
import { findCertificate, findCrl } from './find-certificate.js';
import { poll } from './poll.js';
import { recordRefusedMessage } from './record.js';
import { revokeByMessage } from './revoke-by-message.js';
import { findRootUpdate } from './root-update.js';
import type { ServiceKeys } from './service-keys.js';
import type { EnrollmentServices } from './services.js';
import { findTarget } from './target.js';
import { withdraw } from './withdraw.js';

export function createProtocolServices(services: EnrollmentServices, serviceKeys: ServiceKeys): ProtocolServices {
  const { authority, catalog, clock, store } = services;
  const resolve = (label: string | undefined) => findTarget(catalog(), label).resolved;
  const serviceKeyOf = (purpose: SigningPurpose, label: string | undefined) => ({
    purpose,
    issuingCa: resolve(label).policy.issuingCa,
    names: [`Gatehouse ${purpose}`],
  });
  return {
    clock,
    database: store.database,
    commit: (statements) => store.commit({ statements, audit: [] }),
    enroll: (request) => enroll(request, services),
    poll: (request) => poll(request, services),
    authenticate: (request) => authenticateMessage(request, services),
    confirm: (request) => confirmCertificate(request, services),
    revoke: (message) => revokeByMessage(message, services),
    recordRefusal: (refused) => recordRefusedMessage(refused, services),
    withdraw: (withdrawal) => withdraw(withdrawal, services),
    policy: (label) => describePolicy(resolve(label)),
    caCertificates: (label) => authority.chain(authority.issuer(resolve(label).policy.issuingCa).id),
    nextCaBundle: (label) => authority.nextCaBundle(resolve(label).policy.issuingCa),
    findCertificate: (query) => findCertificate(query, services),
    findCrl: (query) => findCrl(query, services),
    currentCrl: (label, source) => findCurrentCrl(label, source, services),
    rootUpdate: (label, root) => findRootUpdate(label, root, services),
    caCertificate: (generation) => {
      const found = authority.generation(generation);
      if (found === undefined) throw new GatewayError('not-found', 'there is no CA of this name');
      return found.certificate.der;
    },
    crl: async (generation, partition) => {
      const record = await store.crls.find({ issuerId: generation, partition });
      if (record === undefined) throw new GatewayError('not-found', 'there is no such CRL');
      return { der: record.der, nextUpdate: new Date(record.nextUpdate) };
    },
    serviceKey: (purpose, label) => serviceKeys.get(serviceKeyOf(purpose, label)),
    messageKey: (purpose, label) => serviceKeys.messageKey(serviceKeyOf(purpose, label)),
    agree: (purpose, label, publicKey) => serviceKeys.agree(serviceKeyOf(purpose, label), publicKey),
    encryptionKeys: (purpose, label) => {
      const { name, issuingCa } = resolve(label).policy;
      return serviceKeys.encryptionKeys({
        purpose,
        issuingCa,
        names: [commonName(`${encryptionNames[purpose]} ${name}`)],
      });
    },
  };
}

type SigningPurpose = Parameters<ProtocolServices['serviceKey' | 'messageKey']>[0];

const encryptionNames = { 'scep-ra': 'SCEP RA', 'cmp-encryption': 'CMP encryption' } as const;

/** Within 64 characters (RFC 5280 appendix A.1: ub-common-name), and still each policy's own. */
function commonName(text: string): string {
  return text.length <= 64 ? text : `${text.slice(0, 47)} ${hash('sha256', text, 'hex').slice(0, 16)}`;
}

/** What clients of a policy are told: of the profile that they get once they have an identity of their own. */
function describePolicy({ policy, authentication, profiles }: ResolvedPolicy): PolicyView {
  const compiled = profiles.get('operational') ?? profiles.get('intermediate') ?? profiles.get('bootstrap');
  if (compiled === undefined) throw new GatewayError('internal', `policy ${policy.name} has no profile`);
  const { profile, template } = compiled;
  return {
    name: policy.name,
    methods: policy.methods.filter((method) => authentication.policy.methods.includes(method)),
    scep: policy.scep,
    est: policy.est,
    cmp: policy.cmp,
    acceptsPasswords: authentication.hasPasscodes,
    keys: template.keys,
    requestHashes: template.requestHashes,
    subject: profile.subject.filter(isForRequest).map((rule) => wanted(rule.attribute, rule)),
    subjectAltNames: profile.subjectAltNames.filter(isForRequest).map((rule) => wanted(rule.type, rule)),
    extensions: profile.extensions
      .filter(({ source }) => source === 'request')
      .map(({ id, required }) => ({ id, required })),
    keyUsages: profile.keyUsages,
    extendedKeyUsages: profile.extendedKeyUsages,
    changeSubjectName: policy.changeSubjectName,
  };
}

interface NameRule {
  readonly source: 'fixed' | 'request' | 'device' | 'credential';
  readonly required: boolean;
  readonly value?: string | undefined;
}

/** What the gateway takes from its own records need not be in a request. */
function isForRequest({ source }: NameRule): boolean {
  return source === 'request' || source === 'fixed';
}

function wanted(name: string, { source, required, value }: NameRule): WantedName {
  return { name, required, ...(source === 'fixed' && value !== undefined ? { value } : {}) };
}
