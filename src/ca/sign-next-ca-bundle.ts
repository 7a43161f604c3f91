/** Signs next-CA bundles: the only place where a CA's key meets a CMS message. */
import { encodeCertsOnly } from '../cms/certs-only.js';
import { encodeContentInfo } from '../cms/content-info.js';
import { encodeSignedData } from '../cms/encode-signed-data.js';
import { idData, idSignedData } from '../cms/oids.js';
import { GatewayError } from '../errors.js';
import type { SignatureHash } from '../keys/signer.js';
import type { CaGeneration, SigningGeneration } from './generations.js';

export interface NextCaBundle {
  /** The generation that signs: clients trust it already. */
  readonly current: SigningGeneration;
  readonly hash: SignatureHash;
  /** The generation that it vouches for. */
  readonly next: CaGeneration;
  /** DER certificates of the next generation, its own first. */
  readonly chain: readonly Uint8Array[];
  readonly signingTime: Date;
}

/**
 * Signs the certificates of a CA's next generation with the key of its current one; returns a ContentInfo, DER (RFC 8894
 * 4.7.1).
 * @throws GatewayError 'internal' for what is not the next generation of the same CA; of the key
 */
export async function signNextCaBundle(bundle: NextCaBundle): Promise<Uint8Array> {
  const { current, next, hash, chain, signingTime } = bundle;
  const { algorithm } = current.signer;
  if (next.ca !== current.ca || next.state !== 'next' || chain[0] !== next.certificate.der) {
    throw refused(`${current.id} was asked to announce ${next.id}, which is not what comes after it`);
  }
  if (algorithm === 'ed448') throw refused('the keys of CAs are never Ed448');
  const signedData = await encodeSignedData({
    // RFC 8894 does not name the content's type, and servers differ. Clients made from PKCS #7 code, such as sscep, can
    // read octets only where they are id-data.
    contentType: idData,
    content: encodeCertsOnly(chain),
    signatures: [
      {
        signer: {
          certificate: current.certificate.der,
          algorithm,
          sign: (data, digest) => current.signer.sign(data, digest),
        },
        digest: hash,
      },
    ],
    // Who verifies the signature may look for the signer's certificate here, though it is no news.
    certificates: [current.certificate.der],
    signingTime,
  });
  return encodeContentInfo(idSignedData, signedData);
}

function refused(reason: string): GatewayError {
  return new GatewayError('internal', 'the next CA certificates could not be announced', { cause: new Error(reason) });
}
