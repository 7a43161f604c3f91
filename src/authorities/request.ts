/** A CA that is certified elsewhere: its key is made here, and asks for the certificate (RFC 2986). */
import { type Actor, byActor } from '../audit/actor.js';
import { createAuditRecord } from '../audit/audit-record.js';
import { authorityExtensions } from '../ca/authority-extensions.js';
import { usualHashFor } from '../ca/generations.js';
import { isMadeHere, presentSubject } from '../ca/hierarchy.js';
import { GatewayError } from '../errors.js';
import { keepingKey } from '../keys/ca-keys.js';
import { caKeyPurpose } from '../keys/key-purpose.js';
import type { Signer } from '../keys/signer.js';
import type { CertificateAuthorityConfig } from '../model/certificate-authority.js';
import type { CaRequestRecord } from '../store/ca-request-repository.js';
import { encodeBasicConstraints, encodeExtension, encodeKeyUsage } from '../x509/extensions.js';
import { encodeName } from '../x509/names.js';
import { idCeBasicConstraints, idCeKeyUsage } from '../x509/oids.js';
import { parseName } from '../x509/parse-name.js';
import { encodeCertificationRequest, encodeCertificationRequestInfo } from '../x509/pkcs10.js';
import { signatureAlgorithmFor } from '../x509/signature-algorithms.js';
import { recordingRefusals } from './recording-refusals.js';
import { type AuthorityServices, requireConfig } from './services.js';

/**
 * The request of a CA whose certificate comes from elsewhere: from an external CA, or one whose key is offline. Its key is made
 * at the first time; until it is answered, or dropped, the same request is returned.
 * @returns the request, DER
 * @throws GatewayError 'not-found'; 'invalid-state' for a CA that is certified here, or has a next generation
 */
export function requestCertificate(ca: string, actor: Actor, services: AuthorityServices): Promise<Uint8Array> {
  return recordingRefusals({ act: 'request', subject: ca, actor }, services, async () => {
    const config = requireConfig(ca, services);
    await services.generations.reload();
    requireCertifiedElsewhere(config, services);
    const known = await services.store.caRequests.find({ ca });
    return (known ?? (await makeRequest(config, actor, services))).request;
  });
}

function requireCertifiedElsewhere(config: CertificateAuthorityConfig, { generations }: AuthorityServices): void {
  const { name, key, parent } = config;
  const reason =
    key === 'external'
      ? `the keys of CA ${name} are made elsewhere: import its certificate`
      : parent === undefined
        ? `CA ${name} is a root, which certifies itself: give it a parent if another one is to`
        : generations.findNext(name) !== undefined
          ? `CA ${name} has a next generation already: activate or drop it`
          : isMadeHere(config, generations)
            ? `CA ${parent} certifies CA ${name} here: nobody need be asked`
            : undefined;
  if (reason !== undefined) throw new GatewayError('invalid-state', reason);
}

async function makeRequest(
  config: CertificateAuthorityConfig,
  actor: Actor,
  { store, caKeys, clock, generations }: AuthorityServices,
): Promise<CaRequestRecord> {
  const { name: ca, key, keyStore } = config;
  if (key === 'external') throw new GatewayError('internal', 'a key that is made elsewhere was asked for');
  const at = clock.now();
  const number = (await store.caGenerations.lastNumber({ ca })) + 1;
  const subject = presentSubject(ca, generations) ?? encodeName(parseName(config.subject));
  const id = `${ca}-${number}`;
  const created = await caKeys.store(keyStore).create(key, `${caKeyPurpose}${id}`);
  const { signer, statement } = created;
  const keep = async () => {
    const request = await signRequest(subject, signer, config, generations.address.publicHttpUrl);
    const { keyId, publicKey } = signer;
    const record = { ca, number, keyId, publicKey, request, createdAt: at.getTime() };
    const details = { ca, key, ...(keyStore === undefined ? {} : { keyStore }), ...byActor(actor) };
    const event = createAuditRecord({ at, action: 'ca.requested', outcome: 'success', subject: id, details });
    await store.commit({ statements: [statement, store.caRequests.insert(record)], audit: [event] });
    return true;
  };
  const waiting = () => store.caRequests.find({ ca });
  try {
    await keepingKey(created, keep, async () => (await waiting())?.keyId);
  } catch (error) {
    // Another process was first, with a key of its own.
    if ((await waiting()) === undefined) throw error;
  }
  const request = await waiting();
  if (request !== undefined) return request;
  throw new GatewayError('invalid-state', `the request of CA ${ca} was dropped or answered just now`);
}

async function signRequest(
  subject: Uint8Array,
  signer: Signer,
  config: CertificateAuthorityConfig,
  publicHttpUrl: string,
): Promise<Uint8Array> {
  const { pathLength } = config;
  const constraints = encodeBasicConstraints({ ca: true, ...(pathLength === undefined ? {} : { pathLength }) });
  const usages = encodeKeyUsage(['digitalSignature', 'keyCertSign', 'cRLSign']);
  const info = encodeCertificationRequestInfo({
    subject,
    subjectPublicKeyInfo: signer.publicKey,
    extensions: [
      encodeExtension({ id: idCeBasicConstraints, critical: true, value: constraints }),
      encodeExtension({ id: idCeKeyUsage, critical: true, value: usages }),
      ...authorityExtensions(config, publicHttpUrl),
    ],
  });
  const hash = config.signatureHash ?? usualHashFor(signer.publicKey);
  const { identifier } = signatureAlgorithmFor(signer.algorithm, hash, config.rsaPadding);
  return encodeCertificationRequest(info, identifier, await signer.sign(info, hash, config.rsaPadding));
}
