/** A shell for ACME clients on the command line: `$DIRECTORY` and its like tell them of the server. */
import type { X509Certificate } from 'node:crypto';
import { startHookServer } from '../support/acme/hook-server.js';
import type { AcmeServer } from '../support/acme/server.js';
import { openShell, readCertified, type Shell } from '../support/interop.js';
import { startAcmeServer } from './acme-server.js';

export interface AcmeShell extends Shell {
  readonly server: AcmeServer;
  close(): Promise<void>;
}

/** Milliseconds for a test: clients wait for seconds between two looks, and some are slow to start. */
export const clientTimeout = 120_000;

/** `ca.pem` in it is what clients are to trust, `root.pem` what certificates lead to. Close it with its server. */
export async function openAcmeShell(variables: Readonly<Record<string, string>> = {}): Promise<AcmeShell> {
  return await openShellFor(await startAcmeServer(), variables);
}

/** The same for a server that runs already; it is closed with the shell. */
export async function openShellFor(
  server: AcmeServer,
  variables: Readonly<Record<string, string>> = {},
): Promise<AcmeShell> {
  const hooks = await startHookServer(server.challenges);
  const { externalAccount, directory, boundDirectory, httpPort, tlsPort, resolver } = server;
  const settings = {
    DIRECTORY: directory,
    BOUND_DIRECTORY: boundDirectory,
    EAB_KID: externalAccount.keyId,
    EAB_HMAC_KEY: externalAccount.hmacKey,
    HTTP_PORT: String(httpPort),
    TLS_PORT: String(tlsPort),
    RESOLVER: resolver,
    HOOKS: hooks.url,
    HTTPREQ_ENDPOINT: hooks.url,
    ...variables,
  };
  const shell = openShell(settings, clientTimeout);
  shell.write('ca.pem', server.tlsRoots);
  shell.write('root.pem', await server.issuingRoot());
  return {
    ...shell,
    server,
    async close() {
      shell.remove();
      await hooks.close();
      await server.close();
    },
  };
}

/** A line of a hook: a TXT record, in the shell's words. */
export function present(name: string, value: string): string {
  return `curl -sSf -d "{\\"fqdn\\":\\"${name}\\",\\"value\\":\\"${value}\\"}" "$HOOKS/present"`;
}

export function cleanUp(name: string): string {
  return `curl -sSf -d "{\\"fqdn\\":\\"${name}\\",\\"value\\":\\"\\"}" "$HOOKS/cleanup"`;
}

/** A line of a hook: a file for http-01, in the shell's words. */
export function serve(token: string, content: string): string {
  return `curl -sSf -d "{\\"token\\":\\"${token}\\",\\"content\\":\\"${content}\\"}" "$HOOKS/http-01"`;
}

interface Files {
  /** The certificate with its chain. */
  readonly chain: string;
  readonly key: string;
}

/** The certificate, which is one for its key, and whose path leads to the server's root. */
export async function readCertificate(shell: AcmeShell, { chain, key }: Files): Promise<X509Certificate> {
  await shell.succeed(`openssl verify -CAfile root.pem -untrusted ${chain} ${chain}`);
  return readCertified(shell, { certificate: chain, key });
}
