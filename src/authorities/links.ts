/** Certificates that foreign CAs have issued for CAs here: over them, who trusts a foreign root alone trusts what is issued here. */
import { type Actor, byActor } from '../audit/actor.js';
import { createAuditRecord } from '../audit/audit-record.js';
import { keyIdentifierOf, type SigningGeneration } from '../ca/generations.js';
import { GatewayError } from '../errors.js';
import type { CertificateAuthorityConfig } from '../model/certificate-authority.js';
import type { CaLinkRecord } from '../store/ca-link-repository.js';
import { type Certificate, fingerprint } from '../x509/certificate.js';
import { decoding } from '../x509/decoding.js';
import { formatName, namesEqual } from '../x509/names.js';
import { validatePath } from '../x509/path-validation.js';
import { toPem } from '../x509/pem.js';
import { createTrustAnchors } from '../x509/trust-anchors.js';
import { depthBelow, pathLengthOf } from './accept-certificate.js';
import { checkAnyCaCertificate, hasIssued, readCertificate } from './check-certificate.js';
import { recordingRefusals } from './recording-refusals.js';
import { type AuthorityServices, requireConfig } from './services.js';

interface Linking {
  readonly ca: string;
  /** DER: the certificate for the CA here first, then its issuer's and those above, in any order. */
  readonly certificates: readonly Uint8Array[];
  readonly actor: Actor;
}

/**
 * Takes a certificate that a foreign CA has issued for the key and subject of a generation of a CA here, with what leads from it to
 * where its users trust.
 * @throws GatewayError as `checkAnyCaCertificate` does; 'not-found'; 'unacceptable-key', 'rejected-name' for what is not of this
 * CA; 'untrusted-signer' where the path is not valid; 'rejected-profile' for one that has no room for the CAs below;
 * 'duplicate-request'; 'invalid-state' where the CA has too many
 */
export function linkAuthority(
  { ca, certificates, actor }: Linking,
  services: AuthorityServices,
): Promise<CaLinkRecord> {
  return recordingRefusals({ act: 'link', subject: ca, actor }, services, async () => {
    const { store, clock, generations } = services;
    const config = requireConfig(ca, services);
    await generations.reload();
    const [own, ...others] = certificates.map(readCertificate);
    if (own === undefined || others.length === 0 || others.length > mostOthers) {
      throw new GatewayError(
        'malformed-request',
        `give the certificate of the CA here, and after it that of its issuer and up to ${mostOthers - 1} above`,
      );
    }
    for (const certificate of [own, ...others]) checkAnyCaCertificate(certificate, clock.now());
    const generation = requireSubject(own, config, generations.all());
    const line = orderLine(own, others);
    await checkLine(line, services);
    checkRoom(line, depthBelow(config, services));
    const link = {
      fingerprint: fingerprint(own.der),
      generation: generation.id,
      chain: line.map(({ der }) => toPem('CERTIFICATE', der)).join(''),
      notAfter: Math.min(...line.map(({ notAfter }) => notAfter.getTime())),
      createdAt: clock.now().getTime(),
    };
    await requireNew(link, services);
    const event = createAuditRecord({
      at: clock.now(),
      action: 'ca.linked',
      outcome: 'success',
      subject: generation.id,
      details: { ca, fingerprint: link.fingerprint, issuer: formatName(own.issuer), ...byActor(actor) },
    });
    await store.commit({ statements: [store.caLinks.insert(link)], audit: [event] });
    return link;
  });
}

interface Unlinking {
  readonly ca: string;
  /** SHA-256 of the certificate, hex. */
  readonly fingerprint: string;
  readonly actor: Actor;
}

/** Takes such a certificate away: it is handed out no more. @throws GatewayError 'not-found' */
export function unlinkAuthority(unlinking: Unlinking, services: AuthorityServices): Promise<void> {
  const { ca, fingerprint: wanted, actor } = unlinking;
  return recordingRefusals({ act: 'unlink', subject: ca, actor }, services, async () => {
    const { store, clock } = services;
    requireConfig(ca, services);
    const found = (await linksOf(ca, services)).find((link) => link.fingerprint === wanted);
    if (found === undefined) {
      throw new GatewayError('not-found', `CA ${ca} has no link with the SHA-256 fingerprint ${wanted}`);
    }
    const event = createAuditRecord({
      at: clock.now(),
      action: 'ca.unlinked',
      outcome: 'success',
      subject: found.generation,
      details: { ca, fingerprint: wanted, ...byActor(actor) },
    });
    await store.commit({ statements: [store.caLinks.remove({ fingerprint: wanted })], audit: [event] });
  });
}

/** Of all generations of a CA, by generation, the oldest first. */
export async function linksOf(
  ca: string,
  { store, authority }: Pick<AuthorityServices, 'store' | 'authority'>,
): Promise<readonly CaLinkRecord[]> {
  const generations = authority.generations().filter((generation) => generation.ca === ca);
  const links = await Promise.all(generations.map(({ id }) => store.caLinks.ofGeneration({ generation: id })));
  return links.flat();
}

const mostOthers = 10;
const mostOfOneCa = 50;

/** The generation that it is for, which must be found by it just as by its own certificate. */
function requireSubject(
  own: Certificate,
  { name }: CertificateAuthorityConfig,
  generations: readonly SigningGeneration[],
): SigningGeneration {
  const generation = generations.find(
    ({ ca, certificate }) =>
      ca === name && Buffer.compare(certificate.subjectPublicKeyInfo, own.subjectPublicKeyInfo) === 0,
  );
  if (generation === undefined)
    throw new GatewayError('unacceptable-key', `the certificate is for no key of CA ${name}`);
  const { certificate } = generation;
  if (!namesEqual(certificate.subject, own.subject)) {
    throw new GatewayError(
      'rejected-name',
      `the certificate is for ${formatName(own.subject) || 'nobody'}, but ${generation.id} is ${formatName(certificate.subject)}`,
    );
  }
  const identifier = decoding('the certificate', () => keyIdentifierOf(own));
  if (Buffer.compare(identifier, keyIdentifierOf(certificate)) !== 0) {
    throw new GatewayError(
      'rejected-profile',
      `the certificate has another subjectKeyIdentifier than ${generation.id}, by which what that has issued names it`,
    );
  }
  const issuer = generations.find((each) => hasIssued(each.certificate, own));
  if (issuer === undefined) return generation;
  throw new GatewayError('duplicate-request', `the certificate was issued by ${issuer.id}, and is handed out already`);
}

/** Each certificate before its issuer's. */
function orderLine(own: Certificate, others: readonly Certificate[]): readonly Certificate[] {
  const line = [own];
  const left = [...others];
  for (let at = own; left.length > 0; ) {
    const index = left.findIndex((other) => hasIssued(other, at));
    const [issuer] = index < 0 ? [] : left.splice(index, 1);
    if (issuer === undefined) {
      throw new GatewayError(
        'untrusted-signer',
        `none of the other certificates is of the CA ${formatName(at.issuer)} that has signed that of ${formatName(at.subject)}`,
      );
    }
    line.push(issuer);
    at = issuer;
  }
  return line;
}

/** As whoever trusts the last one would (RFC 5280 6). */
async function checkLine(line: readonly Certificate[], { clock }: AuthorityServices): Promise<void> {
  const [own, ...above] = line.map(({ der }) => der);
  if (own === undefined) return;
  const result = await validatePath({
    certificate: own,
    intermediates: above,
    trustAnchors: createTrustAnchors(above.slice(-1)),
    at: clock.now(),
  });
  if (result.ok) return;
  throw new GatewayError('untrusted-signer', `the path up to the foreign root is not valid: ${result.message}`);
}

/** RFC 5280 6.1.4 m. */
function checkRoom(line: readonly Certificate[], needed: number): void {
  const room = Math.min(...line.map((certificate, depth) => pathLengthOf(certificate) - depth));
  if (needed <= room) return;
  throw new GatewayError(
    'rejected-profile',
    `its path length, or that of a CA above it, lets ${Math.max(room, 0)} CAs follow below it, but ${needed} are configured to`,
  );
}

async function requireNew(link: CaLinkRecord, services: AuthorityServices): Promise<void> {
  const { store } = services;
  const known = await store.caLinks.find({ fingerprint: link.fingerprint });
  if (known !== undefined)
    throw new GatewayError('duplicate-request', `this certificate of ${known.generation} is here already`);
  if ((await store.caLinks.ofGeneration({ generation: link.generation })).length < mostOfOneCa) return;
  throw new GatewayError(
    'invalid-state',
    `${link.generation} has ${mostOfOneCa} links: remove those that are not needed`,
  );
}
