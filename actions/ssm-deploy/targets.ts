import { Problem } from '../../lib/errors.ts';

/** A target as SSM writes it: Key "InstanceIds" or "tag:NAME". */
export interface Target {
  key: string;
  values: readonly string[];
}

const INSTANCE = /^(i|mi)-[0-9a-f]{8,17}$/;
const TAG = /^tag:([^=]{1,127})=(.{1,256})$/;

/**
 * Targets from lines "tag:NAME=VALUE" and instance ids. Several tags have to match all at once, of several values of one tag any,
 * as in SSM.
 * @throws Problem for a line that is neither, and for tags mixed with ids, which SSM does not take.
 */
export function parseTargets(lines: readonly string[]): Target[] {
  const ids = [...new Set(lines.filter((line) => INSTANCE.test(line)))];
  const byKey = Map.groupBy(
    lines.flatMap((line) => {
      const [, name, value = ''] = TAG.exec(line) ?? [];
      return name === undefined ? [] : [{ key: `tag:${name}`, value }];
    }),
    ({ key }) => key,
  );
  const tags = [...byKey].map(([key, all]) => ({ key, values: [...new Set(all.map(({ value }) => value))] }));
  const strange = lines.find((line) => !INSTANCE.test(line) && !TAG.test(line));
  if (strange !== undefined) throw bad(strange, 'it is neither tag:NAME=VALUE nor an instance id');
  if (lines.length === 0) throw bad(undefined, 'it is empty, and no component gives targets');
  if (ids.length > 0 && tags.length > 0) throw bad(lines.join(' '), 'SSM takes tags or instance ids, not both');
  return ids.length > 0 ? [{ key: 'InstanceIds', values: ids }] : tags;
}

function bad(seen: string | undefined, cause: string): Problem {
  return new Problem({
    what: "input 'targets'",
    seen,
    cause,
    fix: 'Write for instance tag:Role=docker-host or i-0123456789abcdef0, one a line',
  });
}
