/** Rows of test.each by their first value: jest gives its own callback in place of a value that a short row leaves out. */
export function named<R extends readonly [string, ...unknown[]]>(rows: readonly R[]): [string, R][] {
  return rows.map((row) => [row[0], row]);
}
