/** Whoever can run commands on the data directory may do everything with it. */
import { everything, type Manager } from '../access/grants.js';
import { person } from './person.js';

export function commandLineManager(): Manager {
  return { actor: person(), grants: everything };
}
