import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../clock.ts';
import { type Config, loadConfigFile } from '../config/load.ts';
import { openGit } from '../git/repository.ts';
import { github } from '../github/client.ts';
import { type LedgerKind, openLedger } from '../ledger/open.ts';
import { processes } from '../process.ts';
import type { Edge } from '../runner.ts';
import { ancestry } from './ancestry.ts';
import type { Leg, LegPorts } from './leg.ts';

export interface LegInputs {
  component: string;
  config: string;
  ledger: LedgerKind;
  token: string;
  'result-directory': string;
}

/** The real ports of a leg. Without a component there is no ledger and no result file: the action is used by itself. */
export function legPorts(inputs: LegInputs, edge: Edge, leg: Pick<Leg, 'deploys'>): LegPorts {
  const { context, signal, log } = edge;
  const { workspace, tempDir, repository } = context;
  const { token, component } = inputs;
  // Where nothing is deployed the ledger only answers references, so a missing token is no mistake.
  const kind = component === '' || (!leg.deploys && token === '') ? 'none' : inputs.ledger;
  const git = openGit({ processes: processes(log), workspace, tempDir, env: edge.env, signal });
  const client = token === '' ? undefined : github({ context, token, signal });
  let config: Promise<Config> | undefined;
  return {
    ledger: openLedger({ kind, token, context, signal }),
    clock: systemClock,
    log,
    context,
    resultDirectory: component === '' ? '' : inputs['result-directory'],
    config: () => {
      config ??= loadConfigFile(
        inputs.config,
        (path) => readFile(join(workspace, path), 'utf8').catch(() => undefined),
        workspace,
      );
      return config;
    },
    isAncestor: (a, b) => ancestry(a, b, { git, github: client, repository }),
  };
}
