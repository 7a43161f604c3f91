/** OCSPRequest (RFC 6960 4.1, RFC 9654 A.1): what is asked, by whomever. */

import { DerError, DerReader, Tag } from './der.js';
import { readExtensions } from './extensions.js';
import { readGeneralName } from './general-names.js';
import { idPkixOcspNonce } from './oids.js';
import { serialNumberHex } from './serial-number.js';
import { decodeAlgorithm, type HashAlgorithm, hashById } from './signature-algorithms.js';

/** Which certificate (RFC 6960 4.1.1). */
export interface CertId {
  /** DER, as it was sent: an answer repeats it, or its requester would not know it again. */
  readonly der: Uint8Array;
  /** Of the two hashes below; undefined for one that the gateway does not compute. */
  readonly hash: HashAlgorithm | undefined;
  /** Over the DER Name of the issuer. */
  readonly issuerNameHash: Uint8Array;
  /** Over the bits of the issuer's key. */
  readonly issuerKeyHash: Uint8Array;
  /** Lower-case hex. */
  readonly serialNumber: string;
}

export interface OcspRequest {
  /** At least one. */
  readonly certIds: readonly CertId[];
  /** 1 to 128 octets (RFC 9654 2.1). */
  readonly nonce?: Uint8Array;
}

/** The most certificates that one request may ask for. */
export const maximumCertIds = 32;

/**
 * Decodes a request. The requestor's name and the signature prove nothing to a responder that answers everybody: they are passed
 * over (RFC 5019 2.1.2).
 * @throws DerError when malformed, for more certificates than {@link maximumCertIds}, for a nonce of 0 or more than 128 octets, and
 * for critical extensions that are not handled (RFC 6960 4.4)
 */
export function decodeOcspRequest(der: Uint8Array): OcspRequest {
  return DerReader.decode(der, (r) =>
    r.sequence((o) => {
      const request = o.sequence(readTbsRequest);
      o.optional(Tag.context(0), (signature) => signature.element());
      return request;
    }),
  );
}

const maximumNonce = 128;

function readTbsRequest(reader: DerReader): OcspRequest {
  const from = reader.offset;
  // The default, which DER leaves out and some write all the same.
  const version = reader.optional(Tag.context(0), (v) => v.inside(Tag.context(0), (n) => n.smallInteger())) ?? 0;
  if (version !== 0) throw new DerError('unknown version of OCSPRequest', from);
  reader.optional(Tag.context(1), (name) => name.inside(Tag.context(1), readGeneralName));
  const listed = reader.offset;
  const certIds = reader.each(Tag.sequence, (list) => list.sequence(readRequest), maximumCertIds);
  if (certIds.length === 0) throw new DerError('empty requestList', listed);
  const nonce = reader.optional(Tag.context(2), (e) => e.inside(Tag.context(2), readNonce));
  return nonce === undefined ? { certIds } : { certIds, nonce };
}

function readRequest(reader: DerReader): CertId {
  const certId = decodeCertId(reader.element(Tag.sequence));
  reader.optional(Tag.context(0), (extensions) => extensions.inside(Tag.context(0), refuseCritical));
  return certId;
}

function decodeCertId(der: Uint8Array): CertId {
  return DerReader.decode(der, (r) =>
    r.sequence((c) => {
      const from = c.offset;
      const { id, parameters } = decodeAlgorithm(c.element(Tag.sequence));
      const hash = hashById.get(id);
      const hasParameters = parameters !== undefined && !(parameters[0] === Tag.null && parameters.length === 2);
      if (hash !== undefined && hasParameters) throw new DerError('hash with parameters', from);
      return {
        der,
        hash,
        issuerNameHash: c.octetString(),
        issuerKeyHash: c.octetString(),
        serialNumber: serialNumberHex(c.integer()),
      };
    }),
  );
}

/** RFC 6960 4.1.2: what is not understood is passed over unless it is critical. No extension of a single request is handled. */
function refuseCritical(reader: DerReader): void {
  const from = reader.offset;
  const unknown = readExtensions(reader).find(({ critical }) => critical);
  if (unknown !== undefined) throw new DerError(`critical extension ${unknown.id} of a single request`, from);
}

/** Reads the requestExtensions; the nonce is the one that is handled. */
function readNonce(reader: DerReader): Uint8Array | undefined {
  const from = reader.offset;
  const extensions = readExtensions(reader);
  const unknown = extensions.find(({ id, critical }) => critical && id !== idPkixOcspNonce);
  if (unknown !== undefined) throw new DerError(`critical extension ${unknown.id} of the request`, from);
  const nonce = extensions.find(({ id }) => id === idPkixOcspNonce);
  if (nonce === undefined) return undefined;
  const octets = DerReader.decode(nonce.value, (r) => r.octetString());
  if (octets.length === 0 || octets.length > maximumNonce) {
    throw new DerError(`nonce of ${octets.length} octets, not 1 to ${maximumNonce}`, from);
  }
  return octets;
}
