import { resolve } from 'node:path';
import { systemClock } from '../../lib/clock.ts';
import { openConfig } from '../../lib/config/action.ts';
import { isApp } from '../../lib/config/defaults.ts';
import type { EnvironmentView } from '../../lib/config/load.ts';
import type { AppComponent } from '../../lib/config/schema.ts';
import { Problem } from '../../lib/errors.ts';
import { imagesFingerprint } from '../../lib/fingerprint/images.ts';
import { type Git, openGit } from '../../lib/git/repository.ts';
import { github } from '../../lib/github/client.ts';
import { openLedger } from '../../lib/ledger/open.ts';
import { ancestry } from '../../lib/leg/ancestry.ts';
import { processes } from '../../lib/process.ts';
import { readResults, writeResult } from '../../lib/result.ts';
import type { Edge } from '../../lib/runner.ts';
import type { ShipInputs } from './inputs.ts';
import type { ShipPorts } from './ports.ts';
import { checkShippable, resolved } from './references.ts';
import { realSteps } from './steps.ts';

/** Reads the config file and builds the real ports around a run. @throws Problem for anything wrong before it begins. */
export async function portsOf(inputs: ShipInputs, edge: Edge): Promise<ShipPorts> {
  const { context, env, log, signal } = edge;
  const { component: name, environment, token } = inputs;
  const configured = await openConfig(edge.input, context.workspace);
  const component = configured?.component;
  if (!configured || !component) throw new Error('openConfig() answers for a component, or throws');
  if (!isApp(component)) throw otherStage(name, component.kind);
  checkShippable(component, name, configured.config.file);
  const directory = inputs['result-directory'] && resolve(context.workspace, inputs['result-directory']);
  const results = async () => (directory === '' ? new Map() : readResults(directory));
  const ledger = openLedger({ kind: inputs.ledger, token, context, signal });
  const config = configured.config as EnvironmentView;
  // The SSM client is loaded only where a reference may need it.
  const references = once(async () => {
    const { referencePorts } = await import('../../lib/leg/references.ts');
    return referencePorts({ ledger, environment, resultDirectory: directory, env, signal, action: 'ship', log });
  });
  const settled = once(() => references().then((ports) => resolved(component, name, ports)));
  const git = openGit({
    processes: processes(log),
    workspace: context.workspace,
    tempDir: context.tempDir,
    env,
    signal,
  });
  const client = token === '' ? undefined : github({ context, token, signal });
  return {
    config,
    component,
    steps: realSteps({ configured: { ...configured, component }, settled, references, edge }),
    ledger,
    isAncestor: (ancestor, commit) =>
      ancestry(ancestor, commit, { git, github: client, repository: context.repository }),
    sameContent: (a, b) => sameContent(component, a, b, git),
    results,
    saveResult: async (result) => {
      if (directory !== '') await writeResult(directory, result);
    },
    clock: systemClock,
    log,
    context,
  };
}

async function sameContent(component: AppComponent, a: string, b: string, git: Git): Promise<boolean> {
  const here = await git.present([a, b]);
  const missing = [a, b].filter((commit) => !here.has(commit));
  const fetched = missing.length > 0 ? await git.fetch(missing) : here;
  const gone = missing.find((commit) => !fetched.has(commit));
  if (gone !== undefined) {
    throw new Problem({
      what: `commit ${gone.slice(0, 12)}`,
      cause: 'what runs was built from it, and neither the checkout nor the remote has it any more',
      fix: 'Deploy the component anew: from then on it is refreshed again',
      kind: 'not-found',
    });
  }
  return (await imagesFingerprint(component, a, git)) === (await imagesFingerprint(component, b, git));
}

function once<T>(f: () => Promise<T>): () => Promise<T> {
  let value: Promise<T> | undefined;
  return () => {
    value ??= f();
    return value;
  };
}

function otherStage(name: string, kind: string): Problem {
  return new Problem({
    what: "input 'component'",
    seen: name,
    cause: `it is of the kind ${kind}, which has no image to ship`,
    fix: kind === 'terraform' ? 'Use the action terraform for it' : 'Use the action packer for it',
    kind: 'config',
  });
}
