/** What is wrong with a profile, for the operator who wrote it. */

export interface ProfileProblem {
  /** Where in the profile, such as `['subject', 0, 'attribute']`. */
  readonly path: ProblemPath;
  /** What is wrong there and what is allowed, without a full stop. */
  readonly message: string;
}

export type ProblemPath = readonly (string | number)[];

/** Notes a problem and goes on, so that the operator sees all of them at once. */
export type ReportProblem = (path: ProblemPath, message: string) => void;
