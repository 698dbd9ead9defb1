import type { Clock } from '../../../lib/clock.ts';
import { ecsApi } from '../../../lib/ecs/api.ts';
import { readInputs } from '../../../lib/inputs.ts';
import type { Ledger } from '../../../lib/ledger/ledger.ts';
import { recordingLog } from '../../../lib/log.ts';
import { type VirtualClock, virtualClock } from '../../../test/support/virtual-clock.ts';
import { codeDeployApi } from '../codedeploy/api.ts';
import type { Evidence } from '../evidence.ts';
import { fields } from '../inputs.ts';
import { run } from '../run.ts';
import { DIGEST, definitionArn, type Script, scriptedEcs } from './scripted-ecs.ts';

export const IMAGE = `123456789012.dkr.ecr.eu-central-1.amazonaws.com/sample-web@${DIGEST}`;

const evidence: Evidence = {
  lastLines: async ({ stream }) => [`last words of ${stream}`],
  targetHealth: async () => [],
  platformDigests: async () => [],
};

export interface PlayOptions {
  inputs?: Record<string, string>;
  files?: Record<string, string>;
  /** When the run is cancelled, after its start. */
  cancelAt?: number;
  /** Endpoint of CodeDeploy, where it plays a part. */
  codeDeploy?: string;
  clock?: VirtualClock;
  /** Task definitions that the ledger holds as deployed, newest first. */
  ledger?: string[];
}

/** Runs the action against a scripted ECS, on a clock that jumps; everything between the two is real HTTP. */
export async function play(script: Script, options: PlayOptions = {}) {
  const { inputs = {}, files = {}, cancelAt, clock = virtualClock(Date.now()) } = options;
  const ecs = await scriptedEcs(clock as Clock, script);
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ENDPOINT_URL: ecs.url,
    ...(options.codeDeploy && { AWS_ENDPOINT_URL_CODEDEPLOY: options.codeDeploy }),
  });
  const log = recordingLog();
  const stop = new AbortController();
  if (cancelAt !== undefined) clock.at(cancelAt, () => stop.abort());
  const given: Record<string, string> = {
    cluster: 'sample',
    service: 'web',
    image: IMAGE,
    revision: 'abc123',
    // Nothing checks the scripted tasks' health; what that means has tests of its own.
    'stable-for': '0s',
    ...inputs,
  };
  try {
    const report = await run(
      readInputs(fields, (name) => given[name] ?? ''),
      {
        ecs: ecsApi({ region: 'eu-central-1', action: 'test', signal: stop.signal }),
        evidence,
        codeDeploy: codeDeployApi({ region: 'eu-central-1', signal: stop.signal }),
        clock,
        log,
        signal: stop.signal,
        readText: async (path) => {
          const text = files[path];
          if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
          return text;
        },
        openLedger: async () => ledgerOf(options.ledger ?? []),
      },
    );
    return { report, ecs, log, clock };
  } finally {
    await ecs.close();
  }
}

function ledgerOf(names: readonly string[]): Ledger {
  const entries = names.map((name, i) => ({
    component: 'web',
    environment: 'dev',
    commit: `c${i}`,
    state: 'deployed' as const,
    taskDefinition: definitionArn(name),
    runUrl: '',
    at: '2026-01-01T00:00:00Z',
  }));
  return { read: async () => new Map([['web', entries]]), record: async () => undefined };
}
