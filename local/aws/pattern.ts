/** IAM's matching of `*` and `?`. Actions match without regard to case, values of StringLike with. */
export function matchesPattern(pattern: string, value: string, caseSensitive = false): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, caseSensitive ? 's' : 'si').test(value);
}
