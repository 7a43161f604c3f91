/** dns-01 (RFC 8555 8.4). */
import { hash } from 'node:crypto';
import { AcmeError } from '../problem.js';
import type { Attempt } from './attempt.js';

export async function validateDns({ task, names }: Attempt): Promise<void> {
  const name = `_acme-challenge.${task.identifier.value}`;
  if (name.length > maximumNameLength)
    throw new AcmeError('dns', `${name} is longer than a name can be; use another challenge`);
  const texts = await names.texts(name);
  const expected = hash('sha256', task.keyAuthorization, 'base64url');
  if (texts.includes(expected)) return;
  if (texts.length === 0)
    throw new AcmeError(
      'dns',
      `there is no TXT record at ${name}; add it, and wait until all its name servers have it`,
    );
  const count = texts.length === 1 ? 'the TXT record' : `none of the ${texts.length} TXT records`;
  const not = texts.length === 1 ? 'is not' : 'is';
  throw new AcmeError(
    'incorrectResponse',
    `${count} at ${name} ${not} the digest of the key authorization; add the one for this challenge`,
  );
}

/** RFC 1035 2.3.4: 255 octets, of which two are no characters of the text. */
const maximumNameLength = 253;
