import type { Clock } from '../../lib/clock.ts';
import type { EcsApi, Task } from '../../lib/ecs/api.ts';
import { repositoryOf, type ServiceRef } from '../../lib/ecs/names.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { tolerable } from './deployment/tolerate.ts';
import type { Evidence } from './evidence.ts';
import { type RunningDigests, runningDigests, wrongDigests } from './running.ts';

export interface VerifyPorts {
  ecs: Pick<EcsApi, 'listTasks'>;
  evidence: Pick<Evidence, 'platformDigests'>;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

export interface Verified {
  /** What is wrong, as a sentence; '' when all is as asked. */
  wrong: string;
  running: RunningDigests;
  /** Running tasks of the revision. */
  tasks: Task[];
}

const LOOKS = 4;
const LOOK_EVERY_MS = 1_000;

/** Compares the digests of the running tasks of a revision with the images that were asked for. */
export async function verifyDigests(
  ref: ServiceRef,
  taskDefinition: string,
  images: ReadonlyMap<string, string>,
  ports: VerifyPorts,
): Promise<Verified> {
  let trouble: unknown;
  for (let look = 1; ; look++) {
    try {
      const all = await ports.ecs.listTasks(ref, 'RUNNING');
      const running = runningDigests(all, taskDefinition);
      const wrong = await reallyWrong(images, running, ports);
      const tasks = all.filter((t) => t.taskDefinitionArn === taskDefinition);
      // The list of tasks may lag behind the deployment's end.
      if (wrong === '' || look >= LOOKS) return { wrong, running, tasks };
      trouble = undefined;
    } catch (error) {
      trouble = tolerable(error);
    }
    if (trouble !== undefined && look >= LOOKS) throw trouble;
    await ports.clock.sleep(LOOK_EVERY_MS * (trouble === undefined ? 1 : look), ports.signal);
  }
}

/** What runs that should not, as a sentence; '' when all is as asked. A child of the asked index is as asked. */
export async function reallyWrong(
  images: ReadonlyMap<string, string>,
  running: RunningDigests,
  { evidence, log }: Pick<VerifyPorts, 'evidence' | 'log'>,
): Promise<string> {
  for (const { container, image, asked, running: digests } of wrongDigests(images, running)) {
    if (digests.length === 0)
      return `no running task tells the digest of container ${container}, which should be ${asked}`;
    let children: string[];
    try {
      children = await evidence.platformDigests(repositoryOf(image), asked);
    } catch (error) {
      // The definition pins the digest, so ECS can have started nothing else; it only cannot be shown.
      log.warning(
        `Container ${container} runs ${digests.join(', ')}; whether that belongs to ${asked} is not known: ${messageOf(error)}`,
      );
      continue;
    }
    if (digests.every((d) => d === asked || children.includes(d))) continue;
    return `container ${container} runs ${digests.join(' and ')}, and ${asked} was asked for`;
  }
  return '';
}
