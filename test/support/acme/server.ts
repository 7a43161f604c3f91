/** What the drivers of ACME clients need to know of a server, whichever it is, and of how it looks at names. */
import type { X509Certificate } from 'node:crypto';
import type { ExternalAccount } from './client.js';
import { type Responders, txtRecord } from './flow.js';

/**
 * An ACME server, and a DNS server that it asks. Of the names that are told to the DNS server, those of devices are at
 * {@link deviceAddress}, where a client answers challenges itself, those of hosts at {@link hostAddress}, where the test does.
 */
export interface AcmeServer {
  /** URL: the identifiers are to be proved. */
  readonly directory: string;
  /** URL: an account needs an external account. */
  readonly boundDirectory: string;
  readonly externalAccount: ExternalAccount;
  /** PEM: who vouches for the server's own certificate. */
  readonly tlsRoots: string;
  /** Ports of http-01 and tls-alpn-01. */
  readonly httpPort: number;
  readonly tlsPort: number;
  /** Address and port of the DNS server. */
  readonly resolver: string;
  readonly challenges: ChallengeAnswers;
  /** PEM of the root of what it issues. */
  issuingRoot(): Promise<string>;
  isRevoked(certificate: X509Certificate): Promise<boolean>;
  close(): Promise<void>;
}

/** What the test answers to the server's validation. */
export interface ChallengeAnswers {
  setAddress(name: string, address: string): Promise<void>;
  /** A further TXT record of a name. */
  addText(name: string, value: string): Promise<void>;
  /** All of a name. */
  removeTexts(name: string): Promise<void>;
  /** http-01 at {@link hostAddress} */
  serveFile(token: string, content: string): Promise<void>;
  /** tls-alpn-01 at {@link hostAddress} */
  serveCertificate(identifier: string, keyAuthorization: string): Promise<void>;
}

export const deviceAddress = '127.0.0.1';
export const hostAddress = '127.0.0.2';

/** Tells the DNS server where names are: at {@link deviceAddress} or at {@link hostAddress}. */
export async function placeNames(server: AcmeServer, address: string, names: readonly string[]): Promise<void> {
  for (const name of names) await server.challenges.setAddress(name, address);
}

/** The test itself answers to challenges of its own client. */
export function respondersOf({ challenges }: AcmeServer): Required<Pick<Responders, 'http-01'>> & Responders {
  return {
    'http-01': ({ token, keyAuthorization }) => challenges.serveFile(token, keyAuthorization),
    'dns-01': (proof) => {
      const { name, value } = txtRecord(proof);
      return challenges.addText(name, value);
    },
    'tls-alpn-01': ({ identifier, keyAuthorization }) =>
      challenges.serveCertificate(identifier.value, keyAuthorization),
  };
}
