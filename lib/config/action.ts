import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Problem } from '../errors.ts';
import type { InputSource } from '../inputs.ts';
import {
  type Config,
  component,
  DEFAULT_CONFIG_FILE,
  type EnvironmentView,
  environmentConfig,
  loadConfigFile,
} from './load.ts';
import type { Component } from './schema.ts';

/** What the config file says to one action. */
export interface Configured {
  config: Config | EnvironmentView;
  /** Set when the input `environment` names one. */
  environment?: EnvironmentView['environment'];
  /** Set when the input `component` names one. */
  component?: Component;
  name: string;
}

/** Defaults by the name of the input, as the user would write them there. */
export type Defaults = Record<string, string | undefined>;

/** An input is what `with:` says, else what the config file says, else ''. */
export function withDefaults(source: InputSource, defaults: Defaults): InputSource {
  return (name) => source(name) || defaults[name] || '';
}

/**
 * The inputs of an action with what the config file says behind them. The file is read only when `component` or
 * `environment` asks for it, so that an action alone needs none; an `environment` without a file is a label.
 * @throws Problem for an unreadable file, an unknown component or environment, and a reference that only a pipeline can resolve.
 */
export async function configuredInputs(
  source: InputSource,
  workspace: string,
  defaultsOf: (configured: Configured) => Defaults,
): Promise<InputSource> {
  const configured = await openConfig(source, workspace);
  if (!configured) return source;
  const defaults = defaultsOf(configured);
  for (const [input, value] of Object.entries(defaults)) {
    if (source(input) === '' && value?.includes('${output:')) throw unresolved(input, value, configured.config.file);
  }
  return withDefaults(source, defaults);
}

/** Reads the config file for an action; undefined where neither `component` nor `environment` is given, or only a label is and no file exists. */
export async function openConfig(source: InputSource, workspace: string): Promise<Configured | undefined> {
  const name = source('component');
  const environment = source('environment');
  if (name === '' && environment === '') return undefined;
  const path = source('config') || DEFAULT_CONFIG_FILE;
  const text = await readText(resolve(workspace, path));
  // Without its file an environment is a label; a file that was asked for by name has to be there.
  if (text === undefined && name === '' && path === DEFAULT_CONFIG_FILE) return undefined;
  const config = await loadConfigFile(path, async () => text, workspace);
  const view = environment === '' ? undefined : environmentConfig(config, environment);
  return {
    config: view ?? config,
    name,
    ...(view && { environment: view.environment }),
    ...(name !== '' && { component: component(view ?? config, name) }),
  };
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Problem({
      what: 'config file',
      seen: path,
      cause: `it cannot be read (${(error as Error).message})`,
      fix: 'Correct the input `config` or the permissions of the file',
      kind: 'config',
      underlying: error,
    });
  }
}

function unresolved(input: string, value: string, file: string): Problem {
  return new Problem({
    what: `input '${input}' (from ${file})`,
    seen: value,
    cause: 'it refers to an output of another component, which this action alone cannot look up',
    fix: `Set \`${input}\` in the \`with:\` of this step, or use slipway/slipway (ship), which resolves references`,
    kind: 'config',
  });
}
