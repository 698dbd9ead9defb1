import type { DescribedService, StoredDefinition } from '../../lib/ecs/api.ts';
import { type JsonObject, textOf } from '../../lib/ecs/json.ts';
import { pinnedDigest, type ServiceRef, serviceName, shortName } from '../../lib/ecs/names.ts';
import { Problem } from '../../lib/errors.ts';
import type { Report } from '../../lib/report.ts';
import { Beside } from './beside.ts';
import { checkForCodeDeploy } from './codedeploy/inputs.ts';
import { creationOf, findService, madeMeanwhile, notYet, readServiceDefinition } from './create.ts';
import { changesOf } from './definition/changes.ts';
import { type Difference, diffDefinitions, diffLines } from './definition/diff.ts';
import { render } from './definition/render.ts';
import { fromStored, type LoadedDefinition, loadDefinition, sourceOf } from './definition/source.ts';
import { candidatesOf } from './deployment/find.ts';
import type { EcsDeployInputs } from './inputs.ts';
import { isSame, newestOf } from './register.ts';
import { ownTags, releaseFingerprint, releaseTags } from './release.ts';
import { type Rollout, type RolloutPlan, rollOut } from './rollout.ts';
import type { EcsDeployPorts } from './run.ts';
import { isCodeDeploy, runningDigests, servingDefinition, unsettled } from './running.ts';
import { needsNewTasks, settingsDiffer, settingsOf } from './settings.ts';
import { configurationChange } from './strategy/configuration.ts';
import { plannedMs } from './strategy/pace.ts';
import { reportOf } from './summary.ts';
import { reallyWrong } from './verification.ts';

export interface Release {
  definition: JsonObject;
  /** The user's tags; ours are added when it is registered. */
  tags: Record<string, string>;
  fingerprint: string;
  /** Containers whose image this run asks for. */
  images: ReadonlyMap<string, string>;
  /** Against what the service is set to now. */
  differences: Difference[];
}

/** Registers what changed, sets the service to it, and sees it through. */
export async function deploy(inputs: EcsDeployInputs, ports: EcsDeployPorts): Promise<Report> {
  const ref = { cluster: inputs.cluster, service: inputs.service };
  const { log } = ports;
  const before = await findService(inputs, ref, ports);
  if (!before) return createService(inputs, ref, ports);
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

/** Makes the service with the release as its first revision. */
async function createService(inputs: EcsDeployInputs, ref: ServiceRef, ports: EcsDeployPorts): Promise<Report> {
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
    return deploy(inputs, ports);
  }
}

/** As many as ECS's own circuit breaker takes at least. */
const FAIL_FAST = 3;
const TIMEOUT_MS = 15 * 60_000;

/** What every rollout of this service has in common. */
export function planOf(
  inputs: EcsDeployInputs,
  ref: ServiceRef,
  before: DescribedService,
  definition: JsonObject,
  configuration = before.service.deploymentConfiguration,
): Omit<RolloutPlan, 'taskDefinition' | 'images' | 'force'> {
  return {
    ref,
    before,
    definition,
    previous: before.service.taskDefinition ?? '',
    desiredCount: inputs['desired-count'],
    settings: settingsOf(inputs),
    waitFor: inputs['wait-for'],
    timeoutMs: inputs.timeout ?? TIMEOUT_MS + plannedMs(configuration),
    onCancel: inputs['on-cancel'],
    failFast: inputs['fail-fast'] ?? FAIL_FAST,
    stableForMs: inputs['stable-for'],
    rollbackOnFailure: inputs['rollback-on-failure'],
  };
}

function releaseOf(inputs: EcsDeployInputs, loaded: LoadedDefinition, running: StoredDefinition | undefined): Release {
  const { definition, images } = render(loaded.definition, changesOf(inputs));
  const service = settingsOf(inputs);
  const settings = {
    desiredCount: inputs['desired-count'],
    ...(Object.keys(service).length > 0 && { service: service as JsonObject }),
  };
  return {
    definition,
    tags: ownTags(loaded.tags),
    images,
    fingerprint: releaseFingerprint(definition, settings),
    differences: diffDefinitions(running && fromStored(running).definition, definition),
  };
}

async function whyNotUnchanged(
  inputs: EcsDeployInputs,
  ref: ServiceRef,
  { service }: DescribedService,
  running: StoredDefinition,
  release: Release,
  ports: EcsDeployPorts,
): Promise<string> {
  const why =
    unsettled(service, running.arn, inputs['desired-count']) ||
    movable(release.images) ||
    settingsDiffer(service, settingsOf(inputs));
  if (why !== '') return say(ports, why);
  const found = runningDigests(await ports.ecs.listTasks(ref, 'RUNNING'), running.arn);
  const wrong = service.desiredCount === 0 ? '' : await reallyWrong(release.images, found, ports);
  return wrong === '' ? '' : say(ports, wrong);
}

function say({ log }: EcsDeployPorts, why: string): string {
  log.info(`The task definition is as it should be, but ${why}`);
  return why;
}

function movable(images: ReadonlyMap<string, string>): string {
  for (const [container, image] of images)
    if (pinnedDigest(image) === undefined)
      return `the image of container ${container} is named by a tag, which may have moved`;
  return '';
}

async function digests(ref: ServiceRef, running: StoredDefinition, { ecs }: EcsDeployPorts) {
  return runningDigests(await ecs.listTasks(ref, 'RUNNING'), running.arn);
}

interface Stored {
  /** What serves. */
  running: StoredDefinition;
  /** The newest of its family. */
  newest: StoredDefinition | undefined;
}

/** Both by one call where they are the same, which they are unless a release failed or was taken back. */
async function storedOf(serving: string, ports: EcsDeployPorts): Promise<Stored> {
  const newest = await newestOf(shortName(serving).split(':')[0] ?? '', ports);
  const running = newest?.arn === serving ? newest : await ports.ecs.describeTaskDefinition(serving);
  return { running, newest };
}

/**
 * Registers the release, or finds that the family's newest revision is it already (a deployment of it that failed before).
 * @param known the newest revision of a family that was read already
 */
async function register(
  inputs: EcsDeployInputs,
  release: Release,
  { ecs, log }: EcsDeployPorts,
  known?: StoredDefinition,
): Promise<string> {
  const family = textOf(release.definition.family);
  const newest = textOf(known?.definition.family) === family ? known : await newestOf(family, { ecs });
  if (newest && isSame(newest, release.definition, release.fingerprint)) {
    log.info(`${shortName(newest.arn)} is registered already`);
    return newest.arn;
  }
  const arn = await ecs.registerTaskDefinition(release.definition, {
    ...release.tags,
    ...releaseTags(release.fingerprint, inputs),
  });
  log.info(`Registered ${shortName(arn)}`);
  return arn;
}

const GOING = new Set(['PENDING', 'IN_PROGRESS']);

/** The deployment of this very revision that an earlier, cut-short run has started. */
async function underWay(
  ref: ServiceRef,
  { service }: DescribedService,
  taskDefinition: string,
  { ecs, log }: EcsDeployPorts,
) {
  const primary = service.deployments?.find((d) => d.status === 'PRIMARY');
  // Only rolling deployments have a rolloutState.
  if ((primary?.rolloutState ?? 'IN_PROGRESS') !== 'IN_PROGRESS') return undefined;
  const [newest] = await ecs.listDeployments(ref);
  if (!newest || !GOING.has(newest.status ?? '')) return undefined;
  const [candidate] = await candidatesOf(ecs, [newest]);
  if (candidate?.taskDefinition !== taskDefinition) return undefined;
  log.info(`A deployment of ${shortName(taskDefinition)} is under way already: following it`);
  return candidate.serviceDeploymentArn;
}

async function tagService(
  inputs: EcsDeployInputs,
  { service }: DescribedService,
  fingerprint: string,
  { outcome, reached }: Rollout,
  { ecs, log }: EcsDeployPorts,
): Promise<void> {
  // What has only come to a stage may still be turned back.
  if (outcome.status !== 'succeeded' || reached) return;
  try {
    await ecs.tag(service.serviceArn ?? '', releaseTags(fingerprint, inputs));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    // The release serves; only what tells its name from outside is missing.
    log.warning(`The service carries no tag of its release: ${error.message}`);
  }
}

/** @throws Problem for a service that neither ECS nor CodeDeploy deploys, and for inputs that its controller has no use for. */
export function checkController(ref: ServiceRef, { service }: DescribedService, inputs: EcsDeployInputs): void {
  const type = service.deploymentController?.type ?? 'ECS';
  if (type === 'ECS') return;
  if (type === 'CODE_DEPLOY') {
    checkForCodeDeploy(inputs);
    return;
  }
  throw new Problem({
    what: serviceName(ref),
    seen: type,
    cause:
      'another program makes its deployments out of task sets: ECS keeps neither its revisions nor its traffic, so nobody but that program knows when one is done',
    fix: 'Deploy it with that program; or make the service anew with the deployment controller ECS, whose blue/green, linear and canary strategies shift traffic and pause as task sets were used for (`strategy`)',
    kind: 'config',
  });
}
