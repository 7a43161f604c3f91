/** A client of a gateway's management API over real connections. It holds each answer against the operation's schema. */
import { Agent, request } from 'node:https';
import { expect } from '@jest/globals';
import { createOperations } from '../../src/api/operations.js';
import { toPem } from '../../src/x509/pem.js';
import { type ApiAnswer, sendMessage } from './api-message.js';
import type { TlsIdentity } from './est-client.js';
import type { TestGateway } from './test-gateway.js';

type Headers = Readonly<Record<string, string>>;

export interface ApiClient {
  /** `path` below /api/v1, such as `/devices?limit=10`. */
  get(path: string, headers?: Headers): Promise<ApiAnswer>;
  /** What is no text and no octets goes as JSON; nothing goes as nothing. */
  post(path: string, body?: unknown, headers?: Headers): Promise<ApiAnswer>;
  put(path: string, body?: unknown, headers?: Headers): Promise<ApiAnswer>;
  patch(path: string, body?: unknown, headers?: Headers): Promise<ApiAnswer>;
  delete(path: string, headers?: Headers): Promise<ApiAnswer>;
  /** Any method to any path of the admin listener. */
  send(method: string, path: string, body?: unknown, headers?: Headers): Promise<ApiAnswer>;
  close(): void;
}

interface ApiClientOptions {
  readonly identity?: TlsIdentity;
  /** Gets the ids of the operations that have done what was asked for. */
  readonly done?: Set<string>;
}

/** @param key an API key; that of quickstart.env if there is one, and `''` for none */
export function createApiClient(
  { gateway, environment }: TestGateway,
  key: string = environment.GATEHOUSE_ADMIN_KEY ?? '',
  { identity, done }: ApiClientOptions = {},
): ApiClient {
  const { core, listeners } = gateway;
  const operations = createOperations({ ...core, version: '0.0.0' });
  const isRealTime = Math.abs(core.clock.now().getTime() - Date.now()) < 60_000;
  const agent = new Agent({
    keepAlive: true,
    ca: core.authority
      .generations()
      .filter(({ certificate }) => Buffer.compare(certificate.issuer, certificate.subject) === 0)
      .map(({ certificate }) => toPem('CERTIFICATE', certificate.der)),
    rejectUnauthorized: isRealTime,
    ...(identity && {
      cert: identity.chain.map((der) => toPem('CERTIFICATE', der)).join(''),
      key: identity.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    }),
  });

  async function send(method: string, path: string, body?: unknown, headers: Headers = {}): Promise<ApiAnswer> {
    const where = { host: 'localhost', family: 4, port: listeners.adminPort, path, agent };
    const answer = await sendMessage(request, where, { method, key, headers, body });
    checkAnswer(method, path, answer);
    return answer;
  }

  /** As the documentation has it, or a problem document. */
  function checkAnswer(method: string, path: string, answer: ApiAnswer): void {
    if (answer.status >= 400 && path.startsWith('/api/v1/')) {
      expect(answer.headers['content-type']).toBe('application/problem+json');
      expect(answer.body).toMatchObject({ status: answer.status, instance: `urn:uuid:${answer.requestId}` });
    }
    const [name = ''] = path.replace('/api/v1', '').split('?');
    const candidates = operations.filter((each) => each.method === method.toLowerCase());
    const operation =
      candidates.find((each) => each.path === name) ?? candidates.find((each) => patternOf(each.path).test(name));
    if (operation === undefined || answer.status >= 300) return;
    if (answer.body !== undefined) operation.answer?.parse(answer.body);
    done?.add(operation.id);
  }

  const below = (path: string) => `/api/v1${path}`;
  return {
    get: (path, headers) => send('GET', below(path), undefined, headers),
    post: (path, body, headers) => send('POST', below(path), body, headers),
    put: (path, body, headers) => send('PUT', below(path), body, headers),
    patch: (path, body, headers) => send('PATCH', below(path), body, headers),
    delete: (path, headers) => send('DELETE', below(path), undefined, headers),
    send,
    close: () => agent.destroy(),
  };
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`);
}
