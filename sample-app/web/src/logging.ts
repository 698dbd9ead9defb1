import { type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import type { Config } from './config.ts';

/** One line for every request, when it is answered; the query string stays out, as it may carry what a user typed. */
class RequestLog extends LogController {
  override incomingRequest(): void {}

  override requestCompleted(error: Error | null | undefined, request: FastifyRequest, reply: FastifyReply): void {
    const line = {
      method: request.method,
      path: request.url.split('?', 1)[0],
      status: reply.statusCode,
      milliseconds: Math.round(reply.elapsedTime * 10) / 10,
      client: request.ip,
    };
    if (error) request.log.error({ ...line, err: error }, 'request failed');
    else request.log.info(line, 'request');
  }

  override routeNotFound(): void {}
}

/** Fastify's options for JSON logs: one object a line, with time, level, service and revision. */
export function logging(config: Config) {
  return {
    logger: {
      level: config.logLevel,
      base: { service: 'sample-web', revision: config.revision },
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label: string) => ({ level: label }) },
    },
    logController: new RequestLog({ requestIdLogLabel: 'requestId' }),
  };
}
