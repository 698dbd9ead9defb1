import { bool, componentInputs, duration, type Inputs, lines, list, oneOf, secret, text } from '../../lib/inputs.ts';

/** What the credentials are for: an environment may have a role for each. */
export const PURPOSES = ['deploy', 'infra', 'plan'] as const;
export type Purpose = (typeof PURPOSES)[number];

export const fields = {
  environment: componentInputs.environment,
  config: componentInputs.config,
  role: text(),
  for: oneOf(PURPOSES, 'deploy'),
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
