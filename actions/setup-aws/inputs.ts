import { bool, componentInputs, duration, type Inputs, lines, list, secret, text } from '../../lib/inputs.ts';

export const fields = {
  environment: componentInputs.environment,
  config: componentInputs.config,
  role: text(),
  region: text(),
  'session-name': text(),
  duration: duration('1h'),
  audience: text('sts.amazonaws.com'),
  login: bool(true),
  registries: list(),
  chain: lines(),
  'external-id': secret(text()),
  'allowed-accounts': list(),
} as const;

export type SetupInputs = Inputs<typeof fields>;
