import { describe, expect, it } from '@jest/globals';
import { requireContacts } from '../../../protocols/acme/contacts.js';

describe('contacts of an account (RFC 8555 7.3)', () => {
  it.each([
    'mailto:admin@example.org',
    'MAILTO:first.last+acme@mail.example.org',
    'mailto:a%2Bb@localhost',
    'mailto: admin@example.org',
  ])('may be %s', (contact) => {
    expect(() => requireContacts([contact])).not.toThrow();
  });

  it.each(['tel:+12025551212', 'https://example.org/', 'xmpp:admin@example.org'])(
    'of another scheme are unsupportedContact: %s',
    (contact) => {
      expect(() => requireContacts([contact])).toThrow(expect.objectContaining({ type: 'unsupportedContact' }));
    },
  );

  it.each([
    ['no URL', 'admin@example.org'],
    ['empty', ''],
    ['header fields', 'mailto:admin@example.org?subject=hello'],
    ['escaped header fields', 'mailto:admin@example.org%3Fsubject=hello'],
    ['two addresses', 'mailto:a@example.org,b@example.org'],
    ['two escaped addresses', 'mailto:a@example.org%2Cb@example.org'],
    ['no address', 'mailto:'],
    ['nothing but a space', 'mailto: '],
    ['a space elsewhere', 'mailto:admin@example.org '],
    ['no domain', 'mailto:admin@'],
    ['a line break', 'mailto:admin@example.org%0D%0ABcc:x@example.org'],
    ['a broken escape', 'mailto:admin%4@example.org'],
    ['a display name', 'mailto:Admin <admin@example.org>'],
    ['a quoted local part', 'mailto:%22not%40me%22@example.org'],
    ['a long address', `mailto:${'a'.repeat(250)}@example.org`],
  ])('are invalidContact with %s', (_, contact) => {
    expect(() => requireContacts([contact])).toThrow(expect.objectContaining({ type: 'invalidContact' }));
  });

  it('are ten at most', () => {
    const ten = Array.from({ length: 10 }, (_, i) => `mailto:admin${i}@example.org`);
    expect(() => requireContacts(ten)).not.toThrow();
    expect(() => requireContacts([...ten, 'mailto:admin@example.org'])).toThrow('10 contacts at most');
  });
});
