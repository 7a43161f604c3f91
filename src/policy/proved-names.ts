/** Identifiers that were proved over ACME, as names in certificates. */
import type { AcmeIdentifier } from '../model/acme.js';
import { encodeHardwareModule, encodePermanentIdentifier } from '../x509/device-names.js';
import { formatGeneralName, type GeneralName } from '../x509/general-names.js';
import { idOnHardwareModuleName, idOnPermanentIdentifier } from '../x509/oids.js';

interface ProvedNames {
  /** Whether a name in its usual form is one of them. */
  includes(name: GeneralName): boolean;
  /** Whether the text of a common name is the value of one. */
  includesText(text: string): boolean;
  /** Whether a serial number is. Who has the DNS name `sn1` has not shown to be the device of that number. */
  includesSerialNumber(text: string): boolean;
}

export function provedNames(identifiers: readonly AcmeIdentifier[]): ProvedNames {
  const names = new Set(identifiers.map((identifier) => formatGeneralName(nameOf(identifier))));
  return {
    includes: (name) => names.has(formatGeneralName(name)),
    includesText: (text) =>
      identifiers.some(({ type, value }) => value === (type === 'dns' ? text.toLowerCase() : text)),
    includesSerialNumber: (text) =>
      identifiers.some(({ type, value }) => type !== 'dns' && type !== 'ip' && value === text),
  };
}

function nameOf({ type, value }: AcmeIdentifier): GeneralName {
  switch (type) {
    case 'dns':
    case 'ip':
      return { type, value };
    case 'permanent-identifier':
      return { type: 'otherName', typeId: idOnPermanentIdentifier, value: encodePermanentIdentifier({ value }) };
    case 'hardware-module':
      return { type: 'otherName', typeId: idOnHardwareModuleName, value: encodeHardwareModule(value) };
  }
}
