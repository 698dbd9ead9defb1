import type { DemoRepository } from './repository.ts';
import { replace } from './repository.ts';

/** A push of the demo: what the developer changes, and what has to come of it. */
export interface Push {
  title: string;
  subject: string;
  change(repository: DemoRepository): Promise<void>;
  /** What has to become of each component; `absent` is one that does not ship. */
  expected: Record<string, 'succeeded' | 'rolled-back' | 'absent'>;
}

export const PUSHES: readonly Push[] = [
  {
    title: 'Push 1: the first one, everything ships',
    subject: 'Add the sample',
    change: async () => undefined,
    expected: { infra: 'succeeded', web: 'succeeded', bot: 'succeeded' },
  },
  {
    title: 'Push 2: a change of web, and only web ships',
    subject: 'Say on the health page for how long it has been up, in whole seconds',
    change: (repository) =>
      replace(repository, 'web/src/health.ts', 'Math.round(process.uptime())', 'Math.floor(process.uptime())'),
    expected: { infra: 'absent', web: 'succeeded', bot: 'absent' },
  },
  {
    title: 'Push 3: a broken web, which never gets healthy',
    subject: 'Count a container as alive only once it is ready for more',
    change: (repository) =>
      replace(
        repository,
        'web/src/health.ts',
        "app.get('/health/live', quiet, async () => ({ status: 'ok' }));",
        "app.get('/health/live', quiet, async (_request, reply) => reply.code(503).send({ status: 'waiting' }));",
      ),
    expected: { infra: 'absent', web: 'rolled-back', bot: 'absent' },
  },
];
