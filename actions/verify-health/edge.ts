import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { regionFrom } from '../../lib/aws/client.ts';
import { renewingCredentials } from '../../lib/aws/renewal.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Edge } from '../../lib/runner.ts';
import type { VerifyInputs } from './inputs.ts';
import type { VerifyPorts } from './ports.ts';
import { networkProbers } from './probe.ts';

/** The ports as a runner has them. */
export function portsOf(inputs: Pick<VerifyInputs, 'proxy' | 'region'>, edge: Edge, action: string): VerifyPorts {
  const { env, log, signal, context } = edge;
  return {
    openProber: networkProbers(inputs.proxy === 'none' ? {} : env),
    // The client of AWS is half as big as all the rest, and few ask for it.
    openMetrics: async () => {
      const { cloudWatchMetrics } = await import('./balancer/cloudwatch.ts');
      const region = regionFrom(inputs.region, env);
      const credentials = renewingCredentials({ env, region, idToken: edge.idToken, log });
      return cloudWatchMetrics({ region, action, signal, credentials });
    },
    readText: (path) => readFile(resolve(context.workspace, path), 'utf8'),
    writeText: async (name, text) => {
      const path = join(context.tempDir, name);
      await writeFile(path, text);
      return path;
    },
    clock: systemClock,
    random: Math.random,
    log,
    signal,
  };
}
