import { readFileSync } from 'node:fs';

/**
 * Names a process so that a later one with the same pid is not taken for it: "PID:START", START being the kernel's start time
 * (proc(5), field 22 of stat), or empty where there is no /proc.
 */
export function identityOf(pid: number): string {
  return `${pid}:${startOf(pid)}`;
}

/** Whether that very process still runs. */
export function isAlive(identity: string): boolean {
  const [pid = '', start = ''] = identity.split(':');
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return start === '' || startOf(Number(pid)) === start;
}

function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; only its parent has not yet looked.
    return fields[0] === 'Z' ? 'ended' : (fields[19] ?? '');
  } catch {
    return '';
  }
}
