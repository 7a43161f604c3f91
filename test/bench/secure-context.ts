/** TLS contexts are made beforehand: reading keys and certificates is not what is measured. */
import { createSecureContext, type SecureContext } from 'node:tls';
import type { LoadTarget } from './load-job.js';
import type { ClientIdentity } from './prepared-request.js';

export function createContext({ caPem }: LoadTarget, own?: ClientIdentity): SecureContext {
  return createSecureContext({
    ...(caPem === undefined ? {} : { ca: caPem }),
    ...(own === undefined ? {} : { cert: own.certificatePem, key: own.privateKeyPem }),
  });
}
