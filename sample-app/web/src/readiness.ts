import { connect } from 'node:net';
import type { Dependency } from './config.ts';

export interface Check {
  status: 'ok' | 'failed';
  milliseconds: number;
  cause?: string;
}

const CONNECT_TIMEOUT_MS = 1_000;
/** Several load balancer nodes probe at once; one answer serves them all for this long. */
const REUSE_MS = 1_000;

/** Opens a TCP connection to a dependency and closes it again. Never rejects. */
export function reach(dependency: Dependency, timeoutMs = CONNECT_TIMEOUT_MS): Promise<Check> {
  const started = performance.now();
  return new Promise((resolve) => {
    const socket = connect({ host: dependency.host, port: dependency.port, timeout: timeoutMs });
    const end = (cause?: string) => {
      socket.destroy();
      const milliseconds = Math.round(performance.now() - started);
      resolve(cause === undefined ? { status: 'ok', milliseconds } : { status: 'failed', milliseconds, cause });
    };
    socket.once('connect', () => end());
    socket.once('timeout', () => end(`no answer within ${timeoutMs} ms`));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'connection failed'));
  });
}

/** Whether this instance should get traffic: its dependencies answer and it is not stopping. */
export class Readiness {
  readonly #dependencies: readonly Dependency[];
  #draining = false;
  #last: { at: number; checks: Promise<Record<string, Check>> } | undefined;

  constructor(dependencies: readonly Dependency[]) {
    this.#dependencies = dependencies;
  }

  get draining(): boolean {
    return this.#draining;
  }

  drain(): void {
    this.#draining = true;
  }

  async check(): Promise<{ ready: boolean; status: string; checks: Record<string, Check> }> {
    if (this.#draining) return { ready: false, status: 'draining', checks: {} };
    const checks = await this.#probe();
    const ready = Object.values(checks).every((check) => check.status === 'ok');
    return { ready, status: ready ? 'ready' : 'not ready', checks };
  }

  #probe(): Promise<Record<string, Check>> {
    const now = performance.now();
    if (!this.#last || now - this.#last.at > REUSE_MS) {
      const checks = Promise.all(this.#dependencies.map(async (one) => [one.name, await reach(one)] as const));
      this.#last = { at: now, checks: checks.then((entries) => Object.fromEntries(entries)) };
    }
    return this.#last.checks;
  }
}
