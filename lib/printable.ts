/**
 * A line of a container's log as it may stand in a job's log: no control characters, and nothing that the runner would take
 * for a command of ours. Commands in the `##[` form are found anywhere in a line.
 */
export function printable(line: string): string {
  return line
    .replace(/\p{Cc}\[[0-9;]*[A-Za-z]/gu, '')
    .replace(/\p{Cc}/gu, ' ')
    .replaceAll('##[', '## [');
}
