export interface Log {
  info(message: string, facts?: Record<string, unknown>): void;
  error(message: string, facts?: Record<string, unknown>): void;
}

/** One JSON object a line, with the same fields as the web service's logs. */
export function jsonLog(revision: string, write: (line: string) => void = (line) => process.stdout.write(line)): Log {
  const log =
    (level: string) =>
    (message: string, facts: Record<string, unknown> = {}) =>
      write(
        `${JSON.stringify({ level, time: new Date().toISOString(), service: 'sample-bot', revision, ...facts, message })}\n`,
      );
  return { info: log('info'), error: log('error') };
}
