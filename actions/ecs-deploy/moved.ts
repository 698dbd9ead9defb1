import { Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { EcsDeployInputs } from './inputs.ts';

/** Six hours, the most that the actions of aws-actions wait. */
const MOST_MINUTES = 360;

/**
 * The inputs with the names of aws-actions/amazon-ecs-deploy-task-definition and -render-task-definition turned into ours, so
 * that a workflow written for those means the same here.
 * @throws Problem where an old and a new name say different things.
 */
export function settled(inputs: EcsDeployInputs, log: Pick<Log, 'info'>): EcsDeployInputs {
  const taskDefinition = definitionOf(inputs);
  const names = inputs['container-name'];
  const [only, ...more] = names;
  if (only !== undefined && inputs.container !== '' && (more.length > 0 || only !== inputs.container))
    throw twice('container-name', names.join(','), 'container', inputs.container);
  const minutes = inputs['wait-for-minutes'];
  if (inputs['wait-for-service-stability'] === false)
    log.info('wait-for-service-stability: false is not followed: a deployment that nobody watches has no outcome');
  return {
    ...inputs,
    'task-definition': taskDefinition,
    container: inputs.container || (more.length === 0 ? (only ?? '') : ''),
    // One image for several containers is an image of each.
    ...(more.length > 0 &&
      inputs.image !== '' && {
        image: '',
        images: { ...Object.fromEntries(names.map((name) => [name, inputs.image])), ...inputs.images },
      }),
    ...(minutes !== undefined && { timeout: Math.min(minutes, MOST_MINUTES) * 60_000 }),
  };
}

/** A file has precedence over an ARN, and that over a family, as there. */
function definitionOf(inputs: EcsDeployInputs): string {
  const { 'task-definition': file, 'task-definition-arn': arn, 'task-definition-family': family } = inputs;
  const revision = inputs['task-definition-revision'];
  if (revision !== '' && !/^\d+$/.test(revision))
    throw new Problem({
      what: "input 'task-definition-revision'",
      seen: revision,
      cause: 'it is not the number of a revision',
      fix: 'Write the number alone, such as 7, with `task-definition-family`',
    });
  if (revision !== '' && family === '' && arn === '' && file === '')
    throw new Problem({
      what: "input 'task-definition-revision'",
      seen: revision,
      cause: 'a revision alone names no task definition',
      fix: 'Set `task-definition-family` too, or write family:revision in `task-definition`',
    });
  return file || arn || (family === '' ? '' : [family, revision].filter(Boolean).join(':'));
}

function twice(a: string, seenA: string, b: string, seenB: string): Problem {
  return new Problem({
    what: `inputs '${a}' and '${b}'`,
    cause: `they mean the same and say different things: ${JSON.stringify(seenA)} and ${JSON.stringify(seenB)}`,
    fix: `Keep \`${b}\` alone`,
  });
}
