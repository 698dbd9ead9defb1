import { messageOf, Problem } from '../../../lib/errors.ts';
import type { EcsDeployInputs } from '../inputs.ts';
import type { Changes, ContainerSettings, TaskSettings } from './render.ts';

/** What the inputs change in the task definition. @throws Problem for a command or a role that cannot be one. */
export function changesOf(inputs: EcsDeployInputs): Changes {
  const names = inputs['container-name'];
  return {
    image: inputs.image,
    container: inputs.container,
    ...(names.length > 1 && { containers: names }),
    images: inputs.images,
    revision: inputs.revision,
    environmentVariables: inputs['environment-variables'],
    settings: containerSettings(inputs),
    task: taskSettings(inputs),
  };
}

function containerSettings(inputs: EcsDeployInputs): ContainerSettings {
  const { secrets } = inputs;
  const logOptions = inputs['log-configuration-options'];
  const dockerLabels = inputs['docker-labels'];
  return {
    ...(some(secrets) && { secrets }),
    ...(inputs['env-files'].length > 0 && { envFiles: inputs['env-files'] }),
    ...(inputs['log-configuration-log-driver'] !== '' && { logDriver: inputs['log-configuration-log-driver'] }),
    ...(some(logOptions) && { logOptions }),
    ...(some(dockerLabels) && { dockerLabels }),
    ...(inputs.command !== '' && { command: commandOf(inputs.command) }),
  };
}

function some(values: Readonly<Record<string, string>>): boolean {
  return Object.keys(values).length > 0;
}

/** A JSON list as it stands; anything else is words between spaces, as aws-actions reads it. No shell reads either. */
export function commandOf(text: string): string[] {
  if (!text.startsWith('[')) return text.split(/\s+/);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badCommand(text, messageOf(error));
  }
  if (!Array.isArray(value) || !value.every((word) => typeof word === 'string'))
    throw badCommand(text, 'it is no list of texts');
  return value;
}

function badCommand(seen: string, cause: string): Problem {
  return new Problem({
    what: "input 'command'",
    seen,
    cause,
    fix: 'Write words between spaces, or a JSON list such as ["node", "dist/main.js", ""]',
  });
}

/** Source: IAM user guide, "IAM ARNs". */
const ROLE = /^arn:aws[a-z-]*:iam::\d{12}:role\/.+$/;

function taskSettings(inputs: EcsDeployInputs): TaskSettings {
  for (const name of ['task-role-arn', 'execution-role-arn'] as const) {
    const seen = inputs[name];
    if (seen === '' || ROLE.test(seen)) continue;
    const fix = 'Write for instance arn:aws:iam::123456789012:role/sample-web-task';
    throw new Problem({ what: `input '${name}'`, seen, cause: "it is not a role's ARN", fix });
  }
  return {
    ...(inputs.cpu !== '' && { cpu: inputs.cpu }),
    ...(inputs.memory !== '' && { memory: inputs.memory }),
    ...(inputs['task-role-arn'] !== '' && { taskRoleArn: inputs['task-role-arn'] }),
    ...(inputs['execution-role-arn'] !== '' && { executionRoleArn: inputs['execution-role-arn'] }),
  };
}
