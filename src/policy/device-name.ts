/** Under which name the device of a request is, or would be, registered. */
import type { RequestedCertificate } from '../model/requested-certificate.js';
import { DerError } from '../x509/der.js';
import { idCeSubjectAltName } from '../x509/oids.js';
import { type AlternativeName, readAlternativeNames } from './alternative-name.js';
import type { Identity } from './identity.js';
import { hasUnsafeCharacters } from './safe-text.js';
import { readSubject } from './subject-attribute.js';

interface NameSources {
  readonly identity: Identity;
  readonly requested: Pick<RequestedCertificate, 'subject' | 'extensions'>;
}

/**
 * The name that a credential registers; else the identifier that an ACME account has for its device; else serial number or
 * common name of the authenticating certificate; else those of the requested subject, or the first DNS name, IP address or
 * URI asked for. Of an account that has to prove names, those that it has proved come first, as it has proved them. Undefined
 * when none of them is fit for a name. The device of a certificate issued here is known by its id and needs no name found.
 */
export function deviceNameOf({ identity, requested }: NameSources): string | undefined {
  return (
    nameByCredential(identity) ??
    (identity.certificateSubject && nameInSubject(identity.certificateSubject)) ??
    nameByProof(identity, requested) ??
    nameInSubject(requested.subject) ??
    nameInAlternativeNames(requested)
  );
}

/** As much of it as is certain before there is a request. */
export function nameByCredential({ credentials, deviceIdentifier }: Identity): string | undefined {
  for (const { registeredValues } of credentials) {
    if (registeredValues?.device !== undefined) return registeredValues.device;
  }
  return usable(deviceIdentifier);
}

/** 1 to 255 characters, not all of them blank, none that hides or reorders text. */
export function isFitForDeviceName(text: string): boolean {
  return text.trim() !== '' && text.length <= 255 && !hasUnsafeCharacters(text);
}

/** By the common name, or else the first alternative name. The identifiers of devices come before: here are hosts and addresses. */
function nameByProof(
  { provedIdentifiers = [] }: Identity,
  { subject, extensions }: NameSources['requested'],
): string | undefined {
  if (provedIdentifiers.length === 0) return undefined;
  const asked = readable(() => [
    ...readSubject(subject).filter(({ key }) => key === commonName),
    ...namesIn(extensions).filter(({ key }) => naming.has(key)),
  ]);
  for (const { text } of asked ?? []) {
    const proved = provedIdentifiers.find(({ type, value }) => value === (type === 'dns' ? text.toLowerCase() : text));
    if (proved !== undefined) return usable(proved.value);
  }
  return undefined;
}

function nameInSubject(subject: Uint8Array): string | undefined {
  return readable(() => {
    const attributes = readSubject(subject);
    const textOf = (type: string) => attributes.find(({ key, problem }) => key === type && problem === undefined)?.text;
    return usable(textOf(serialNumber)) ?? usable(textOf(commonName));
  });
}

function nameInAlternativeNames({ extensions }: NameSources['requested']): string | undefined {
  return readable(() => usable(namesIn(extensions).find(({ key }) => naming.has(key))?.text));
}

function namesIn(extensions: NameSources['requested']['extensions']): readonly AlternativeName[] {
  const value = extensions.find(({ id }) => id === idCeSubjectAltName)?.value;
  return value === undefined ? [] : readAlternativeNames(value);
}

/** What cannot be read has no name in it; that it is malformed, the decision says. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

function usable(name: string | undefined): string | undefined {
  return name !== undefined && isFitForDeviceName(name) ? name : undefined;
}

const serialNumber = '2.5.4.5';
const commonName = '2.5.4.3';
const naming: ReadonlySet<string> = new Set(['dns', 'ip', 'uri']);
