/** What the validation of certificates asks about those of the gateway itself. */
import type { Store } from '../store/store.js';
import type { Certificate } from '../x509/certificate.js';

/** A generation of a CA of the gateway. */
export interface OwnGeneration {
  readonly id: string;
  readonly certificate: Certificate;
  /** The generation that issued it; null for a root. */
  readonly parent: string | null;
  /** Whether it was revoked as a whole: the certificate of a root has no record that could say so. */
  readonly revoked: boolean;
}

export interface ValidationServices {
  readonly store: Pick<Store, 'certificates' | 'revocations' | 'unmanagedCas' | 'unmanagedCertificates'>;
  readonly authority: {
    generation(id: string): OwnGeneration | undefined;
    generations(): readonly OwnGeneration[];
    /** Takes over the generations that another process has added. */
    reload(): Promise<void>;
  };
}
