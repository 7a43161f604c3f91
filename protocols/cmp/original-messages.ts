/** origPKIMessage (RFC 9810 5.1.1.3): what a registration authority shows of the messages that its own is made from. */

import { GatewayError } from '../../src/errors.js';
import { createIdentifier } from '../../src/identifier.js';
import { originOf } from '../../src/protocol.js';
import { idItOrigPkiMessage } from './asn1/oids.js';
import { decodePkiMessages, type PkiMessage } from './asn1/pki-message.js';
import type { CmpContext } from './context.js';
import { CmpError, decoding } from './errors.js';
import { readCredential } from './sender.js';

/** Verifies every original that is signed, and asks whether its sender is known here. @throws CmpError */
export async function checkOriginals({ header }: PkiMessage, context: CmpContext): Promise<void> {
  const info = header.generalInfo.find(({ id }) => id === idItOrigPkiMessage);
  if (info === undefined) return;
  const originals = decoding('origPKIMessage', () => decodePkiMessages(info.value ?? new Uint8Array()));
  for (const original of originals) await checkOriginal(original, context);
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
