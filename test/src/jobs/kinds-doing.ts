/** A kind of job whose rows do what a test says. */
import { z } from 'zod';
import type { JobKind, JobKinds, RowContext } from '../../../src/jobs/job-kind.js';

export type Perform = (name: string, context: RowContext<unknown>) => Promise<void>;

const rowSchema = z.strictObject({ name: z.string() });

export function kindsDoing(perform: Perform, changes: Partial<JobKind> = {}): JobKinds {
  const kind: JobKind = {
    name: 'register-devices',
    summary: '',
    permission: 'device:register',
    options: z.strictObject({ group: z.string() }),
    row: rowSchema,
    columns: [{ name: 'name', isRequired: true, meaning: '' }],
    resultColumns: ['greeting'],
    divisionOf: () => 'plant',
    perform: async (row, context) => await perform(rowSchema.parse(row).name, context),
    ...changes,
  };
  return new Map([[kind.name, kind]]);
}
