import { systemClock } from '../../lib/clock.ts';
import { readInputs } from '../../lib/inputs.ts';
import { isForced, type Leg, runLeg } from '../../lib/leg/leg.ts';
import { legPorts } from '../../lib/leg/open.ts';
import { processes } from '../../lib/process.ts';
import type { Report } from '../../lib/report.ts';
import { type Edge, runAction } from '../../lib/runner.ts';
import { fields } from './inputs.ts';
import { afterBuild } from './post.ts';
import { runWith } from './prepare.ts';

const STATE = 'build';
/** What the state says where no build was started. */
const NONE = 'none';

await runAction('packer', (edge) => (edge.state(STATE) === '' ? act(edge) : finish(edge)));

async function act(edge: Edge): Promise<Report> {
  // The runner starts this file again as the post step; the state tells the two apart.
  edge.saveState(STATE, NONE);
  const inputs = readInputs(fields, edge.input);
  const { component, environment, operation } = inputs;
  const deploys = component !== '' && operation === 'build';
  const leg: Leg = { component, environment, stage: 'ami', deploys, force: isForced(inputs.force, component) };
  const ports = legPorts(inputs, edge, leg);
  const onBuild = (started: object) => edge.saveState(STATE, JSON.stringify(started));
  return runLeg(leg, ports, () => runWith(inputs, { ...edge, onBuild }, ports));
}

async function finish({ state, log }: Edge): Promise<Report> {
  const started = state(STATE);
  if (started === NONE) return { outcome: { status: 'succeeded', cause: '' }, outputs: {}, summary: '' };
  return afterBuild(JSON.parse(started), { processes: processes(log), clock: systemClock, log });
}
