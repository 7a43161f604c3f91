/** The gateway's end of the process that drives a PKCS#11 library: started when it is needed, and anew when it is lost. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type TokenAddress, TokenError, type TokenOperation, type TokenReply, type TokenResult } from './messages.js';

export interface Pkcs11Connection {
  /**
   * Tried again once with a new process where sessions, token or process were lost; not for `create`, which might then be
   * done twice. @throws TokenError
   */
  call(token: TokenAddress, operation: TokenOperation): Promise<TokenResult>;
  close(): Promise<void>;
}

/** @param threads how many operations the library is to do at once */
export function createPkcs11Connection(modulePath: string, threads: number): Pkcs11Connection {
  let current: Driver | undefined;
  let isClosed = false;

  function driver(): Driver {
    if (isClosed) throw new TokenError('away', 'the gateway stops');
    if (current === undefined || current.isGone()) current = startDriver(modulePath, threads);
    return current;
  }

  async function attempt(token: TokenAddress, operation: TokenOperation): Promise<TokenResult> {
    const used = driver();
    try {
      return await used.call(token, operation);
    } catch (error) {
      // Handles and logins of this process are of no use any more, whoever of its callers finds that out first.
      if (isAway(error)) used.end();
      throw error;
    }
  }

  return {
    async call(token, operation) {
      try {
        return await attempt(token, operation);
      } catch (error) {
        if (!isAway(error) || error instanceof TimeoutError || operation.kind === 'create') throw error;
        return await attempt(token, operation);
      }
    },
    async close() {
      isClosed = true;
      current?.end();
    },
  };
}

interface Driver {
  call(token: TokenAddress, operation: TokenOperation): Promise<TokenResult>;
  isGone(): boolean;
  end(): void;
}

interface Pending {
  resolve(result: TokenResult): void;
  reject(error: TokenError): void;
}

/** Too late: trying again would take as long. */
class TimeoutError extends TokenError {}

const mostPending = 1_000;
const usualMilliseconds = 15_000;
/** RSA-4096 in a smart card takes its time. */
const creationMilliseconds = 180_000;

function startDriver(modulePath: string, threads: number): Driver {
  const pending = new Map<number, Pending>();
  let number = 0;
  let isGone = false;
  const child = fork(fileURLToPath(new URL('./process.js', import.meta.url)), [modulePath], {
    serialization: 'advanced',
    execArgv: [],
    // Operations block a thread each; two more, so that files can be read meanwhile.
    env: { ...process.env, UV_THREADPOOL_SIZE: String(threads + 2) },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  child.on('message', (reply) => {
    if (isReply(reply)) settle(reply, pending);
  });
  const lost = (reason: string) => {
    isGone = true;
    for (const { reject } of pending.values()) reject(new TokenError('away', reason));
    pending.clear();
  };
  child.on('error', () => lost('the process for the PKCS#11 library does not start'));
  child.on('exit', (code, signal) => lost(`the process for the PKCS#11 library ended (${signal ?? `status ${code}`})`));

  function end(): void {
    isGone = true;
    kill(child);
  }

  return {
    isGone: () => isGone,
    end,
    call: (token, operation) =>
      new Promise((resolve, reject) => {
        if (isGone) return reject(new TokenError('away', 'the process for the PKCS#11 library has ended'));
        if (pending.size >= mostPending)
          return reject(new TokenError('fault', 'too many operations wait for the token'));
        const mine = ++number;
        const limit = operation.kind === 'create' ? creationMilliseconds : usualMilliseconds;
        const timer = setTimeout(() => {
          pending.delete(mine);
          reject(new TimeoutError('away', `the token did not answer within ${limit / 1000} seconds`));
          end();
        }, limit);
        const settled = () => clearTimeout(timer);
        pending.set(mine, {
          resolve: (result) => {
            settled();
            resolve(result);
          },
          reject: (error) => {
            settled();
            reject(error);
          },
        });
        child.send({ number: mine, token, operation }, (error) => {
          if (error !== null) lost('the process for the PKCS#11 library cannot be reached');
        });
      }),
  };
}

function settle({ number, result, failure }: TokenReply, pending: Map<number, Pending>): void {
  const waiting = pending.get(number);
  pending.delete(number);
  if (failure !== undefined) waiting?.reject(new TokenError(failure.kind, failure.message, failure.refusedPin));
  else waiting?.resolve(result ?? {});
}

/** It cannot be asked to end: a call into the library may hang. */
function kill(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
}

function isReply(message: unknown): message is TokenReply {
  return typeof message === 'object' && message !== null && 'number' in message;
}

function isAway(error: unknown): boolean {
  return error instanceof TokenError && error.kind === 'away';
}
