/** Where an action says what it does. Tests pass a recording one. */
export interface Log {
  info(message: string): void;
  debug(message: string): void;
  warning(message: string): void;
  /** Runs f inside a collapsible group of the job log. */
  group<T>(title: string, f: () => Promise<T>): Promise<T>;
  /** Hides the value in everything the runner prints from now on. */
  mask(secret: string): void;
}

/** A log that keeps its lines, for tests and for callers that print later. */
export function recordingLog(): Log & { lines: string[]; masked: string[] } {
  const lines: string[] = [];
  const masked: string[] = [];
  return {
    lines,
    masked,
    info: (m) => void lines.push(m),
    debug: () => undefined,
    warning: (m) => void lines.push(`warning: ${m}`),
    group: (title, f) => {
      lines.push(title);
      return f();
    },
    mask: (secret) => void masked.push(secret),
  };
}
