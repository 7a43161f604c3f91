/** What may be wrong with a CMS message that is well-formed DER (what is not throws a DerError). */

export type CmsProblem = 'malformed' | 'unsupported';

/** A CMS message that cannot be used, or an algorithm that is not supported. The message never repeats input. */
export class CmsError extends Error {
  readonly problem: CmsProblem;

  constructor(problem: CmsProblem, message: string) {
    super(message);
    this.name = 'CmsError';
    this.problem = problem;
  }
}
