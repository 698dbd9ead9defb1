import { systemClock } from '../../lib/clock.ts';
import type { Report } from '../../lib/report.ts';
import type { Edge } from '../../lib/runner.ts';
import type { BuildInputs } from './inputs.ts';
import { portsOf, requiredRepository } from './ports.ts';
import { run } from './run.ts';
import { settingsOf } from './settings.ts';

type Operation = (inputs: BuildInputs, edge: Edge) => Promise<Report>;

/** What the input `operation` asks for. Only building is loaded from the start: the others run once a day, or once a release. */
export const operations: Record<BuildInputs['operation'], Operation> = {
  async build(inputs, edge) {
    if (inputs.scan !== 'none') {
      // A mistake in the list of ignores is told before anything is built.
      const { policyOf } = await import('./scan/policy.ts');
      await policyOf(inputs, edge.context.workspace, systemClock.now());
    }
    if (inputs.scan !== 'none' && !inputs.push)
      edge.log.info(`Not scanned: \`scan: ${inputs.scan}\` looks at what the registry has, and nothing is pushed`);
    const settings = settingsOf(inputs);
    return run(inputs, settings, portsOf(inputs, settings, edge));
  },

  async prune(inputs, edge) {
    requiredRepository(inputs.repository);
    const [{ prune }, { prunePorts, pruneSettings }] = await Promise.all([
      import('./prune/run.ts'),
      import('./prune/ports.ts'),
    ]);
    return prune(pruneSettings(inputs), await prunePorts(inputs, edge));
  },

  async promote(inputs, edge) {
    requiredRepository(inputs.repository);
    const [{ promote }, { promotePorts, promoteRequest }] = await Promise.all([
      import('./promote/run.ts'),
      import('./promote/ports.ts'),
    ]);
    return promote(await promotePorts(promoteRequest(inputs, edge), edge));
  },
};
