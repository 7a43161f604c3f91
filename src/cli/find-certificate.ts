/** Finds the certificate that a command is about. */
import type { EnrollmentServices } from '../enrollment/services.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import { CommandLineError } from './command-line-error.js';

/**
 * Serial numbers as people have them: with colons, blanks, capitals and leading zeros, as tools print them; or the id that
 * commands and the management API print, which says the issuer as well.
 * @throws CommandLineError
 */
export async function findOne(
  text: string,
  issuer: string | undefined,
  { store }: EnrollmentServices,
): Promise<CertificateRecord> {
  const [, generation = issuer, digits = text] = /^([A-Za-z0-9][\w.-]*-\d+):([0-9A-Fa-f]+)$/.exec(text) ?? [];
  const serialNumber = digits.replace(/[\s:]/g, '').replace(/^0x/i, '').toLowerCase();
  if (!/^[0-9a-f]+$/.test(serialNumber))
    throw new CommandLineError(
      `${text} is not a serial number in hex; gatehouse certificate list shows those of all certificates`,
    );
  const spellings = new Set([
    serialNumber,
    serialNumber.length % 2 === 1 ? `0${serialNumber}` : serialNumber.replace(/^00/, ''),
  ]);
  const found = (
    await Promise.all([...spellings].map((spelling) => store.certificates.findBySerial({ serialNumber: spelling })))
  ).flat();
  const isWanted = ({ issuerId }: CertificateRecord) =>
    [issuer, generation].every((id) => id === undefined || id === issuerId);
  const matching = found.filter(isWanted);
  const [record, other] = matching;
  if (record === undefined)
    throw new CommandLineError(
      `no certificate with the serial number ${serialNumber} is on record${generation === undefined ? '' : ` for ${generation}`}; gatehouse certificate list shows those that are`,
    );
  if (other !== undefined)
    throw new CommandLineError(
      `several CAs have issued this serial number; add --issuer with one of ${matching.map(({ issuerId }) => issuerId).join(', ')}`,
    );
  return record;
}
