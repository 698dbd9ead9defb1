const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hour12: false,
});
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** 14:03:27 */
export const timeOfDay = (at) => clock.format(new Date(at));
export const fullTime = (at) => day.format(new Date(at));

/** 850 ms, 12 s, 4 min 05 s, 1 h 02 min */
export function duration(ms) {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}

/** 12.4 MB */
export function bytes(size) {
  const units = ['B', 'kB', 'MB', 'GB'];
  let value = size;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** The first digits of a digest or a commit, by which people tell them apart. */
export const shortDigest = (digest) => digest.replace(/^sha256:/, '').slice(0, 12);
export const shortCommit = (sha) => (/^[0-9a-f]{40}$/.test(sha) ? sha.slice(0, 7) : sha);
/** web:7 of arn:aws:ecs:…:task-definition/web:7 */
export const tail = (arn) => arn.split('/').pop() ?? arn;
export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
/** Long hexadecimal numbers by their first digits; the whole is in the title. */
export const shortHex = (text) => text.replaceAll(/[0-9a-f]{16,}/g, (digits) => `${digits.slice(0, 10)}…`);
/** sample-bot@cb8815866698 of registry:5000/sample-bot@sha256:cb88… */
export const shortImage = (image) =>
  (image.split('/').pop() ?? image).replace(/@sha256:([0-9a-f]{12})[0-9a-f]*/, '@$1');
