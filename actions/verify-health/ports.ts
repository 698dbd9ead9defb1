import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { BalancerMetrics } from './balancer/metrics.ts';
import type { OpenProber } from './probe.ts';

export interface VerifyPorts {
  openProber: OpenProber;
  /** The load balancer's metrics; loaded when asked for. */
  openMetrics(): Promise<BalancerMetrics>;
  readText(path: string): Promise<string>;
  /** Keeps a file for later steps. @returns its path */
  writeText(name: string, text: string): Promise<string>;
  clock: Clock;
  /** From 0 to below 1. */
  random(): number;
  log: Log;
  signal: AbortSignal;
}
