/** One line on the terminal that says how far a command is; nothing where nobody watches. */
export interface Progress {
  show(text: string): void;
  /** Wipes the line. */
  end(): void;
}

const wipe = '\r\u001b[K';

export function createProgress(): Progress {
  if (!process.stderr.isTTY) return { show: () => undefined, end: () => undefined };
  return {
    show: (text) => process.stderr.write(`${wipe}${text}`),
    end: () => process.stderr.write(wipe),
  };
}
