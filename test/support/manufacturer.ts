/** A manufacturer's CA outside of the gateway, and the certificates that its devices were born with; also bad ones. */
import type { TlsIdentity } from './est-client.js';
import { ca, extendedKeyUsage, keyUsage, makeCertificate, privateKeyOf, type TestCertificate } from './make-chain.js';

const clientAuth = '1.3.6.1.5.5.7.3.2';

export interface Manufacturer {
  /** DER. */
  readonly certificate: Uint8Array;
  /** A device's certificate, with a key of its own, and its issuer's. Subjects as in make-chain.ts. */
  device(subject: string, changes?: Partial<TestCertificate>): TlsIdentity;
}

export function createManufacturer(name: string): Manufacturer {
  const subject = `O=${name},CN=${name} CA`;
  const certificate = makeCertificate({ ...ca(subject), key: name });
  return {
    certificate,
    device(deviceSubject, changes = {}) {
      const key = `${name} ${deviceSubject}`;
      const extensions = [keyUsage('digitalSignature'), extendedKeyUsage(clientAuth)];
      const own = makeCertificate({
        subject: deviceSubject,
        issuer: subject,
        signer: name,
        key,
        extensions,
        ...changes,
      });
      return { chain: [own, certificate], privateKey: privateKeyOf(changes.key ?? key) };
    },
  };
}
