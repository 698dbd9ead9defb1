import type { ConfigData, EnvironmentConfig } from './schema.ts';

type Data = Record<string, unknown>;

const isMap = (value: unknown): value is Data => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Maps are merged key by key, however deep; lists and single values replace. Neither argument is changed. */
export function deepMerge(base: unknown, over: unknown): unknown {
  if (!isMap(base) || !isMap(over)) return over;
  const merged: Data = { ...base };
  for (const [key, value] of Object.entries(over)) merged[key] = key in base ? deepMerge(base[key], value) : value;
  return merged;
}

/**
 * A component as an environment overrides it. Two things replace instead of merge, since half of each would make no sense:
 * a deployment to another place, and one image where there were several (or the reverse).
 */
export function overrideComponent(component: Data, override: Data): Data {
  const base: Data = { ...component };
  const to = (value: unknown) => (isMap(value) ? value.to : undefined);
  const newPlace = to(override.deploy);
  if (newPlace !== undefined && newPlace !== to(base.deploy)) delete base.deploy;
  if ('images' in override) delete base.image;
  if ('image' in override) delete base.images;
  return deepMerge(base, override) as Data;
}

/** The components as an environment overrides them, not yet validated again. */
export function mergedComponents(config: ConfigData, environment: EnvironmentConfig): Data {
  const merged: Data = { ...config.components };
  for (const [name, override] of Object.entries(environment.components ?? {})) {
    const component = config.components[name];
    if (component) merged[name] = overrideComponent(component, override as Data);
  }
  return merged;
}
