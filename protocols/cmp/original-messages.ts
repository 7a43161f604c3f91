/** origPKIMessage (RFC 9810 5.1.1.3): what a registration authority shows of the messages that its own is made from. */

import { GatewayError } from '../../src/errors.js';
import { createIdentifier } from '../../src/identifier.js';
import { originOf } from '../../src/protocol.js';
import { decoding } from '../../src/x509/decoding.js';
import { idItOrigPkiMessage } from './asn1/oids.js';
import { decodePkiMessages, type PkiMessage } from './asn1/pki-message.js';
import type { CmpContext } from './context.js';
import { CmpError } from './errors.js';
import { readCredential } from './sender.js';

/** Verifies every original that is signed, and asks whether its sender is known here. @throws CmpError */
export async function checkOriginals(message: PkiMessage, context: CmpContext): Promise<void> {
  const originals = readOriginals(message);
  if (originals === undefined) return;
  if (message.bodyType !== 'nested' && originals.length !== 1) {
    throw new CmpError('badRequest', 'origPKIMessage has one message, unless it is in a nested message');
  }
  for (const original of originals) await checkOriginal(original, context);
}

/** In a nested message the originals are those of the messages inside, in their order. @throws CmpError */
export function requireOriginalsOf(inner: readonly PkiMessage[], nested: PkiMessage): void {
  const originals = readOriginals(nested);
  if (originals === undefined) return;
  const isOrdered =
    originals.length === inner.length && originals.every((original, i) => isOfTransaction(original, inner[i]));
  if (isOrdered) return;
  throw new CmpError('badRequest', 'origPKIMessage has an original for each nested message, in their order');
}

function isOfTransaction({ header }: PkiMessage, other: PkiMessage | undefined): boolean {
  const { transactionId } = header;
  const id = other?.header.transactionId;
  return transactionId !== undefined && id !== undefined && Buffer.compare(transactionId, id) === 0;
}

function readOriginals({ header }: PkiMessage): PkiMessage[] | undefined {
  const info = header.generalInfo.find(({ id }) => id === idItOrigPkiMessage);
  return info && decoding('origPKIMessage', () => decodePkiMessages(info.value ?? new Uint8Array()));
}

async function checkOriginal(message: PkiMessage, { exchange, services, policy }: CmpContext): Promise<void> {
  try {
    const { credential } = readCredential({ message, policy }, () => undefined);
    // Its secret may be one that only the device and the registration authority share.
    if (credential.kind === 'mac') return;
    const requestId = createIdentifier();
    const asked = { ...originOf(exchange), requestId, protocol: 'cmp', operation: 'origPKIMessage' } as const;
    await services.authenticate({ ...asked, credentials: [credential] });
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code === 'unavailable' || error.code === 'internal') throw error;
    throw new CmpError(
      'badMessageCheck',
      `origPKIMessage is not to be relied on: ${error.message}`,
      'invalid-signature',
    );
  }
}
