import type { FastifyInstance } from 'fastify';
import type { Config } from './config.ts';
import type { Readiness } from './readiness.ts';

/** Three questions that probes ask: what runs (`/health`), may it get traffic (`ready`), must it be restarted (`live`). */
export function addHealth(app: FastifyInstance, config: Config, readiness: Readiness): void {
  // Probes come every few seconds; only their failures are worth a line in the log.
  const quiet = { logLevel: 'warn' } as const;

  app.get('/health', quiet, async () => ({
    status: readiness.draining ? 'draining' : 'ok',
    version: config.version,
    revision: config.revision,
    digest: config.digest,
    uptime: Math.round(process.uptime()),
  }));

  app.get('/health/ready', quiet, async (_request, reply) => {
    const { ready, status, checks } = await readiness.check();
    return reply.code(ready ? 200 : 503).send({ status, checks });
  });

  // Alive as long as the event loop answers: a dead database must not get this process restarted.
  app.get('/health/live', quiet, async () => ({ status: 'ok' }));
}
