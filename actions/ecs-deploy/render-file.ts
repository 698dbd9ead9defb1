import { textOf } from '../../lib/ecs/json.ts';
import { Problem } from '../../lib/errors.ts';
import type { Report } from '../../lib/report.ts';
import { code, escapeText, heading, table } from '../../lib/summary.ts';
import { changesOf } from './definition/changes.ts';
import { render } from './definition/render.ts';
import { loadDefinition, sourceOf } from './definition/source.ts';
import type { EcsDeployInputs } from './inputs.ts';
import type { EcsDeployPorts } from './ports.ts';
import { releaseFingerprint } from './release.ts';

/** Writes the definition with the inputs put in to a file for a later step, and asks AWS for nothing but a source that lies there. */
export async function renderFile(inputs: EcsDeployInputs, ports: EcsDeployPorts): Promise<Report> {
  if (inputs['task-definition'] === '')
    throw new Problem({
      what: "input 'task-definition'",
      cause: 'it is empty, so there is nothing to render',
      fix: 'Set it to a file, a family or an ARN',
    });
  const loaded = await loadDefinition(sourceOf(inputs['task-definition']), undefined, ports);
  const { definition, images } = render(loaded.definition, changesOf(inputs));
  const tags = Object.entries(loaded.tags).map(([key, value]) => ({ key, value }));
  const text = `${JSON.stringify({ ...definition, ...(tags.length > 0 && { tags }) }, null, 2)}\n`;
  const path = (await ports.writeText?.(`task-definition-${textOf(definition.family)}.json`, text)) ?? '';
  ports.log.info(`Wrote ${path}`);
  const rows = [...images].map(([name, image]) => [code(name), code(image)]);
  return {
    outcome: { status: 'succeeded', cause: '' },
    outputs: { 'task-definition': path, 'release-fingerprint': releaseFingerprint(definition, {}) },
    summary:
      heading(3, `${escapeText(textOf(definition.family))}: rendered`) +
      (rows.length > 0 ? table(['Container', 'Image'], rows) : ''),
  };
}

/** For a step that deploys nothing though the action is called ecs-deploy: says so where nobody can miss it. */
export async function renderInstead(inputs: EcsDeployInputs, ports: EcsDeployPorts): Promise<Report> {
  const cause =
    'nothing was deployed: container-name is given, and neither cluster nor service, so the task definition was only rendered';
  const report = await renderFile(inputs, ports);
  return {
    ...report,
    outcome: { status: 'unchanged', cause },
    summary: `${report.summary}${escapeText(cause)}.\n\n`,
    annotations: [
      {
        level: 'notice',
        title: 'Nothing was deployed',
        message: `${cause}. Set \`operation: render\` when that is meant, else \`cluster\` and \`service\``,
      },
    ],
  };
}
