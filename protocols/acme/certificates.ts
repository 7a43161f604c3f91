/** Certificates with their chains (RFC 8555 7.4.2). */
import { encodeCertsOnly } from '../../src/cms/certs-only.js';
import { preferredType } from '../../src/http/preferred-type.js';
import { decodeCertificate, extension } from '../../src/x509/certificate.js';
import { decodeAuthorityInfoAccess } from '../../src/x509/location-extensions.js';
import { namesEqual } from '../../src/x509/names.js';
import { idPeAuthorityInfoAccess } from '../../src/x509/oids.js';
import { toPem } from '../../src/x509/pem.js';
import { type Answer, link } from './answer.js';
import type { AccountRequest, AcmeContext } from './context.js';
import { findOrderRecord } from './find-order.js';
import { notFound, recorded } from './recorded.js';

export const certificate = recorded(
  'certificate',
  async (request: AccountRequest, context: AcmeContext): Promise<Answer> => {
    const { exchange, urls } = request;
    const record = await findOrderRecord(request, context);
    if (record.certificate === null) throw notFound('certificate');
    const der = Uint8Array.from(record.certificate);
    const chains = [await context.services.issuersOf(der), ...(await context.services.alternateIssuersOf(der))];
    const number = chainNumber(exchange.params.chain);
    const chain = chains[number];
    if (chain === undefined) throw notFound('certificate');
    const type = preferredType(exchange.headers.accept, [pemChain, pkixCert, pkcs7]) ?? pemChain;
    const others = chains.flatMap((_, i) => (i === number ? [] : [link(urls.certificate(record.id, i), 'alternate')]));
    return {
      status: 200,
      content: { type, body: encoders[type](der, withoutRoot(chain)) },
      links: [...others, ...(type === pkixCert ? issuerLinks(der) : [])],
    };
  },
);

const pemChain = 'application/pem-certificate-chain';
const pkixCert = 'application/pkix-cert';
const pkcs7 = 'application/pkcs7-mime';

type Encoder = (certificate: Uint8Array, chain: readonly Uint8Array[]) => string | Uint8Array;

const encoders: Readonly<Record<typeof pemChain | typeof pkixCert | typeof pkcs7, Encoder>> = {
  [pemChain]: (certificate, chain) => [certificate, ...chain].map((der) => toPem('CERTIFICATE', der)).join(''),
  [pkixCert]: (certificate) => certificate,
  [pkcs7]: (certificate, chain) => encodeCertsOnly([certificate, ...chain]),
};

/** Undefined is the usual chain; what is no number names none. */
function chainNumber(text: string | undefined): number {
  if (text === undefined) return 0;
  return /^[1-9][0-9]{0,3}$/.test(text) ? Number(text) : Number.NaN;
}

/** Whoever verifies has the root already. Alone it stays: clients expect an issuer to be among what they download. */
function withoutRoot(chain: readonly Uint8Array[]): readonly Uint8Array[] {
  const root = chain.at(-1);
  if (root === undefined || chain.length === 1) return chain;
  const { subject, issuer } = decodeCertificate(root);
  return namesEqual(subject, issuer) ? chain.slice(0, -1) : chain;
}

/**
 * Where the issuer's certificate is, for the form that has room for one only. Elsewhere it would do harm: Apache's mod_md follows
 * every such link by a POST, and fails.
 */
function issuerLinks(der: Uint8Array): string[] {
  const access = extension(decodeCertificate(der), idPeAuthorityInfoAccess);
  return access === undefined ? [] : decodeAuthorityInfoAccess(access).caIssuers.map((url) => link(url, 'up'));
}
