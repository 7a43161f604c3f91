/** Names of devices and of their security modules: otherNames of RFC 4043 and RFC 4108. */
import { octetString, oid, sequence, utf8String } from './der-writer.js';
import type { GeneralName } from './general-names.js';
import { idOnHardwareModuleName, idOnPermanentIdentifier } from './oids.js';

/** PermanentIdentifier (RFC 4043) without an assigner. */
export function permanentIdentifier(value: string): GeneralName {
  return { type: 'otherName', typeId: idOnPermanentIdentifier, value: sequence(utf8String(value)) };
}

/**
 * HardwareModuleName (RFC 4108 5).
 * @param hardwareType dotted OID
 */
export function hardwareModuleName(hardwareType: string, serialNumber: Uint8Array): GeneralName {
  const value = sequence(oid(hardwareType), octetString(serialNumber));
  return { type: 'otherName', typeId: idOnHardwareModuleName, value };
}
