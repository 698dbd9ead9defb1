import { bool, duration, integer, lines, list, oneOf, secret, text } from '../../lib/inputs.ts';
import { LEDGER_KINDS } from '../../lib/ledger/kinds.ts';
import { THRESHOLDS } from './scan/severity.ts';

/** Inputs about the repository and what is in it: its creation, retention, promotion and the scan gate. */
export const registryFields = {
  operation: oneOf(['build', 'prune', 'promote'], 'build'),

  encryption: text('AES256'),
  'mutable-tags': list(),
  'expire-days': integer({ min: 0, max: 3650, default: 14 }),

  scan: oneOf(['none', 'ecr', 'trivy'], 'none'),
  'fail-on': oneOf(THRESHOLDS, 'critical'),
  'ignore-findings': lines(),
  'ignore-file': text(),
  'ignore-unfixed': bool(false),
  'scan-timeout': duration('10m'),

  'keep-newest': integer({ min: 1, max: 10_000, default: 30 }),
  'keep-tags': list(),
  'rollback-depth': integer({ min: 1, max: 1000, default: 10 }),
  'min-age': duration('24h'),
  'keep-task-definitions': text('all'),
  'ecs-places': lines(),
  ledger: oneOf(LEDGER_KINDS, 'github'),
  token: secret(text()),
  'dry-run': bool(false),

  from: text(),
  'from-region': text(),
  'from-registry-id': text(),
  'from-role': text(),
  referrers: bool(true),
} as const;
