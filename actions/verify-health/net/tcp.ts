import type { Socket } from 'node:net';
import type { Answer } from '../answer.ts';
import { certificateOf } from './dial.ts';
import { type Attempt, BODY_LIMIT, type Dialler } from './http.ts';
import { limit } from './within.ts';

/**
 * Connects, with TLS for tls://, sends the body where one is given, and reads until the expression of `expect.body` matches: a port that
 * is open proves little, a greeting proves more.
 */
export async function askTcp(attempt: Attempt, dialler: Dialler): Promise<Omit<Answer, 'ms'>> {
  const { target, signal } = attempt;
  const socket = await dialler.connect(attempt, new URL(target.url));
  try {
    if (target.body !== undefined) socket.write(target.body);
    const { body: wanted } = target.wanted.expect;
    const body =
      wanted === undefined
        ? ''
        : await greeting(socket, typeof wanted === 'string' ? new RegExp(wanted, 'u') : undefined, attempt);
    return { status: 0, headers: {}, body, url: target.url, certificate: certificateOf(socket) };
  } finally {
    socket.on('error', () => undefined).destroy();
    signal.throwIfAborted();
  }
}

/** What the peer says until it is what is waited for, falls silent for good, or has said enough. */
async function greeting(
  socket: Socket,
  wanted: RegExp | undefined,
  { target, signal, timings }: Attempt,
): Promise<string> {
  const started = performance.now();
  const first = limit(signal, target.deadlines.firstByte, 'first byte');
  const chunks: Buffer[] = [];
  let size = 0;
  const text = () => Buffer.concat(chunks).toString('utf8');
  return new Promise((resolve, reject) => {
    const done = (settle: () => void) => {
      first.end();
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    const onAbort = () => done(() => (size > 0 ? resolve(text()) : reject(signal.reason)));
    signal.addEventListener('abort', onAbort, { once: true });
    first.signal.addEventListener('abort', () => size === 0 && done(() => reject(first.signal.reason)), { once: true });
    socket.on('data', (chunk: Buffer) => {
      timings.firstByte ??= performance.now() - started;
      chunks.push(chunk);
      size += chunk.length;
      if (size >= BODY_LIMIT || (wanted?.test(text()) ?? false)) done(() => resolve(text()));
    });
    socket.on('end', () => done(() => resolve(text())));
    socket.on('error', (error) => done(() => (size > 0 ? resolve(text()) : reject(error))));
  });
}
