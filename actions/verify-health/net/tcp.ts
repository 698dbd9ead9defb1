import type { Socket } from 'node:net';
import type { Operators } from '../../../lib/config/verify.ts';
import type { Answer } from '../answer.ts';
import { wrongBy } from '../expect/operators.ts';
import { certificateOf } from './dial.ts';
import { type Attempt, BODY_LIMIT, type Dialler } from './http.ts';
import { tooLate } from './within.ts';

/**
 * Connects, with TLS for tls://, sends the body where one is given, and reads until what `expect.body` asks for is there: a port that
 * is open proves little, a greeting proves more.
 */
export async function askTcp(attempt: Attempt, dialler: Dialler): Promise<Omit<Answer, 'ms'>> {
  const { target } = attempt;
  const socket = await dialler.connect(attempt, new URL(target.url));
  try {
    if (target.body !== undefined) socket.write(target.body);
    const certificate = certificateOf(socket);
    const { body: wanted } = target.wanted.expect;
    const body = wanted === undefined ? '' : await greeting(socket, satisfied(wanted), attempt);
    return { status: 0, headers: {}, body, url: target.url, certificate };
  } finally {
    socket.on('error', () => undefined).destroy();
  }
}

/** Whether what was said so far is what is waited for; what must not be said can only be judged in the end. */
function satisfied(wanted: string | Operators): (said: string) => boolean {
  const operators = typeof wanted === 'string' ? { matches: wanted } : wanted;
  const positive = Object.keys(operators).every((name) =>
    ['matches', 'contains', 'equals', 'one-of', 'min-length'].includes(name),
  );
  return (said) => positive && wrongBy(said, operators) === undefined;
}

/** What the peer says until it is what is waited for, or it says no more; what was said until the attempt's time is over is left in `partial`. */
function greeting(socket: Socket, enough: (said: string) => boolean, attempt: Attempt): Promise<string> {
  const { target, signal, timings } = attempt;
  const started = performance.now();
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    const end = (error?: unknown) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      if (attempt.partial === undefined && error !== undefined) reject(error);
      else resolve(attempt.partial ?? '');
    };
    const ms = target.deadlines.firstByte;
    const timer = setTimeout(() => size === 0 && end(tooLate(ms, 'first byte')), ms);
    const onAbort = () => end(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('data', (chunk: Buffer) => {
      timings.firstByte ??= performance.now() - started;
      chunks.push(chunk);
      size += chunk.length;
      attempt.partial = Buffer.concat(chunks).toString('utf8');
      if (size >= BODY_LIMIT || enough(attempt.partial)) end();
    });
    socket.on('end', () => end());
    socket.on('error', end);
  });
}
