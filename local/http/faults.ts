import { setTimeout as delay } from 'node:timers/promises';
import type { FaultEffect, Faults } from '../faults.ts';
import type { HttpReply } from './server.ts';

/** How one service words the failures it is told to have. */
export interface FaultWords {
  throttle(): HttpReply;
  denied(): HttpReply;
  failure(status: number, code: string | undefined, message: string | undefined): HttpReply;
}

/**
 * Carries out a request with the faults that strike it: refusals answer before the operation, delays and cuts "after" let it
 * happen first, so that the client cannot know.
 */
export async function withFaults(
  faults: Faults | undefined,
  about: { service: string; operation: string; input: Record<string, unknown> },
  words: FaultWords,
  carryOut: () => Promise<HttpReply>,
): Promise<HttpReply> {
  const effects = faults?.strike(about.service, about.operation, about.input) ?? [];
  const refusal = effects.map((effect) => refused(effect, words)).find((reply) => reply !== undefined);
  const reply = refusal ?? (await carryOut());
  for (const effect of effects) if ('delayMs' in effect) await delay(effect.delayMs);
  return effects.some((effect) => 'cut' in effect && effect.cut === 'after') ? { ...reply, cut: true } : reply;
}

function refused(effect: FaultEffect, words: FaultWords): HttpReply | undefined {
  if ('throttle' in effect) return words.throttle();
  if ('denied' in effect) return words.denied();
  if ('status' in effect) return words.failure(effect.status, effect.code, effect.message);
  if ('error' in effect) return words.failure(effect.httpStatus ?? 400, effect.error, effect.message);
  if ('cut' in effect && effect.cut === 'before') return { status: 0, cut: true };
  return undefined;
}
