import type { DescribedService, StoredDefinition } from '../../lib/ecs/api.ts';
import { pinnedDigest, type ServiceRef } from '../../lib/ecs/names.ts';
import type { EcsDeployInputs } from './inputs.ts';
import type { Release } from './planned-release.ts';
import type { EcsDeployPorts } from './ports.ts';
import { runningDigests, unsettled } from './running.ts';
import { settingsDiffer, settingsOf } from './settings.ts';
import { reallyWrong } from './verification.ts';

/** Why a service of this very definition has to be deployed to all the same; '' when it really runs just that. */
export async function whyNotUnchanged(
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

/** The digests that the tasks of the revision run now. */
export async function digests(ref: ServiceRef, running: StoredDefinition, { ecs }: EcsDeployPorts) {
  return runningDigests(await ecs.listTasks(ref, 'RUNNING'), running.arn);
}
