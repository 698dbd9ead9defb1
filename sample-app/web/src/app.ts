import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import type { Config } from './config.ts';
import { addHealth } from './health.ts';
import { logging } from './logging.ts';
import { addMetrics } from './metrics.ts';
import { addPage, CONTENT_SECURITY_POLICY } from './page.ts';
import { Readiness } from './readiness.ts';
import { addSearch } from './search.ts';

/** What a request id from outside may look like; anything else could forge log lines and is replaced. */
const REQUEST_ID = /^[\w.:-]{8,128}$/;

const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cache-control': 'no-store',
};

export interface Application {
  app: FastifyInstance;
  readiness: Readiness;
}

/** The service with all its routes, not yet listening. */
export function createApp(config: Config): Application {
  const readiness = new Readiness(config.dependencies);
  const app = Fastify({
    ...logging(config),
    bodyLimit: 16 * 1024,
    requestTimeout: 30_000,
    // Longer than the idle time of the load balancer in front (60 s by default), which otherwise
    // sends a request on a connection that this side is just closing.
    keepAliveTimeout: 65_000,
    // A request that arrives on an open connection while stopping is still answered.
    return503OnClosing: false,
    genReqId: ({ headers }) => {
      const given = headers['x-request-id'];
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    },
    // A number in quotes is not a number, and an unknown property is a mistake worth telling.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
  });

  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...HEADERS, 'x-request-id': request.id });
  });
  // While stopping, clients are asked to take their next request elsewhere.
  app.addHook('onSend', async (_request, reply) => {
    if (readiness.draining) reply.header('connection', 'close');
  });
  addErrors(app);
  addMetrics(app, config);
  addHealth(app, config, readiness);
  addPage(app, config);
  addSearch(app);
  app.get('/api/v1/info', async () => ({
    name: 'sample-web',
    version: config.version,
    revision: config.revision,
    commit: config.revision,
    digest: config.digest,
    environment: config.environment,
    node: process.version,
  }));
  return { app, readiness };
}

/** Every error has one shape; the text of an unexpected one stays in the log. */
function addErrors(app: FastifyInstance): void {
  app.setNotFoundHandler(async (request, reply) =>
    reply.code(404).send({ error: { code: 'not_found', message: 'No such resource.', requestId: request.id } }),
  );
  app.setErrorHandler<FastifyError>(async (error, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) request.log.error({ err: error }, 'request failed');
    const known = status >= 400 && status < 500;
    return reply.code(known ? status : 500).send({
      error: {
        code: error.validation ? 'invalid_request' : known ? (error.code ?? 'bad_request').toLowerCase() : 'internal',
        message: known ? error.message : 'Something went wrong on our side.',
        requestId: request.id,
      },
    });
  });
}
