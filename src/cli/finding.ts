/** What a check of `gatehouse doctor` comes to. */
export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'problem';
  readonly said: string;
  /** What to do about it. */
  readonly remedy?: string;
}

export function ok(check: string, said: string): Finding {
  return { check, state: 'ok', said };
}

export function warning(check: string, said: string, remedy: string): Finding {
  return { check, state: 'warning', said, remedy };
}

export function problem(check: string, said: string, remedy: string): Finding {
  return { check, state: 'problem', said, remedy };
}
