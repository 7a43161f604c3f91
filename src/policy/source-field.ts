/** The `field` of a rule whose value comes from the device or the credential, parsed. */
import { attributeByName } from '../x509/attribute-types.js';

export type DeviceField =
  | { readonly of: 'name' }
  | { readonly of: 'group' }
  | { readonly of: 'identifiers' | 'attributes'; readonly key: string };

export type CredentialField =
  | { readonly of: 'name' }
  | { readonly of: 'username' }
  /** An attribute of the subject of its certificate, by dotted OID. */
  | { readonly of: 'subject'; readonly type: string };

/** `name`, `group`, `identifiers.<name>` or `attributes.<name>`; undefined for anything else. */
export function parseDeviceField(text: string): DeviceField | undefined {
  if (text === 'name' || text === 'group') return { of: text };
  const [of, key] = splitOnce(text);
  return (of === 'identifiers' || of === 'attributes') && key !== '' ? { of, key } : undefined;
}

/** `name`, `username` or `subject.<attribute>`; undefined for anything else. */
export function parseCredentialField(text: string): CredentialField | undefined {
  if (text === 'name' || text === 'username') return { of: text };
  const [of, key] = splitOnce(text);
  const type = of === 'subject' ? attributeByName(key)?.oid : undefined;
  return type === undefined ? undefined : { of: 'subject', type };
}

function splitOnce(text: string): [string, string] {
  const dot = text.indexOf('.');
  return dot < 0 ? [text, ''] : [text.slice(0, dot), text.slice(dot + 1)];
}
