/** Contacts of an account (RFC 8555 7.3): mailto URLs (RFC 6068) of one address each. */
import { AcmeError } from './problem.js';

/** @throws AcmeError `unsupportedContact`, `invalidContact` */
export function requireContacts(contacts: readonly string[]): void {
  if (contacts.length > maximumContacts) {
    throw new AcmeError('invalidContact', `an account has ${maximumContacts} contacts at most`);
  }
  for (const contact of contacts) requireContact(contact);
}

const maximumContacts = 10;
// RFC 5321 4.5.3.1.3: a path has 256 octets with its brackets.
const maximumAddressLength = 254;
/** RFC 5321 4.1.2: a Dot-string and a Domain. A quoted string, a comma and a question mark are in neither. */
const plainAddress =
  /^[A-Za-z0-9!#$%&'*+\-/=^_`{|}~]+(?:\.[A-Za-z0-9!#$%&'*+\-/=^_`{|}~]+)*@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

function requireContact(contact: string): void {
  // getssl writes a space behind the colon.
  const [scheme, rest] = /^([a-z][a-z0-9+.-]*): ?(.*)$/is.exec(contact)?.slice(1) ?? [];
  if (scheme === undefined || rest === undefined) {
    throw new AcmeError('invalidContact', 'a contact must be a URL, such as mailto:admin@example.org');
  }
  if (scheme.toLowerCase() !== 'mailto') {
    throw new AcmeError(
      'unsupportedContact',
      'contacts are taken as mailto URLs only, such as mailto:admin@example.org',
    );
  }
  const address = unescaped(rest);
  if (address === undefined || address.length > maximumAddressLength || !plainAddress.test(address)) {
    throw new AcmeError('invalidContact', 'a mailto contact must have one plain address and nothing behind it');
  }
}

/** Undefined for header fields and a second address: a comma or question mark that belongs to an address is escaped. */
function unescaped(address: string): string | undefined {
  if (/[?,]/.test(address)) return undefined;
  try {
    return decodeURIComponent(address);
  } catch {
    return undefined;
  }
}
