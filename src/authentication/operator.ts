/** People and programs that manage the gateway, where they ask for certificates. */
import type { PresentedCredential } from '../model/presented-credential.js';
import type { Identity } from '../policy/identity.js';

export type PresentedOperator = Extract<PresentedCredential, { kind: 'operator' }>;

/** The requester that records name. @param person `Actor.person` */
export function operatorRequester(person: string): string {
  return `operator:${person}`;
}

/** Who presents it has authenticated the operator, and knows that it may ask. */
export function identifyOperator({ person, name, device }: PresentedOperator): Identity {
  return {
    requester: operatorRequester(person),
    credentials: [
      { id: person, kind: 'operator', name, ...(device === undefined ? {} : { registeredValues: { device } }) },
    ],
  };
}
