import type { Clock } from '../lib/clock.ts';
import type { Bus } from './bus.ts';
import type { Faults } from './faults.ts';
import type { Lag } from './lag.ts';
import type { LogStore } from './logs/store.ts';

/** What every part of the local pipeline is given. */
export interface LocalContext {
  /** Unique for one start: the value of the label `slipway.local` on every container, network and volume made. */
  instance: string;
  account: string;
  region: string;
  clock: Clock;
  bus: Bus;
  faults: Faults;
  lag: Lag;
  logs: LogStore;
}

/** The label that every container and network of an instance carries. */
export const INSTANCE_LABEL = 'slipway.local';
/** The pid of the process that owns it, so that a later start can remove what a killed one left behind. */
export const PID_LABEL = 'slipway.pid';
