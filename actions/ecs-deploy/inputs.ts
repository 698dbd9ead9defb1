import {
  bool,
  componentInputs,
  type Inputs,
  integer,
  keyValues,
  oneOf,
  optionalDuration,
  secret,
  text,
} from '../../lib/inputs.ts';
import { codeDeployFields } from './codedeploy/inputs.ts';
import { strategyFields } from './strategy/inputs.ts';

export const fields = {
  ...componentInputs,
  operation: oneOf(['deploy', 'continue', 'rollback', 'status'], 'deploy'),
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
  ...strategyFields,
  ...codeDeployFields,
  timeout: optionalDuration(),
  'fail-fast': integer({ min: 0, max: 200 }),
  'stable-for': optionalDuration(),
  'rollback-on-failure': bool(true),
  'on-cancel': oneOf(['leave', 'rollback'], 'leave'),
  'dry-run': bool(false),
  // As lib/ledger/open.ts has them: that one would load the clients of every ledger.
  ledger: oneOf(['github', 'git', 'none'], 'none'),
  token: secret(text()),
  region: text(),
} as const;

export type EcsDeployInputs = Inputs<typeof fields>;
