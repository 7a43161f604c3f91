/** GetCert and GetCRL (RFC 8894 section 3.3.4), for those who authenticate with a certificate. */

import { encodeCertsOnly } from '../../src/cms/certs-only.js';
import type { CertificateQuery } from '../../src/enrollment/request.js';
import { originOf } from '../../src/protocol.js';
import { openEnvelope } from './envelope.js';
import { readWantedCertificate } from './message-data.js';
import { presentSigner } from './message-signer.js';
import { chosenChain } from './operations.js';
import { prepareSeal } from './sealing.js';
import { refusingSteadily } from './steady-refusal.js';
import type { Ask, VerifiedRequest } from './verified-request.js';

/** The certificate, with the CA certificates that an enrollment would bring. @throws GatewayError */
export function readGetCert(request: VerifiedRequest): Ask {
  const { exchange, services, policy } = request;
  return readQuestion(request, 'GetCert', async (query) => {
    const certificate = await services.findCertificate(query);
    const chain = policy.scep.chainInReply ? chosenChain(policy, services.caCertificates(exchange.params.label)) : [];
    const others = chain.filter((der) => Buffer.compare(der, certificate) !== 0);
    return encodeCertsOnly([certificate, ...others]);
  });
}

/** The CRL, alone. @throws GatewayError */
export function readGetCrl(request: VerifiedRequest): Ask {
  return readQuestion(request, 'GetCRL', async (query) => encodeCertsOnly([], [await request.services.findCrl(query)]));
}

function readQuestion(
  request: VerifiedRequest,
  operation: string,
  find: (query: CertificateQuery) => Promise<Uint8Array>,
): Ask {
  const { exchange, message, signer } = request;
  const envelope = request.envelope();
  const seal = prepareSeal(signer, envelope, undefined);
  const credentials = [presentSigner(message, signer)];
  return () =>
    refusingSteadily(async () => {
      const wanted = readWantedCertificate(await openEnvelope(envelope));
      const found = await find({ ...originOf(exchange), ...wanted, protocol: 'scep', operation, credentials });
      return { status: 'SUCCESS', envelope: await seal(found) };
    });
}
