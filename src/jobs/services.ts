/** What jobs work with. */
import type { EnrollmentServices } from '../enrollment/services.js';

export type JobServices = Pick<EnrollmentServices, 'store' | 'clock' | 'log' | 'sealing'>;
