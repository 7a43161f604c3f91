/** The certificate of a CA comes from elsewhere: for the key that waits for it, or of a CA whose key is not here at all. */
import { type Actor, byActor } from '../audit/actor.js';
import { createAuditRecord } from '../audit/audit-record.js';
import { GatewayError } from '../errors.js';
import type { CertificateAuthorityConfig } from '../model/certificate-authority.js';
import type { Statement } from '../store/change.js';
import { fingerprint } from '../x509/certificate.js';
import { type AcceptedCertificate, acceptCertificate, externalStatements } from './accept-certificate.js';
import { recordingRefusals } from './recording-refusals.js';
import { type AuthorityServices, requireConfig } from './services.js';

interface CertificateImport {
  readonly ca: string;
  /** DER, the CA's own one first; what leads from it to its root may follow, in any order. */
  readonly certificates: readonly Uint8Array[];
  readonly actor: Actor;
}

/**
 * Takes a CA's certificate: its first one is in use at once, a later one is staged. That of an external CA, whose key is not here,
 * takes the place of the one before.
 * @returns the id of the generation
 * @throws GatewayError as `acceptCertificate` does; 'not-found'; 'invalid-state' where no key waits for a certificate
 */
export function importCertificate(
  { ca, certificates, actor }: CertificateImport,
  services: AuthorityServices,
): Promise<string> {
  return recordingRefusals({ act: 'import-certificate', subject: ca, actor }, services, async () => {
    const config = requireConfig(ca, services);
    await services.generations.reload();
    const generation =
      config.key === 'external'
        ? await importExternal(config, certificates, actor, services)
        : await answerRequest(config, certificates, actor, services);
    await services.generations.reload();
    if (services.generations.find(generation)?.online) await services.crls.publish(generation, 0);
    return generation;
  });
}

async function answerRequest(
  config: CertificateAuthorityConfig,
  certificates: readonly Uint8Array[],
  actor: Actor,
  services: AuthorityServices,
): Promise<string> {
  const { store, generations } = services;
  const { name: ca } = config;
  const request = await store.caRequests.find({ ca });
  if (request === undefined) {
    throw new GatewayError(
      'invalid-state',
      `no key of CA ${ca} waits for a certificate: make the request first (gatehouse ca request ${ca})`,
    );
  }
  const { number, keyId, publicKey } = request;
  const accepted = await acceptCertificate({ config, certificates, publicKey }, services);
  const id = `${ca}-${number}`;
  const state = generations.findCurrent(ca) === undefined ? 'current' : 'next';
  const record = {
    id,
    ca,
    number,
    state,
    keyId,
    ...accepted.columns,
    createdAt: services.clock.now().getTime(),
  } as const;
  const statements = [store.caRequests.remove({ ca, keyId }), store.caGenerations.insert(record)];
  await commit({ id, ca, accepted, statements, actor }, services);
  return id;
}

async function importExternal(
  config: CertificateAuthorityConfig,
  certificates: readonly Uint8Array[],
  actor: Actor,
  services: AuthorityServices,
): Promise<string> {
  const { store, generations } = services;
  const { name: ca } = config;
  const [own] = certificates;
  const known = generations.all().filter((generation) => generation.ca === ca);
  if (known.some(({ online }) => online)) {
    throw new GatewayError(
      'invalid-state',
      `the key of CA ${ca} is here: import the next key along with its certificate (gatehouse ca import ${ca})`,
    );
  }
  if (own !== undefined && known.some(({ certificate }) => Buffer.compare(certificate.der, own) === 0)) {
    throw new GatewayError('duplicate-request', `this certificate of CA ${ca} is here already`);
  }
  const accepted = await acceptCertificate({ config, certificates }, services);
  const number = (await store.caGenerations.lastNumber({ ca })) + 1;
  const id = `${ca}-${number}`;
  const record = { id, ca, number, ...accepted.columns, createdAt: services.clock.now().getTime() };
  await commit({ id, ca, accepted, statements: externalStatements(record, services), actor }, services);
  return id;
}

interface Certified {
  readonly id: string;
  readonly ca: string;
  readonly accepted: AcceptedCertificate;
  readonly statements: readonly Statement[];
  readonly actor: Actor;
}

async function commit({ id, ca, accepted, statements, actor }: Certified, services: AuthorityServices): Promise<void> {
  const { certificate, parent } = accepted.columns;
  const event = createAuditRecord({
    at: services.clock.now(),
    action: 'ca.certified',
    outcome: 'success',
    subject: id,
    details: { ca, issuer: parent, fingerprint: fingerprint(certificate), above: accepted.above, ...byActor(actor) },
  });
  await services.store.commit({ statements: [...accepted.statements, ...statements], audit: [event] });
}
