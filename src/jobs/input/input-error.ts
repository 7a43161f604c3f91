/** What is wrong with a file of rows: it is refused as a whole, and says where. */
import { GatewayError } from '../../errors.js';

export interface InputProblem {
  /** 1 for the first; absent for what concerns the file. */
  readonly line?: number;
  /** In lower case, without final period. */
  readonly message: string;
}

/** So many are told at once. */
export const maximumProblems = 20;

export class InputError extends GatewayError {
  readonly problems: readonly InputProblem[];

  constructor(problems: readonly InputProblem[]) {
    const told = problems.map(({ line, message }) => (line === undefined ? message : `line ${line}: ${message}`));
    super('malformed-request', `the file is refused, and no row of it was taken: ${told.join('; ')}`);
    this.name = 'InputError';
    this.problems = problems;
  }
}

export function refuse(message: string, line?: number): InputError {
  return new InputError([line === undefined ? { message } : { line, message }]);
}
