import * as v from 'valibot';
import { beforeStep } from '../../../lib/config/schema.ts';
import type { Json } from '../../../lib/ecs/json.ts';
import type { TaskRequest } from '../../../lib/ecs/tasks.ts';
import { parseDuration } from '../../../lib/inputs.ts';

/** What the inputs `before` and `after` hold. */
export const stepsSchema = v.array(beforeStep);
export type StepInput = v.InferOutput<typeof beforeStep>;

/** One task to run beside the deployment, with its defaults settled. */
export interface TaskStep {
  name: string;
  /** Program and arguments; undefined runs the task definition as it is. */
  command?: readonly string[] | undefined;
  /** Container that runs the command and whose exit code decides; '' for the whole task. */
  container: string;
  environment: Readonly<Record<string, string>>;
  timeoutMs: number;
  /** False starts it and looks no further. */
  wait: boolean;
  /** More of RunTask's members, as the user wrote them. */
  request: Partial<TaskRequest>;
  overrides: readonly Json[];
}

/** Ten minutes, as `before` in the config file promises. */
const TIMEOUT = '10m';

/** @param container the one that is deployed, for a step that names none */
export function stepOf(input: StepInput, container: string): TaskStep {
  return {
    name: input.name,
    command: input.command,
    container: input.container ?? container,
    environment: Object.fromEntries(
      Object.entries(input['environment-variables'] ?? {}).map(([name, value]) => [name, String(value)]),
    ),
    timeoutMs: parseDuration(input.timeout ?? TIMEOUT) ?? 0,
    wait: true,
    request: {},
    overrides: [],
  };
}
