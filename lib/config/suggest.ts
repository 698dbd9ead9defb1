/** The known name that was probably meant, or undefined when none is near: at most two slips, fewer for short names. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const wanted = name.toLowerCase().replaceAll('_', '-');
  const limit = Math.min(2, Math.floor(wanted.length / 3) + 1);
  let best: { name: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(wanted, candidate.toLowerCase(), limit);
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { name: candidate, distance };
  }
  return best?.name;
}

/** "Did you mean 'x'? …", or the known names when nothing is near. */
export function suggestion(name: string, known: readonly string[], noun: string): string {
  if (known.length === 0) return `There is no ${noun} here yet`;
  const near = nearest(name, known);
  return `${near === undefined ? '' : `Did you mean '${near}'? `}Known here: ${known.join(', ')}`;
}

function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(swap, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? limit + 1;
}
