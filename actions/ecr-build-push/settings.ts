import type { BuildInputs } from './inputs.ts';

/** Inputs after the config file has filled in what was left empty. */
export interface BuildSettings {
  context: string;
  dockerfile: string;
  target: string;
  platforms: readonly string[];
  buildArgs: Record<string, string>;
  /** Name to folder of the checkout, or to docker-image://REFERENCE or another source of buildx. */
  buildContexts: Record<string, string>;
}

/** What is built, from the inputs; paths are from the root of the checkout. */
export function settingsOf(inputs: BuildInputs): BuildSettings {
  const context = inputs.context || '.';
  return {
    context,
    dockerfile: inputs.dockerfile || inputs.file || `${context}/Dockerfile`,
    target: inputs.target,
    platforms: inputs.platforms,
    buildArgs: inputs['build-args'],
    buildContexts: inputs['build-contexts'],
  };
}
