import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { Problem } from '../errors.ts';
import { checkComponent, checkConfig } from './check.ts';
import { mergedComponents, overrideComponent } from './merge.ts';
import { type ConfigPath, configProblem, type Mistake } from './mistakes.ts';
import { type ParsedYaml, parseConfigText } from './parse.ts';
import {
  type Component,
  type ConfigData,
  configSchema,
  type EnvironmentConfig,
  type RegistryConfig,
} from './schema.ts';
import { suggestion } from './suggest.ts';
import { translate } from './translate.ts';

/** A valid config file, and the name it was read by. */
export interface Config extends ConfigData {
  file: string;
}

/** A config as one environment sees it: overrides applied, region and registry settled. */
export interface EnvironmentView extends Config {
  environment: EnvironmentConfig & { name: string; region?: string };
  /** The registry of the environment that images are promoted from; undefined where none comes first, or no registry is known. */
  promotedFrom?: RegistryConfig;
}

export const DEFAULT_CONFIG_FILE = '.github/slipway.yml';

/**
 * Parses and checks a config, every environment's overrides included, so that nothing invalid is found halfway through a run.
 * @throws Problem (kind `config`) that lists every mistake with file:line:column, path, value, cause and fix.
 */
export function loadConfig(text: string, file: string): Config {
  const yaml = parseConfigText(text, file);
  const data = check(yaml, file, yaml.value, []);
  const mistakes = [...checkConfig(data), ...overrideMistakes(data)];
  if (mistakes.length > 0) throw configProblem(file, mistakes, yaml.locate);
  return { ...data, file };
}

function check(yaml: ParsedYaml, file: string, value: unknown, prefix: ConfigPath): ConfigData {
  const result = v.safeParse(configSchema, value);
  if (result.success) return result.output;
  const mistakes = result.issues.map((issue) => translate(issue, value, prefix));
  throw configProblem(file, mistakes, yaml.locate);
}

/** Mistakes that appear only when an environment's overrides are applied; told at the override's place. */
function overrideMistakes(data: ConfigData): Mistake[] {
  const mistakes: Mistake[] = [];
  for (const [name, environment] of Object.entries(data.environments ?? {})) {
    for (const [component, override] of Object.entries(environment.components ?? {})) {
      const original = data.components[component];
      if (!original) continue;
      const merged = overrideComponent(original, override);
      const prefix = ['environments', name];
      const result = v.safeParse(configSchema.entries.components, { [component]: merged });
      if (!result.success) {
        const rooted = { components: { [component]: merged } };
        const issues = result.issues.map((issue) => translate(issue, rooted, [], ['components']));
        mistakes.push(...issues.map((m) => ({ ...m, path: [...prefix, ...m.path] })));
        continue;
      }
      const checked = result.output[component];
      // What the component says by itself is told once, at its own place.
      const own = new Set(checkComponent(data, component, original).map((m) => m.cause));
      const added = checked ? checkComponent(data, component, checked).filter((m) => !own.has(m.cause)) : [];
      mistakes.push(...added.map((m) => ({ ...m, path: [...prefix, ...m.path] })));
    }
  }
  return mistakes;
}

/**
 * Reads and checks a config file.
 * @param readFile returns the text, or undefined when there is no such file.
 * @throws Problem when it is missing (naming the folder looked in) or invalid.
 */
export async function loadConfigFile(
  path: string,
  readFile: (path: string) => Promise<string | undefined>,
  folder = process.cwd(),
): Promise<Config> {
  const text = await readFile(path);
  if (text === undefined) {
    throw new Problem({
      what: 'config file',
      seen: path,
      cause: `there is no such file; looked for ${join(dirname(path), '.') === '.' ? 'it' : `${dirname(path)}/`} in ${folder}`,
      fix: `Check out the repository before this step, correct the input 'config', or create ${path} (docs/slipway-yml.md starts with an example)`,
      kind: 'config',
    });
  }
  return loadConfig(text, path);
}

/** The config as one environment sees it. @throws Problem when there is no such environment. */
export function environmentConfig(config: Config, name: string): EnvironmentView {
  const environment = config.environments?.[name];
  if (environment === undefined || !Object.hasOwn(config.environments ?? {}, name)) {
    throw new Problem({
      what: "input 'environment'",
      seen: name,
      cause: `${config.file} describes no environment of this name`,
      fix: suggestion(name, Object.keys(config.environments ?? {}), 'environment'),
      kind: 'config',
      file: config.file,
    });
  }
  const registry = environment.registry ?? config.registry;
  const region = environment.region ?? registry?.region;
  const before = environment.after === undefined ? undefined : config.environments?.[environment.after];
  const promotedFrom = before && (before.registry ?? config.registry);
  return {
    ...config,
    ...(registry !== undefined && { registry }),
    ...(promotedFrom !== undefined && { promotedFrom }),
    components: mergedComponents(config, environment) as ConfigData['components'],
    environment: { ...environment, name, ...(region !== undefined && { region }) },
  };
}

/** One component. @throws Problem with the nearest known name when there is none of this name. */
export function component(config: Config, name: string): Component {
  const found = Object.hasOwn(config.components, name) ? config.components[name] : undefined;
  if (found) return found;
  throw new Problem({
    what: "input 'component'",
    seen: name,
    cause: `${config.file} describes no component of this name`,
    fix: suggestion(name, Object.keys(config.components), 'component'),
    kind: 'config',
    file: config.file,
  });
}
