import type { Clock } from '../../../lib/clock.ts';
import { readInputs } from '../../../lib/inputs.ts';
import { recordingLog } from '../../../lib/log.ts';
import type { Report } from '../../../lib/report.ts';
import { type VirtualClock, virtualClock } from '../../../test/support/virtual-clock.ts';
import { finish } from '../finish.ts';
import { fields } from '../inputs.ts';
import type { Note } from '../note.ts';
import { awsOutputs } from '../outputs.ts';
import type { SsmPorts } from '../ports.ts';
import { run } from '../run.ts';
import { ssmClient, ssmPort } from '../ssm.ts';
import { type Script, type ScriptedSsm, SECRET_KEY, scriptedSsm } from './scripted-ssm.ts';

export const REGION = 'eu-central-1';
export const IMAGE = `123456789012.dkr.ecr.${REGION}.amazonaws.com/sample-bot@sha256:${'a'.repeat(64)}`;
export const PARAMETER = '/slipway/dev/docker-host/bot';

export interface PlayOptions {
  inputs?: Record<string, string>;
  /** When the run is cancelled, after its start. */
  cancelAt?: number;
  known?: SsmPorts['known'];
  /** The same, when a command is sent: by its operation and count. */
  cancelWhen?: (operation: string, sent: number) => boolean;
  /** Where the notes are kept, for a run that throws. */
  notes?: Note[];
  /** Whether the post step runs afterwards, as after a run that was cut. */
  post?: boolean;
}

export interface Played {
  report: Report;
  post?: Report;
  ssm: ScriptedSsm;
  log: string[];
  notes: Note[];
  clock: VirtualClock;
}

/** The inputs of a plain deployment to what carries the tag. */
export const GIVEN = {
  component: 'bot',
  environment: 'dev',
  targets: 'tag:Role=docker-host',
  image: IMAGE,
  revision: 'abc123',
  preflight: 'false',
};

/** Runs the action against a scripted SSM, on a clock that jumps; everything between the two is real HTTP. */
export async function play(
  script: Script,
  { inputs = {}, cancelAt, cancelWhen, notes = [], known = [], post }: PlayOptions = {},
): Promise<Played> {
  const clock = virtualClock();
  const ssm = await scriptedSsm(clock as Clock, script);
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: SECRET_KEY,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ENDPOINT_URL: ssm.url,
  });
  const log = recordingLog();
  const stop = new AbortController();
  if (cancelAt !== undefined) clock.at(cancelAt, () => stop.abort());
  const given: Record<string, string> = { ...GIVEN, ...inputs };
  const client = ssmClient({ region: REGION, action: 'test', attempts: 1 });
  const ports = ({ signal }: AbortController): SsmPorts => ({
    ssm: ssmPort(client, signal, clock),
    outputs: awsOutputs({ region: REGION, action: 'test', signal, signer: client.config }),
    clock,
    log,
    signal,
    region: REGION,
    known,
    remember: (note) => {
      notes.push(structuredClone(note));
      const { command } = note;
      if (command?.id === '' && cancelWhen?.(note.operation, ssm.sent.length + 1)) stop.abort();
    },
  });
  try {
    const report = await run(
      readInputs(fields, (name) => given[name] ?? ''),
      ports(stop),
    );
    const last = notes.at(-1);
    const after = post && last ? await finish(last, ports(new AbortController())) : undefined;
    return { report, ...(after && { post: after }), ssm, log: log.lines, notes, clock };
  } finally {
    await ssm.close();
  }
}

/** The outcome of each host, as the output tells it. */
export function hostsOf({ outputs }: Report): Record<string, string> {
  const hosts = JSON.parse(outputs.hosts ?? '[]') as { instance: string; status: string }[];
  return Object.fromEntries(hosts.map((h) => [h.instance, h.status]));
}
