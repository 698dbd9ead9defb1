import { type Clock, systemClock } from '../../../lib/clock.ts';
import { readInputs } from '../../../lib/inputs.ts';
import { recordingLog } from '../../../lib/log.ts';
import { fields } from '../inputs.ts';
import type { VerifyPorts } from '../ports.ts';
import { networkProbers } from '../probe.ts';
import { run } from '../run.ts';

/** Inputs that wait little between attempts, and long in all: a busy machine must not decide what a test sees. */
const FAST = { interval: '10ms', 'max-interval': '20ms', timeout: '60s', successes: '2' };

/** A clock by which the time to become healthy is over after so many attempts. */
function clockFor(attempts: number): Clock {
  let waits = 0;
  return {
    now: () => Date.now() + (waits >= attempts ? 3_600_000 : 0),
    sleep: async (ms, signal) => {
      waits++;
      if (waits < attempts) await systemClock.sleep(ms, signal);
    },
  };
}

/** The action over the real network of this machine, and nothing of a runner. `attempts` ends the waiting for health. */
export async function verify(
  given: Record<string, string>,
  over: Partial<VerifyPorts> & { env?: NodeJS.ProcessEnv } = {},
) {
  const { attempts, ...rest }: Record<string, string> = { ...FAST, ...given };
  const inputs = readInputs(fields, (name) => rest[name] ?? '');
  const log = recordingLog();
  const files = new Map<string, string>();
  const { env = {}, ...ports } = over;
  const report = await run(inputs, {
    openProber: networkProbers(env),
    openMetrics: () => Promise.reject(new Error('nobody asked for metrics')),
    readText: async (path) => {
      const text = files.get(path);
      if (text === undefined) throw new Error('no such file');
      return text;
    },
    writeText: async (name, text) => {
      files.set(name, text);
      return name;
    },
    clock: attempts === undefined ? systemClock : clockFor(Number(attempts)),
    random: Math.random,
    log,
    signal: new AbortController().signal,
    ...ports,
  });
  return { ...report, log: log.lines, masked: log.masked, files };
}
