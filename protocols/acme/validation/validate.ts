/** Validation of challenges that are answered over the network (RFC 8555 8, RFC 8737, RFC 8738). */
import { isIP } from 'node:net';
import type { OutboundClient } from '../../../src/outbound/outbound-client.js';
import { AcmeError } from '../problem.js';
import type { Attempt, ValidationTask } from './attempt.js';
import { checkCaa } from './caa.js';
import { validateDns } from './dns-01.js';
import { validateHttp } from './http-01.js';
import { openNames } from './names.js';
import { validateTlsAlpn } from './tls-alpn-01.js';

export type { ValidationTask } from './attempt.js';

/**
 * Makes one attempt.
 * @throws AcmeError `connection`, `dns`, `tls`, `incorrectResponse` or `caa`, whose message says what was seen where, or
 * `rejectedIdentifier` where another attempt could come to nothing else
 */
export type Validate = (task: ValidationTask) => Promise<void>;

interface ValidationLimits {
  /** For everything together. */
  readonly attemptMilliseconds: number;
  /** For one connection with its whole answer. */
  readonly connectionMilliseconds: number;
  /** For the answer of a DNS server, before it or the next one is asked again. */
  readonly queryMilliseconds: number;
}

const usualLimits: ValidationLimits = {
  attemptMilliseconds: 10_000,
  connectionMilliseconds: 5_000,
  queryMilliseconds: 1_500,
};

export function createValidate(outbound: OutboundClient, limits: ValidationLimits = usualLimits): Validate {
  return async (task) => {
    checkSuits(task);
    const { attemptMilliseconds, connectionMilliseconds, queryMilliseconds } = limits;
    const names = openNames(task.settings.resolvers, queryMilliseconds);
    const end = performance.now() + attemptMilliseconds;
    const isOver = () =>
      new AcmeError(
        'connection',
        `the validation of ${task.identifier.value} took longer than ${attemptMilliseconds / 1000} s; see that every server on the way answers at once`,
      );
    const timeLeft = () => {
      const left = end - performance.now();
      if (left <= 0) throw isOver();
      return Math.min(connectionMilliseconds, Math.ceil(left));
    };
    let timer: NodeJS.Timeout | undefined;
    const timeLimit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(isOver()), attemptMilliseconds);
    });
    try {
      await Promise.race([prove({ task, outbound, names, timeLeft }), timeLimit]);
    } finally {
      clearTimeout(timer);
      names.close();
    }
  };
}

const methods: Readonly<Record<ValidationTask['challenge'], (attempt: Attempt) => Promise<void>>> = {
  'http-01': validateHttp,
  'dns-01': validateDns,
  'tls-alpn-01': validateTlsAlpn,
};

/** Whoever offers the challenges knows this too; a proof must not count for more than it proves, though. */
function checkSuits({ challenge, identifier: { type, value }, isWildcard }: ValidationTask): void {
  if (type !== 'dns' && type !== 'ip')
    throw new AcmeError('rejectedIdentifier', `${challenge} proves names and addresses, nothing of type ${type}`);
  if ((type === 'ip') !== (isIP(value) !== 0))
    throw new AcmeError(
      'rejectedIdentifier',
      `${value} is not of type ${type}; name addresses as ip, and hosts as dns`,
    );
  if (type === 'ip' && challenge === 'dns-01')
    throw new AcmeError('rejectedIdentifier', `dns-01 proves names only; use another challenge for ${value}`);
  if (isWildcard && challenge !== 'dns-01')
    throw new AcmeError('rejectedIdentifier', `${challenge} proves one name only; use dns-01 for *.${value}`);
}

async function prove(attempt: Attempt): Promise<void> {
  const { task, names } = attempt;
  await methods[task.challenge](attempt);
  if (task.identifier.type === 'dns' && task.settings.caaIdentities.length > 0) await checkCaa(task, names);
}
