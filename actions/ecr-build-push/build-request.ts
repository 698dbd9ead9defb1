import type { BaseDigest } from './base-digest.ts';
import type { BuildSettings } from './settings.ts';

/** What docker build and docker buildx build are told beside the content, by the names docker/build-push-action gives it. */
export interface BuilderOptions {
  /** HOST:ADDRESS each. */
  addHosts: readonly string[];
  network: string;
  shmSize: string;
  ulimits: readonly string[];
  cgroupParent: string;
  allow: readonly string[];
  /** Builder of buildx; '' is the current one. */
  builder: string;
  pull: boolean;
  noCacheFilters: readonly string[];
  /** Agents and keys: default, or ID=PATH. */
  ssh: readonly string[];
  /** true, false or attributes such as mode=max; '' leaves it to the builder. */
  provenance: string;
  sbom: string;
  /** KEY=value, with a level such as index: before it where one is wanted. */
  annotations: readonly string[];
  cacheFrom: readonly string[];
  cacheTo: readonly string[];
}

export interface BuildRequest extends BuildSettings {
  options: BuilderOptions;
  /** Secret id to the file that holds it: values are in no argument and no environment. */
  secrets: Readonly<Record<string, string>>;
  labels: Record<string, string>;
  /** HOST/NAME:TAG, the name under which the image is pushed. */
  reference: string;
  push: boolean;
  noCache: boolean;
  /** What the base images stood for when the fingerprint was made; undefined where there is none. */
  bases?: Readonly<Record<string, BaseDigest>> | undefined;
  /** The base images by name. */
  baseReferences: readonly string[];
  /** Names of the Dockerfile's stages, in lower case. */
  stageNames: readonly string[];
  /** SOURCE_DATE_EPOCH: seconds of the commit's time, so that the same commit gives the same bytes. */
  epoch: number;
}
