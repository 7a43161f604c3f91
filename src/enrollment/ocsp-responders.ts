/** The keys that sign OCSP answers: one for each generation of a CA, certified by that generation (RFC 6960 4.2.2.2). */
import { GatewayError } from '../errors.js';
import { ocspOf } from '../model/certificate-authority.js';
import type { OcspResponder } from '../service-key.js';
import { decodeCertificate } from '../x509/certificate.js';
import { subjectKeyIdentifier } from '../x509/public-key.js';
import { signatureAlgorithmFor } from '../x509/signature-algorithms.js';
import { commonName } from './common-name.js';
import type { HeldServiceKey, ServiceKeys } from './service-keys.js';
import type { EnrollmentServices } from './services.js';

/** Anybody may ask, and each time a key would be made: after a failure it is not tried again for so long. */
const pauseMilliseconds = 10_000;

/** @returns what finds the responder of a generation. @throws GatewayError `not-found` for no generation, `unavailable` */
export function createOcspResponders(
  { authority, catalog, clock, log }: Pick<EnrollmentServices, 'authority' | 'catalog' | 'clock' | 'log'>,
  serviceKeys: Pick<ServiceKeys, 'get'>,
): (generation: string) => Promise<OcspResponder> {
  const pausedUntil = new Map<string, number>();

  async function obtain(generation: string, issuingCa: string): Promise<HeldServiceKey> {
    const now = clock.now().getTime();
    const until = pausedUntil.get(generation);
    if (until !== undefined && until > now) throw notToBeHad(until - now);
    try {
      const names = [commonName(`Gatehouse OCSP ${generation}`)];
      const key = await serviceKeys.get({ purpose: 'ocsp', issuingCa, generation, names });
      pausedUntil.delete(generation);
      return key;
    } catch (err) {
      // Those that wait for the same attempt fail together.
      if (pausedUntil.get(generation) === until)
        log.error({ err, generation }, 'the OCSP responder of a CA cannot be had');
      pausedUntil.set(generation, now + pauseMilliseconds);
      throw notToBeHad(pauseMilliseconds);
    }
  }

  return async (generation) => {
    const found = authority.generation(generation);
    if (found === undefined) throw new GatewayError('not-found', 'there is no CA of this name');
    const { certificate, sign, notAfter, algorithm } = await obtain(generation, found.ca);
    const { validity, maximumAge } = ocspOf(catalog().certificateAuthorities.get(found.ca));
    return {
      certificate,
      sign,
      notAfter,
      signatureAlgorithm: signatureAlgorithmFor(algorithm, 'sha256').identifier,
      keyHash: keyHashOf(certificate),
      validity,
      maximumAge,
    };
  };
}

/** By certificate: the same one serves for days. */
const keyHashes = new WeakMap<Uint8Array, Uint8Array>();

function keyHashOf(certificate: Uint8Array): Uint8Array {
  const known = keyHashes.get(certificate);
  if (known !== undefined) return known;
  const keyHash = subjectKeyIdentifier(decodeCertificate(certificate).subjectPublicKeyInfo);
  keyHashes.set(certificate, keyHash);
  return keyHash;
}

function notToBeHad(milliseconds: number): GatewayError {
  return new GatewayError('unavailable', 'the OCSP responder of this CA cannot answer at the moment', {
    retryAfterSeconds: milliseconds / 1000,
  });
}
