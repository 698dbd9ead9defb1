/** A git setting for one call: `safe.directory` and its value. */
export type Setting = readonly [key: string, value: string];

// What a hook or an earlier step may have left and what would point git at another repository.
const MISLEADING = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_COMMON_DIR',
  'GIT_PREFIX',
];

/**
 * The environment of one git call. Settings travel here, since argv is visible to every process and no config file of the
 * user's may be written. Source: git-config(1), GIT_CONFIG_COUNT.
 */
export function gitEnvironment(env: NodeJS.ProcessEnv, settings: readonly Setting[]): NodeJS.ProcessEnv {
  const result: NodeJS.ProcessEnv = { ...env };
  for (const name of MISLEADING) delete result[name];
  const first = Number(env.GIT_CONFIG_COUNT ?? 0) || 0;
  settings.forEach(([key, value], i) => {
    result[`GIT_CONFIG_KEY_${first + i}`] = key;
    result[`GIT_CONFIG_VALUE_${first + i}`] = value;
  });
  return {
    ...result,
    GIT_CONFIG_COUNT: String(first + settings.length),
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    LC_ALL: 'C',
  };
}
