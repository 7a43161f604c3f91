/** People's passwords: kept as scrypt (RFC 7914) with its parameters, and never compared in a time that tells something. */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { z } from 'zod';
import { GatewayError } from '../errors.js';

/** A colon or blank may be in it; control characters cannot be sent (RFC 7617 2). */
export const passwordSchema = z
  .string()
  .min(12, 'a password has at least 12 characters')
  .max(255, 'a password has at most 255 characters')
  .regex(/^\P{Cc}*$/u, 'a password is without control characters');

/** The record to keep. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  return formatRecord(present, salt, await derive(password, salt, present));
}

/** Whether a password is the one of a record. Without a record the answer is no, after the same work. */
export async function isPassword(password: string, record: string | null): Promise<boolean> {
  const { cost, salt, hash } = readRecord(record ?? nobodys);
  const derived = await derive(password, salt, cost);
  return timingSafeEqual(derived, hash) && record !== null;
}

interface Cost {
  /** N = 2^this. */
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MiB, and some 200 ms of CPU: OWASP's recommendation with the least memory but one. */
const present: Cost = { logN: 15, r: 8, p: 3 };
const hashLength = 32;
const nobodys = formatRecord(present, Buffer.alloc(16), Buffer.alloc(hashLength));

function formatRecord({ logN, r, p }: Cost, salt: Uint8Array, hash: Uint8Array): string {
  return ['scrypt', logN, r, p, Buffer.from(salt).toString('base64url'), Buffer.from(hash).toString('base64url')].join(
    '$',
  );
}

function readRecord(record: string): { readonly cost: Cost; readonly salt: Buffer; readonly hash: Buffer } {
  const [, logN, r, p, salt = '', hash = ''] = /^scrypt\$(\d+)\$(\d+)\$(\d+)\$([\w-]+)\$([\w-]+)$/.exec(record) ?? [];
  if (hash === '') throw new GatewayError('internal', 'a password on record cannot be read');
  return {
    cost: { logN: Number(logN), r: Number(r), p: Number(p) },
    salt: Buffer.from(salt, 'base64url'),
    hash: Buffer.from(hash, 'base64url'),
  };
}

const scryptAsync = promisify<string, Uint8Array, number, object, Buffer>(scrypt);

/** Two keyboards may write the same letter differently. */
function derive(password: string, salt: Uint8Array, { logN, r, p }: Cost): Promise<Buffer> {
  const options = { N: 2 ** logN, r, p, maxmem: 128 * 2 ** logN * r * 2 };
  return inTurn(() => scryptAsync(password.normalize('NFC'), salt, hashLength, options));
}

/** Signatures need the thread pool as well, which has four. */
const maximumRunning = 2;
const maximumWaiting = 32;
let running = 0;
const waiting: (() => void)[] = [];

/** @throws GatewayError `unavailable` when too many wait */
async function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
  if (running < maximumRunning) running++;
  else if (waiting.length < maximumWaiting) await new Promise<void>((resolve) => waiting.push(resolve));
  else {
    throw new GatewayError('unavailable', 'too many passwords are being checked; try again', { retryAfterSeconds: 5 });
  }
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    // The place goes over to who waits.
    if (next) next();
    else running--;
  }
}
