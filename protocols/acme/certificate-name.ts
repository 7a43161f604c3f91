/** The name that a certificate has for renewal information (RFC 9773 4.1): key identifier of its authority, and serial number. */
import type { RenewalQuery } from '../../src/enrollment/request.js';
import type { Renewal } from '../../src/enrollment/result.js';
import { GatewayError } from '../../src/errors.js';
import { serialNumberHex } from '../../src/x509/serial-number.js';
import type { AcmeContext, AcmeRequest } from './context.js';
import { AcmeError } from './problem.js';

/** @throws AcmeError `malformed` for what is no such name, and with status 404 where no certificate has it */
export async function findRenewal(
  name: string,
  { label }: Pick<AcmeRequest, 'label'>,
  { services }: Pick<AcmeContext, 'services'>,
): Promise<Renewal> {
  const query = readCertificateName(name);
  try {
    return await services.renewal({ label, ...query });
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'unknown-certificate') throw error;
    throw new AcmeError('malformed', 'no certificate of this policy has this name', { status: 404, code: error.code });
  }
}

function readCertificateName(name: string): Omit<RenewalQuery, 'label'> {
  const [, authority, serial] = form.exec(name) ?? [];
  const authorityKeyIdentifier = decode(authority);
  const serialNumber = decode(serial);
  if (authorityKeyIdentifier === undefined || serialNumber === undefined || !isPositiveInteger(serialNumber)) {
    throw new AcmeError(
      'malformed',
      'a certificate is named by the key identifier of its authority, a period, and its serial number, both as base64url',
    );
  }
  return { authorityKeyIdentifier, serialNumber: serialNumberHex(serialNumber) };
}

/** Undefined for what is not the one text of its octets: a certificate has one name. */
function decode(text: string | undefined): Uint8Array | undefined {
  if (text === undefined) return undefined;
  const octets = Buffer.from(text, 'base64url');
  return octets.toString('base64url') === text ? octets : undefined;
}

/** The contents of a DER INTEGER, in as few octets as it takes (X.690 8.3.2). */
function isPositiveInteger([first = 0x80, second = 0x80]: Uint8Array): boolean {
  return first < 0x80 && (first !== 0 || second >= 0x80);
}

const form = /^([A-Za-z0-9_-]{1,128})\.([A-Za-z0-9_-]{1,64})$/;
