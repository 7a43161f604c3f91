/** Third-party clients: which are here, and a shell to run them in. */
import { execFile, spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { toPem } from '../../src/x509/pem.js';
import { startTestGateway, type TestGateway } from './test-gateway.js';

/**
 * Runs a suite if its tools are on the PATH; else skips it and prints why.
 * @throws Error instead of skipping where GATEHOUSE_INTEROP=required
 */
export function describeWith(tools: readonly string[], name: string, suite: () => void): void {
  const missing = tools.filter((tool) => !requireTool(tool, name));
  (missing.length === 0 ? describe : describe.skip)(name, suite);
}

/**
 * Whether the tool that a suite needs is on the PATH; prints that the suite is skipped if not.
 * @throws Error where GATEHOUSE_INTEROP=required, unless it is one that no Debian package has
 */
export function requireTool(name: string, suite: string): boolean {
  if (spawnSync('sh', ['-c', `command -v ${name}`]).status === 0) return true;
  if (process.env.GATEHOUSE_INTEROP === 'required' && !unpackaged.has(name)) {
    throw new Error(`${name} is not on the PATH, and GATEHOUSE_INTEROP=required demands its tests`);
  }
  process.stderr.write(`skipped: ${suite} (${name} is not on the PATH)\n`);
  return false;
}

const unpackaged: ReadonlySet<string> = new Set(['estclient', 'zlint']);

/** What a script did. */
export interface ScriptResult {
  readonly status: number;
  readonly output: string;
  readonly errors: string;
}

/** A shell in a temporary folder. */
export interface Shell {
  readonly directory: string;
  /** Runs lines as a person would type them one after the other, and stops at the first that fails. */
  run(...lines: string[]): Promise<ScriptResult>;
  /** Runs lines and returns what they print. @throws Error with what they said when one fails */
  succeed(...lines: string[]): Promise<string>;
  write(name: string, content: Uint8Array | string): void;
  read(name: string): Buffer;
  remove(): void;
}

/**
 * Opens a shell with these variables besides the PATH. Remove it, so that nothing is left behind.
 * @param timeout milliseconds that one run may take
 */
export function openShell(variables: Readonly<Record<string, string>> = {}, timeout = 20_000): Shell {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-interop-'));
  const path = process.env.PATH ?? '';
  const options = { cwd: directory, env: { ...variables, PATH: path, HOME: directory }, timeout };

  // Not the synchronous way: the gateway that the client talks to is in this process.
  function run(...lines: string[]): Promise<ScriptResult> {
    return new Promise((resolve) => {
      execFile('sh', ['-euc', lines.join('\n')], options, (error, output, errors) => {
        const status = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ status, output, errors });
      });
    });
  }

  return {
    directory,
    run,
    async succeed(...lines) {
      const { status, output, errors } = await run(...lines);
      if (status !== 0) throw new Error(`a line failed with ${status}: ${errors}\n${output}\n${lines.join('\n')}`);
      return output;
    },
    write: (name, content) => writeFileSync(join(directory, name), content),
    read: (name) => readFileSync(join(directory, name)),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

export interface GatewayShell extends Shell {
  readonly test: TestGateway;
  close(): Promise<void>;
}

/** A gateway as the quickstart has it, and a shell with its variables, and its device address in `$SERVER`. Close it. */
export async function openGatewayShell(): Promise<GatewayShell> {
  const test = await startTestGateway();
  const { publicName, deviceTlsPort } = test.settings;
  const shell = openShell({ ...test.environment, SERVER: `${publicName}:${deviceTlsPort}` });
  return {
    ...shell,
    test,
    async close() {
      shell.remove();
      await test.close();
    },
  };
}

/** The first certificate in a file, which is one for the key in another. */
export function readCertified(
  shell: Shell,
  files: { readonly certificate: string; readonly key: string },
): X509Certificate {
  const issued = new X509Certificate(shell.read(files.certificate));
  expect(issued.checkPrivateKey(createPrivateKey(shell.read(files.key)))).toBe(true);
  return issued;
}

/** PEM of the root that a CA of the gateway is under. */
export function rootPem({ gateway }: TestGateway, ca: string): string {
  const { authority } = gateway.core;
  const [root = new Uint8Array()] = authority.chain(authority.issuer(ca).id).slice(-1);
  return toPem('CERTIFICATE', root);
}
