/** Jobs: work on many devices or certificates at once, row by row. */

export const jobKinds = [
  'register-devices',
  'issue-certificates',
  'renew-certificates',
  'revoke-certificates',
] as const;
export type JobKindName = (typeof jobKinds)[number];

/**
 * draft: made, without rows; loading: its rows are being read; ready: waits for its turn; running; paused: by somebody;
 * cancelled: what was not done stays undone; finished: each row has its result.
 */
export const jobStates = ['draft', 'loading', 'ready', 'running', 'paused', 'cancelled', 'finished'] as const;
export type JobState = (typeof jobStates)[number];

export const jobRowStates = ['waiting', 'done', 'failed'] as const;
export type JobRowState = (typeof jobRowStates)[number];
