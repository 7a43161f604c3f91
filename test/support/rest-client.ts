/** A REST client over real connections. */
import { expect } from '@jest/globals';
import { z } from 'zod';
import type { ErrorCode } from '../../src/errors.js';
import { toPem } from '../../src/x509/pem.js';
import { type Answer, createEstClient, type TlsIdentity } from './est-client.js';
import { type CsrOptions, makeCsr } from './make-csr.js';
import { eventOf } from './records.js';
import type { TestGateway } from './test-gateway.js';

interface RestClientOptions {
  readonly label?: string;
  readonly username?: string;
  readonly passcode?: string;
  readonly identity?: TlsIdentity;
}

export interface RestClient {
  /** `path` below the label, such as `/renew`; a body that is no text goes as JSON. */
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** A message to any path of the listener. */
  send(path: string, method: string): Promise<Answer>;
  close(): void;
}

export function createRestClient(test: TestGateway, options: RestClientOptions = {}): RestClient {
  const { label = 'fleet', username, passcode, identity } = options;
  const http = createEstClient(test, {
    headers: {
      ...(passcode === undefined ? {} : { 'x-passcode': passcode }),
      ...(username === undefined ? {} : { 'x-username': username }),
    },
    ...(identity && { identity }),
  });
  const base = `/api/v1/enroll/${label}`;
  return {
    post: (path, body, headers = {}) =>
      http.send(`${base}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        // Octets: with text Node would send the headers in its encoding.
        body: Buffer.from(typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)),
      }),
    get: (path, headers = {}) => http.send(`${base}${path}`, { headers }),
    send: (path, method) => http.send(path, { method }),
    close: http.close,
  };
}

export function csrPem(options: CsrOptions = {}): string {
  return toPem('CERTIFICATE REQUEST', makeCsr(options));
}

const issuedSchema = z.strictObject({
  certificate: z.string(),
  chain: z.array(z.string()),
  serialNumber: z.string(),
  notAfter: z.string(),
  modified: z.array(z.string()),
  privateKey: z.string().optional(),
  pkcs12: z.string().optional(),
});

/** What a 201 has. */
export function issuedOf(answer: Answer): z.output<typeof issuedSchema> {
  if (answer.status !== 201) throw new Error(`no certificate but ${answer.status}: ${answer.text}`);
  expect(answer.headers['content-type']).toBe('application/json');
  expect(answer.headers['cache-control']).toBe('no-store');
  return issuedSchema.parse(JSON.parse(answer.text));
}

const problemSchema = z.strictObject({
  type: z.literal('about:blank'),
  title: z.string().min(1),
  status: z.int(),
  detail: z.string().min(10).max(400),
  instance: z.string(),
  code: z.string(),
  rule: z.string().optional(),
});
export type Problem = z.output<typeof problemSchema>;

/** A problem document (RFC 9457), whose members fit the answer. */
export function problemOf(answer: Answer): Problem {
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(answer.headers['cache-control']).toBe('no-store');
  const problem = problemSchema.parse(JSON.parse(answer.text));
  expect(problem).toMatchObject({ status: answer.status, instance: `urn:uuid:${answer.requestId}` });
  return problem;
}

interface Refusal {
  readonly status: number;
  readonly code: ErrorCode;
  readonly rule?: string;
  /** A part of the sentence. */
  readonly says?: string;
}

/** Expects a problem document, and its audit event. */
export async function expectProblem(
  test: TestGateway,
  answer: Answer,
  { status, code, rule, says = '' }: Refusal,
): Promise<void> {
  const problem = problemOf(answer);
  expect(problem).toMatchObject({ status, code, detail: expect.stringContaining(says), ...(rule && { rule }) });
  expect(await eventOf(test, answer)).toMatchObject({
    action: 'request.refused',
    outcome: 'refused',
    protocol: 'rest',
    code,
  });
}
