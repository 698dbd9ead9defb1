import { type ServiceRef, serviceName, shortName } from '../../lib/ecs/names.ts';
import type { Report } from '../../lib/report.ts';
import { Beside } from './beside.ts';
import { creationOf, madeMeanwhile, notYet, readServiceDefinition } from './create.ts';
import { loadDefinition, sourceOf } from './definition/source.ts';
import type { EcsDeployInputs } from './inputs.ts';
import { planOf } from './plan-of.ts';
import { releaseOf } from './planned-release.ts';
import type { EcsDeployPorts } from './ports.ts';
import { register } from './revisions.ts';
import { rollOut } from './rollout/roll-out.ts';
import { reportOf } from './summary.ts';

/**
 * Makes the service with the release as its first revision.
 * @returns undefined when somebody else made it in between: it has to be deployed to
 */
export async function createService(
  inputs: EcsDeployInputs,
  ref: ServiceRef,
  ports: EcsDeployPorts,
): Promise<Report | undefined> {
  const { ecs, log } = ports;
  const file = await readServiceDefinition(inputs['service-definition'], ports);
  const before = notYet(ref, file);
  const loaded = await loadDefinition(sourceOf(inputs['task-definition']), undefined, ports);
  const release = releaseOf(inputs, loaded, undefined);
  const about = { ref, release, previous: '' };
  const beside = new Beside(inputs, { ref, release, service: before.service }, ports);
  const refused = await beside.preflight();
  if (refused) return reportOf(about, beside.end('', refused));
  if (inputs['dry-run']) {
    log.info(`${serviceName(ref)} would be created`);
    return reportOf(about, { ...beside.end('', { status: 'succeeded', cause: '' }), dryRun: true });
  }
  const taskDefinition = await register(inputs, release, ports);
  const failed = await beside.before(taskDefinition);
  if (failed) return reportOf(about, beside.end(taskDefinition, failed));
  const creation = creationOf(file, taskDefinition, release.fingerprint, inputs);
  const plan = planOf(inputs, ref, before, release.definition);
  const begin = async () => {
    log.info(`Creating ${serviceName(ref)} with ${shortName(taskDefinition)}`);
    return ecs.createService(ref, creation);
  };
  try {
    const rollout = await rollOut(
      {
        ...plan,
        taskDefinition,
        images: release.images,
        force: false,
        begin,
        desiredCount: before.service.desiredCount,
      },
      ports,
    );
    const outcome = await beside.after(taskDefinition, rollout.outcome);
    return reportOf(about, { ...beside.end(taskDefinition, outcome), running: rollout.running, rollout });
  } catch (error) {
    if (!madeMeanwhile(error)) throw error;
    log.info(`${serviceName(ref)} was created by somebody else in between: deploying to it`);
    return undefined;
  }
}
