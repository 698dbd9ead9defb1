import { objects, textOf } from '../../lib/ecs/json.ts';
import { pinnedDigest, shortName } from '../../lib/ecs/names.ts';
import type { Report } from '../../lib/report.ts';
import { code, escapeText, heading, table } from '../../lib/summary.ts';
import { REVISION_VARIABLE } from './definition/render.ts';
import { loadDefinition, sourceOf } from './definition/source.ts';
import type { EcsDeployInputs } from './inputs.ts';
import type { EcsDeployPorts } from './ports.ts';
import { RELEASE_TAG } from './release.ts';
import { newestOf } from './revisions.ts';
import type { ServiceStatus } from './status.ts';

/** What a family's newest revision is: the status of something that has no service, such as a scheduled task. */
export async function familyStatus(inputs: EcsDeployInputs, ports: EcsDeployPorts): Promise<Report> {
  const { definition: wanted } = await loadDefinition(sourceOf(inputs['task-definition']), undefined, ports);
  const family = textOf(wanted.family);
  const newest = await newestOf(family, ports);
  const containers = objects(newest?.definition.containerDefinitions);
  const images = containers.map((c): [string, string] => [textOf(c.name), textOf(c.image)]);
  const revisions = containers.flatMap((c) => {
    const revision = textOf(objects(c.environment).find((e) => e.name === REVISION_VARIABLE)?.value);
    return revision === '' ? [] : [[textOf(c.name), revision]];
  });
  const trouble = newest ? '' : `family ${family} has no active revision`;
  const found: ServiceStatus = {
    cluster: shortName(inputs.cluster),
    service: '',
    taskDefinition: newest?.arn ?? '',
    images: Object.fromEntries(images),
    // What a schedule will start: a digest where the image is pinned to one.
    digests: Object.fromEntries(images.map(([name, image]) => [name, [pinnedDigest(image)].flatMap((d) => d ?? [])])),
    revisions: Object.fromEntries(revisions),
    release: newest?.tags[RELEASE_TAG] ?? '',
    counts: { desired: 0, running: 0, pending: 0 },
    steady: trouble === '',
    trouble,
    deployment: null,
    tasks: [],
  };
  return {
    outcome: { status: 'succeeded', cause: '' },
    outputs: {
      status: JSON.stringify(found),
      'task-definition-arn': found.taskDefinition,
      'previous-task-definition-arn': '',
      'deployment-arn': '',
      'release-fingerprint': found.release,
      'running-digests': '{}',
    },
    summary:
      heading(3, `${escapeText(family)}: ${newest ? escapeText(shortName(newest.arn)) : escapeText(trouble)}`) +
      table(
        ['Container', 'Image'],
        images.map(([name, image]) => [code(name), code(image)]),
      ),
  };
}
