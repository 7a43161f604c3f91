/** A TLS server on loopback that answers tls-alpn-01 challenges (RFC 8737), and the certificates that it shows. */
import { hash } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createSecureContext, createServer, type SecureContext } from 'node:tls';
import { toPem } from '../../../src/x509/pem.js';
import { makeCertificate, privateKeyOf, subjectAltName, type TestExtension } from '../make-chain.js';

export interface TlsAlpnResponder {
  readonly port: number;
  /** Shows a certificate to whoever asks for the server of that name: PEM, its key in PKCS #8. */
  put(serverName: string, certificate: TlsAlpnCertificate): void;
  /** The names that were asked for so far. */
  serverNames(): readonly string[];
  close(): Promise<void>;
}

export interface TlsAlpnCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
}

interface TlsAlpnOptions {
  readonly host?: string;
  /** `acme-tls/1` by default; none at all if empty. */
  readonly protocols?: readonly string[];
  readonly maxVersion?: 'TLSv1.1' | 'TLSv1.2';
}

/** Names without a certificate of theirs get none, which ends the handshake. */
export async function startTlsAlpnResponder(options: TlsAlpnOptions = {}): Promise<TlsAlpnResponder> {
  const { host = '127.0.0.1', protocols = ['acme-tls/1'], maxVersion } = options;
  const contexts = new Map<string, SecureContext>();
  const serverNames: string[] = [];
  const open = new Set<Socket>();
  const server = createServer({
    ...(protocols.length === 0 ? {} : { ALPNProtocols: [...protocols] }),
    // OpenSSL has versions before 1.2 at this security level only.
    ...(maxVersion ? { maxVersion, minVersion: maxVersion, ciphers: 'DEFAULT@SECLEVEL=0' } : {}),
    SNICallback: (name, done) => {
      serverNames.push(name);
      done(null, contexts.get(name));
    },
  });
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  server.on('secureConnection', (socket) => socket.on('error', () => undefined));
  server.on('tlsClientError', () => undefined);
  server.listen(0, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    put: (serverName, { certificatePem, keyPem }) => {
      contexts.set(serverName, createSecureContext({ cert: certificatePem, key: keyPem }));
    },
    serverNames: () => serverNames,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of open) socket.destroy();
      }),
  };
}

/**
 * A certificate signed by itself, for names as make-chain.ts has them (`dns:example.org`, `ip:7f000001`).
 * @param acmeIdentifier instead of the one for the key authorization; none at all if null
 */
export function makeTlsAlpnCertificate(
  names: readonly string[],
  keyAuthorization: string,
  acmeIdentifier: TestExtension | null = acmeIdentifierFor(keyAuthorization),
): TlsAlpnCertificate {
  const subject = 'CN=tls-alpn-01';
  const extensions = [
    ...(names.length === 0 ? [] : [subjectAltName(...names)]),
    ...(acmeIdentifier === null ? [] : [acmeIdentifier]),
  ];
  return {
    certificatePem: toPem('CERTIFICATE', makeCertificate({ subject, extensions })),
    keyPem: privateKeyOf(subject).export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** RFC 8737 3: an OCTET STRING of the key authorization's digest. */
export function acmeIdentifierFor(keyAuthorization: string, critical = true): TestExtension {
  const digest = hash('sha256', keyAuthorization, 'buffer');
  return { id: '1.3.6.1.5.5.7.1.31', critical, value: Uint8Array.of(4, digest.length, ...digest) };
}
