/** Names alone, before there is a key and a request: whether any request could get them. Pure, by the rules of the decision. */
import { DerError } from '../x509/der.js';
import { readAlternativeNames } from './alternative-name.js';
import { type Denial, denied, reasonOf } from './decision.js';
import type { NamesMatter } from './draft.js';
import type { Facts } from './facts.js';
import type { Identity } from './identity.js';
import { checkDevice } from './rules/device.js';
import { checkAskedValues } from './rules/registered-values.js';
import { takeNames } from './rules/take-names.js';

interface NamesInput {
  readonly identity: Identity;
  /** Without a device name where only the request will say which device it is. */
  readonly facts: Pick<Facts, 'policy' | 'usage' | 'profile' | 'group' | 'isGroupNamed' | 'device' | 'deviceName'>;
  /** DER GeneralNames; an empty one as well. */
  readonly subjectAltNames: Uint8Array;
}

/** What refuses the names, with the reason that a request with them would get; undefined where nothing does. */
export function checkNames({ identity, facts, subjectAltNames }: NamesInput): Denial | undefined {
  try {
    const alternativeNames = isEmpty(subjectAltNames) ? [] : readAlternativeNames(subjectAltNames);
    const matter: NamesMatter = { identity, facts, wishes: { subject: [], alternativeNames }, isPartial: true };
    const device = facts.deviceName === undefined ? undefined : checkDevice({ facts, identity });
    if (device?.outcome === 'denied') return because('device', device);
    const taken = takeNames(facts.profile.subjectAltNames, alternativeNames, undefined, matter);
    if (taken.outcome === 'denied') return because('subject-alt-names', taken);
    // RFC 8555 7.4: better no certificate than one for other names than those that were ordered.
    const [other] = taken.modified;
    if (other !== undefined) return because('subject-alt-names', denied('rejected-name', other));
    const registered = checkAskedValues(matter);
    return registered && because('registered-values', registered);
  } catch (error) {
    if (error instanceof DerError) return denied('malformed-request', `the names cannot be read: ${error.message}`);
    throw error;
  }
}

function because(rule: string, { code, said }: Denial): Denial {
  return denied(code, reasonOf(rule, said));
}

/** An order of nothing but attested identifiers has none to ask about. */
function isEmpty(names: Uint8Array): boolean {
  return names.length === 2 && names[0] === 0x30 && names[1] === 0;
}
