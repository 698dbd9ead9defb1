import { bool, componentInputs, duration, type Inputs, keyValues, lines, list, text } from '../../lib/inputs.ts';
import { buildFields } from './build-inputs.ts';
import { registryFields } from './registry-inputs.ts';

export const fields = {
  ...componentInputs,
  repository: text(),
  region: text(),
  'registry-id': text(),
  context: text(),
  dockerfile: text(),
  file: text(),
  target: text(),
  platforms: list(),
  'build-args': keyValues(),
  labels: keyValues(),
  tags: lines(),
  push: bool(true),
  'create-repository': bool(false),
  'force-build': bool(false),
  timeout: duration('30m'),
  ...buildFields,
  ...registryFields,
} as const;

export type BuildInputs = Inputs<typeof fields>;
