/**
 * The unstructured part of CloudWatch's filter patterns: every plain term must occur, no `-term` may, and of `?term`s one must
 * (those count only where no plain term is given). Terms are case-sensitive; quotes keep blanks together.
 * Source: CloudWatch Logs user guide, "Filter pattern syntax: match terms in unstructured log events".
 * @throws RangeError for JSON and space-delimited patterns, which are not modelled
 */
export function filterOf(pattern: string | undefined): (message: string) => boolean {
  const text = (pattern ?? '').trim();
  if (text === '') return () => true;
  if (/^[{[%]/.test(text))
    throw new RangeError(`the filter pattern '${text}' is of a kind that the local Logs does not have`);
  const terms = [...text.matchAll(/([-?]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))/g)].map(([, sign, quoted, plain]) => ({
    sign,
    term: quoted === undefined ? (plain ?? '') : quoted.replace(/\\(.)/g, '$1'),
  }));
  const all = terms.filter((t) => t.sign === '');
  const none = terms.filter((t) => t.sign === '-');
  const any = terms.filter((t) => t.sign === '?');
  return (message) =>
    all.every((t) => message.includes(t.term)) &&
    !none.some((t) => message.includes(t.term)) &&
    (any.length === 0 || all.length > 0 || any.some((t) => message.includes(t.term)));
}
