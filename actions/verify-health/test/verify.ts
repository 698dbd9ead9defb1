import { systemClock } from '../../../lib/clock.ts';
import { readInputs } from '../../../lib/inputs.ts';
import { recordingLog } from '../../../lib/log.ts';
import { fields } from '../inputs.ts';
import type { VerifyPorts } from '../ports.ts';
import { networkProbers } from '../probe.ts';
import { run } from '../run.ts';

/** Inputs that wait little. */
const FAST = { interval: '10ms', 'max-interval': '20ms', timeout: '5s', successes: '2' };

/** The action over the real network of this machine, and nothing of a runner. */
export async function verify(
  given: Record<string, string>,
  over: Partial<VerifyPorts> & { env?: NodeJS.ProcessEnv } = {},
) {
  const inputs = readInputs(fields, (name) => ({ ...FAST, ...given })[name] ?? '');
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
    clock: systemClock,
    random: Math.random,
    log,
    signal: new AbortController().signal,
    ...ports,
  });
  return { ...report, log: log.lines, masked: log.masked, files };
}
