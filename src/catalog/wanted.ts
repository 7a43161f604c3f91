/** What there is to be, and what may be wrong with it. */
import type { PasscodeLookup } from '../keys/passcode-lookup.js';
import type { Sealing } from '../keys/sealing.js';
import type { Store } from '../store/store.js';
import type { Difference } from './differences.js';
import type { DocumentCredential } from './document.js';
import type { CatalogObject, Path } from './objects.js';

/** What there is to be: by a document, or by a request to the management API. What is stored besides stays as it is. */
export interface Wanted {
  /** Each with its path: that is how they are told from what is stored. */
  readonly objects: readonly CatalogObject[];
  readonly credentials: readonly DocumentCredential[];
}

/** Something that does not fit together. `path` is that of what is wanted, absent when a stored object would no longer fit. */
export interface PlanProblem {
  readonly path?: Path;
  readonly message: string;
}

/** What is wanted does not fit together, or not with what is stored. */
export class MisfitError extends Error {
  readonly problems: readonly PlanProblem[];

  constructor(problems: readonly PlanProblem[]) {
    super(problems.map(({ message }) => message).join('\n'));
    this.name = 'MisfitError';
    this.problems = problems;
  }
}

export interface PlanDependencies {
  readonly store: Pick<Store, 'catalog' | 'credentials' | 'configurationUse' | 'caGenerations'>;
  readonly sealing: Sealing;
  readonly passcodeLookup: PasscodeLookup;
}

/** What a step of a plan does, whatever it is about. */
export interface StepOutline {
  readonly action: 'create' | 'change' | 'unchanged';
  /** A credential's is `<authentication policy>/<credential>`. */
  readonly name: string;
  /** Without secrets; empty unless the action is `change`. */
  readonly differences: readonly Difference[];
  /** A sentence for the operator. */
  readonly note?: string;
}
