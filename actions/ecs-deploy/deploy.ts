import { serviceName, shortName } from '../../lib/ecs/names.ts';
import type { Report } from '../../lib/report.ts';
import { Beside } from './beside.ts';
import { checkController } from './controller.ts';
import { findService } from './create.ts';
import { createService } from './create-service.ts';
import { diffLines } from './definition/diff.ts';
import { loadDefinition, sourceOf } from './definition/source.ts';
import type { EcsDeployInputs } from './inputs.ts';
import { planOf } from './plan-of.ts';
import { releaseOf } from './planned-release.ts';
import type { EcsDeployPorts } from './ports.ts';
import { isSame, register, storedOf } from './revisions.ts';
import { rollOut } from './rollout/roll-out.ts';
import { isCodeDeploy, servingDefinition } from './running.ts';
import { needsNewTasks, settingsOf } from './settings.ts';
import { configurationChange } from './strategy/configuration.ts';
import { reportOf } from './summary.ts';
import { tagService } from './tag-service.ts';
import { digests, whyNotUnchanged } from './unchanged.ts';
import { underWay } from './under-way.ts';

/** Registers what changed, sets the service to it, and sees it through. */
export async function deploy(inputs: EcsDeployInputs, ports: EcsDeployPorts): Promise<Report> {
  const ref = { cluster: inputs.cluster, service: inputs.service };
  const { log } = ports;
  const before = await findService(inputs, ref, ports);
  if (!before) return (await createService(inputs, ref, ports)) ?? deploy(inputs, ports);
  checkController(ref, before, inputs);
  const codeDeploy = isCodeDeploy(before.service);
  const { running, newest } = await storedOf(servingDefinition(before.service), ports);
  const loaded = await loadDefinition(sourceOf(inputs['task-definition']), running, ports);
  const release = releaseOf(inputs, loaded, running);
  const change = codeDeploy ? undefined : configurationChange(ref, inputs, before.service);
  if (change) release.differences.push(...change.differences);
  await log.group(`Changes against ${shortName(running.arn)}`, async () => {
    for (const line of diffLines(release.differences)) log.info(line);
    if (release.differences.length === 0) log.info('none');
  });
  const same = isSame(running, release.definition, release.fingerprint);
  const settled =
    same && !inputs['force-new-deployment']
      ? await whyNotUnchanged(inputs, ref, before, running, release, ports)
      : 'it differs';
  const about = { ref, release, previous: running.arn };
  if (settled === '' && !change) {
    const cause = `${serviceName(ref)} already runs ${shortName(running.arn)} with these images and settings`;
    return reportOf(about, {
      taskDefinition: running.arn,
      outcome: { status: 'unchanged', cause },
      running: await digests(ref, running, ports),
    });
  }
  const beside = new Beside(inputs, { ref, release, service: before.service }, ports);
  const refused = await beside.preflight();
  if (refused) return reportOf(about, beside.end(running.arn, refused));
  if (inputs['dry-run'])
    return reportOf(about, { ...beside.end(running.arn, { status: 'succeeded', cause: '' }), dryRun: true });
  const taskDefinition = same ? running.arn : await register(inputs, release, ports, newest);
  if (codeDeploy) {
    const failed = await beside.before(taskDefinition);
    if (failed) return reportOf(about, beside.end(taskDefinition, failed));
    const { deployByCodeDeploy } = await import('./codedeploy/deploy.ts');
    const { definition, images } = release;
    const rollout = await deployByCodeDeploy(inputs, { ref, before, taskDefinition, definition, images }, ports);
    await tagService(inputs, before, release.fingerprint, rollout, ports);
    const outcome = await beside.after(taskDefinition, rollout.outcome);
    return reportOf(about, { ...beside.end(taskDefinition, outcome), running: rollout.running, rollout });
  }
  const resume = same ? await underWay(ref, before, running.arn, ports) : undefined;
  if (resume && change)
    log.warning('The deployment under way keeps the configuration that it began with; run this again after it');
  // A deployment that is followed had its tasks before it.
  const failed = resume === undefined ? await beside.before(taskDefinition) : undefined;
  if (failed) return reportOf(about, beside.end(taskDefinition, failed));
  const countOnly = inputs['desired-count'] !== undefined && before.service.desiredCount !== inputs['desired-count'];
  const rollout = await rollOut(
    {
      ...planOf(inputs, ref, before, release.definition, change?.configuration),
      taskDefinition,
      images: release.images,
      // ECS starts nothing for a revision that is set already, unless it is told to; a strategy alone needs no new tasks.
      force:
        inputs['force-new-deployment'] ||
        (same && resume === undefined && !countOnly && settled !== '') ||
        needsNewTasks(before.service, settingsOf(inputs)),
      configuration: change?.configuration,
      resume,
    },
    ports,
  );
  await tagService(inputs, before, release.fingerprint, rollout, ports);
  const outcome = await beside.after(taskDefinition, rollout.outcome);
  return reportOf(about, { ...beside.end(taskDefinition, outcome), running: rollout.running, rollout });
}
