import { bool, componentInputs, duration, type Inputs, integer, keyValues, oneOf, text } from '../../lib/inputs.ts';

export const fields = {
  ...componentInputs,
  operation: oneOf(['deploy', 'rollback', 'status'], 'deploy'),
  cluster: text(),
  service: text(),
  'task-definition': text(),
  container: text(),
  image: text(),
  images: keyValues(),
  revision: text(),
  'environment-variables': keyValues(),
  'desired-count': integer({ min: 0, max: 10_000 }),
  'force-new-deployment': bool(false),
  timeout: duration('15m'),
  'on-cancel': oneOf(['leave', 'rollback'], 'leave'),
  'dry-run': bool(false),
  region: text(),
} as const;

export type EcsDeployInputs = Inputs<typeof fields>;
