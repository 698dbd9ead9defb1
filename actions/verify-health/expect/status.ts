type Status = number | string;

/** Whether a status is in a set: numbers, classes such as 2xx, ranges such as 200-299. Without a set, any 2xx. */
export function statusFits(status: number, wanted: Status | readonly Status[] | undefined): boolean {
  return [wanted ?? '2xx'].flat().some((one) => inside(status, String(one).toLowerCase()));
}

function inside(status: number, one: string): boolean {
  if (/^[1-5]xx$/.test(one)) return Math.floor(status / 100) === Number(one[0]);
  const [low, high = low] = one.split('-').map(Number);
  return status >= (low ?? 0) && status <= (high ?? 0);
}

/** Statuses that say "you may not", which no waiting changes. */
export const FINAL_STATUS: ReadonlySet<number> = new Set([401, 403, 407]);
