import { type Config, loadConfig } from '../../lib/config/load.ts';
import { mergedComponents } from '../../lib/config/merge.ts';
import { canonicalJson } from '../../lib/fingerprint/canonical.ts';

/**
 * Components whose definition differs between two versions of the config file: a changed port or desired count ships, though no file
 * of the component changed. What only says when it ships (paths, order) does not count.
 * @param before text of the older file; undefined when there was none.
 */
export function changedDefinitions(
  config: Config,
  before: string | undefined,
  environment: string,
): Map<string, string> {
  const names = Object.keys(config.components);
  const all = (why: string) => new Map(names.map((name) => [name, why]));
  if (before === undefined) return all(`${config.file} is new`);
  let older: Config;
  try {
    older = loadConfig(before, config.file);
  } catch {
    return all(`${config.file} changed, and its older version cannot be read`);
  }
  const [now, then] = [definitions(config, environment), definitions(older, environment)];
  const changed = new Map<string, string>();
  for (const name of names) {
    if (now.get(name) === then.get(name)) continue;
    const how = then.has(name) ? 'its definition changed' : 'it is new';
    changed.set(name, `${how} in ${config.file}`);
  }
  return changed;
}

function definitions(config: Config, name: string): Map<string, string> {
  const environment = config.environments?.[name];
  const components = environment ? mergedComponents(config, environment) : config.components;
  const { role, region } = environment ?? {};
  const place = { role, region, registry: config.registry };
  return new Map(
    Object.entries(components).map(([component, definition]) => {
      const { paths, 'depends-on': dependsOn, after, ...what } = definition as Record<string, unknown>;
      return [component, canonicalJson({ what, place })];
    }),
  );
}
