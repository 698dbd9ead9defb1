import { ecsApi } from '../../../lib/ecs/api.ts';
import { readInputs } from '../../../lib/inputs.ts';
import { recordingLog } from '../../../lib/log.ts';
import type { Report } from '../../../lib/report.ts';
import { virtualClock } from '../../../test/support/virtual-clock.ts';
import { awsEvidence } from '../evidence.ts';
import { fields } from '../inputs.ts';
import { awsAccount } from '../preflight/account.ts';
import { run } from '../run.ts';
import { awsTaskLogs } from '../tasks/logs.ts';
import { type Answers, recordingFront } from './recording-front.ts';
import { type Script, type ScriptedEcs, scriptedEcs } from './scripted-ecs.ts';

const REGION = 'eu-central-1';
export const REGISTRY = `123456789012.dkr.ecr.${REGION}.amazonaws.com`;

Object.assign(process.env, {
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_EC2_METADATA_DISABLED: 'true',
});

export interface PlayOptions {
  inputs?: Record<string, string>;
  files?: Record<string, string>;
  /** What the other services say; those that are not here refuse. */
  answers?: Answers;
  cancelAt?: number;
  namesNoService?: boolean;
}

export interface Played {
  report: Report;
  ecs: ScriptedEcs;
  /** Every call to AWS as IAM writes it. */
  calls: string[];
  log: string[];
  /** Files that the run wrote, by name. */
  written: Record<string, string>;
}

/** Runs the action against a scripted ECS and a scripted rest of AWS, through the real clients. */
export async function play(script: Script, options: PlayOptions = {}): Promise<Played> {
  const clock = virtualClock();
  const ecs = await scriptedEcs(clock, script);
  const front = await recordingFront(ecs.url, options.answers ?? {});
  process.env.AWS_ENDPOINT_URL = front.url;
  const stop = new AbortController();
  const { signal } = stop;
  if (options.cancelAt !== undefined) clock.at(options.cancelAt, () => stop.abort());
  const given: Record<string, string> = { cluster: 'sample', service: 'web', ...options.inputs };
  const log = recordingLog();
  const written: Record<string, string> = {};
  try {
    const report = await run(
      readInputs(fields, (name) => given[name] ?? ''),
      {
        ecs: ecsApi({ region: REGION, action: 'test', signal, attempts: 1 }),
        evidence: awsEvidence({ region: REGION, signal }),
        account: { ...awsAccount({ region: REGION, signal }), region: REGION },
        taskLogs: awsTaskLogs({ region: REGION, signal }),
        namesNoService: options.namesNoService,
        clock,
        log,
        signal,
        readText: async (path) => {
          const text = options.files?.[path];
          if (text === undefined) throw new Error('no such file');
          return text;
        },
        writeText: async (name, text) => {
          written[name] = text;
          return `/tmp/${name}`;
        },
      },
    );
    return { report, ecs, calls: front.calls, log: log.lines, written };
  } finally {
    await front.close();
    await ecs.close();
  }
}

/** A rollout that goes well. */
export const goesWell: Script['deployment'] = (ms) =>
  ms < 2_000 ? { status: 'IN_PROGRESS', pending: 2 } : { status: 'SUCCESSFUL', running: 2, rollout: 'COMPLETED' };
