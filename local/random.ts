import { createHash } from 'node:crypto';

/**
 * A number in [0, 1) that depends on nothing but its arguments. Each place that needs chance draws by its own name and
 * count, so that the answers do not depend on which of two concurrent requests came first.
 */
export function chance(seed: number, name: string, count: number): number {
  const hash = createHash('sha256').update(`${seed}\0${name}\0${count}`).digest();
  return hash.readUIntBE(0, 6) / 2 ** 48;
}
