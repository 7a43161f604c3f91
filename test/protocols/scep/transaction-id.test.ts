import { describe, expect, it } from '@jest/globals';
import { transactionId } from '../../../protocols/scep/transaction-id.js';
import { printableString } from '../../../src/x509/der-writer.js';
import { decodeCertificationRequest } from '../../../src/x509/pkcs10.js';
import { type CsrOptions, makeCsr } from '../../support/make-csr.js';

const id = printableString('1');
const csr = (options: CsrOptions = {}) => decodeCertificationRequest(makeCsr(options));

describe('a repeat of a SCEP request', () => {
  const first = transactionId(id, csr({ challengePassword: 'a' }), 'key', undefined);

  it('has the same transactionID, key, names and requester, whatever its signature and challenge', () => {
    expect(transactionId(id, csr({ challengePassword: 'b' }), 'key', undefined)).toBe(first);
  });

  it.each([
    ['transactionID', transactionId(printableString('2'), csr(), 'key', undefined)],
    ['key', transactionId(id, csr(), 'other', undefined)],
    ['requester', transactionId(id, csr(), 'key', 'certificate')],
    ['subject', transactionId(id, csr({ subject: 'CN=device-2' }), 'key', undefined)],
    [
      'subjectAltName',
      transactionId(id, csr({ alternatives: [{ type: 'dns', value: 'device-1' }] }), 'key', undefined),
    ],
  ])('is none with another %s', (_, other) => {
    expect(other).not.toBe(first);
  });
});
