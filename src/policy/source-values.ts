/** The values that a rule takes from the device or from what authenticated the request. */
import type { NamesMatter } from './draft.js';
import type { ValueSource } from './name-rule.js';
import type { CredentialField, DeviceField } from './source-field.js';
import { readSubject } from './subject-attribute.js';

/**
 * The values of a source that is not the request; none when it does not know.
 * Not asked for credentials on re-enrollment: the certificate that is replaced speaks for the credential it was issued for.
 */
export function sourceValues(
  source: Exclude<ValueSource, { from: 'request' }>,
  matter: NamesMatter,
): readonly string[] {
  switch (source.from) {
    case 'fixed':
      return [source.value];
    case 'device':
      return listed(deviceValue(source.field, matter));
    case 'credential':
      return credentialValues(source.field, matter);
  }
}

function deviceValue(field: DeviceField, { facts, identity }: NamesMatter): string | undefined {
  const { device } = facts;
  switch (field.of) {
    case 'name':
      return device?.name ?? facts.deviceName;
    case 'group':
      return device?.group ?? facts.group.name;
    case 'identifiers':
      if (device !== undefined) return ownValue(device.identifiers, field.key);
      // A device that is registered with its first certificate gets these.
      for (const { registeredValues } of identity.credentials) {
        const value = ownValue(registeredValues?.identifiers ?? {}, field.key);
        if (value !== undefined) return value;
      }
      return undefined;
    case 'attributes':
      return device === undefined ? undefined : ownValue(device.attributes, field.key);
  }
}

function credentialValues(field: CredentialField, { identity }: NamesMatter): readonly string[] {
  if (field.of === 'subject') {
    if (identity.certificateSubject === undefined) return [];
    const attributes = readSubject(identity.certificateSubject);
    return attributes.filter(({ key, problem }) => key === field.type && problem === undefined).map(({ text }) => text);
  }
  if (field.of === 'name') return listed(identity.credentials[0]?.name);
  return listed(identity.credentials.find(({ username }) => username !== undefined)?.username);
}

function ownValue(record: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function listed(value: string | undefined): readonly string[] {
  return value === undefined || value === '' ? [] : [value];
}
