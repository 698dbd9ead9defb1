import type { Json } from './json.ts';

/** As much of an SDK command as the middlewares below need; the SDK's own type depends on every service's input. */
interface Stack {
  add(
    middleware: (next: Handler) => Handler,
    options: { step: 'serialize' | 'deserialize'; name: string; priority: 'low' },
  ): void;
}
type Handler = (args: Args) => Promise<Answer>;
interface Args {
  request?: { body?: unknown };
}
interface Answer {
  response?: { body?: unknown; headers?: Record<string, string> };
}

/**
 * Sends this very body instead of what the SDK makes of the command's input: the SDK leaves out every field that is not in
 * its own schema, and ECS gets new ones more often than anyone updates an SDK. It takes the place before the request's
 * length is counted and the request is signed.
 */
export function sendExactly(command: { middlewareStack: unknown }, body: object): void {
  const bytes = JSON.stringify(body);
  (command.middlewareStack as Stack).add(
    (next) => (args) => {
      if (args.request) args.request.body = bytes;
      return next(args);
    },
    { step: 'serialize', name: 'slipwayExactBody', priority: 'low' },
  );
}

/** What the answer held before the SDK dropped the fields that it does not know. */
export interface Captured {
  /** The whole answer; undefined until it has come. */
  body?: Json | undefined;
  /** The service's own clock (the Date header), in milliseconds since the epoch. */
  at?: number;
}

/** Keeps the raw answer of a command beside what the SDK makes of it. */
export function captureAnswer(command: { middlewareStack: unknown }, options: { body: boolean }): Captured {
  const captured: Captured = {};
  (command.middlewareStack as Stack).add(
    (next) => async (args) => {
      const answer = await next(args);
      const { response } = answer;
      const at = Date.parse(response?.headers?.date ?? '');
      if (!Number.isNaN(at)) captured.at = at;
      if (options.body && response) {
        const bytes = await readAll(response.body);
        response.body = bytes;
        captured.body = parsed(bytes);
      }
      return answer;
    },
    { step: 'deserialize', name: 'slipwayCapture', priority: 'low' },
  );
  return captured;
}

async function readAll(body: unknown): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function parsed(bytes: Uint8Array): Json | undefined {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as Json;
  } catch {
    // An error page of a proxy in between; the SDK explains that one.
    return undefined;
  }
}
