import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../../lib/clock.ts';
import type { CredentialStore } from '../../../local/aws/credentials.ts';
import { authenticate, readScope } from '../../../local/aws/signature.ts';
import type { HttpRequest } from '../../../local/http/server.ts';
import type { Payload } from '../payload.ts';

type Json = Record<string, unknown>;

/** How a host ends one command. */
export interface End {
  /** Milliseconds that it works. */
  ms?: number;
  /** SSM's word for the end; Success or Failed by the exit code unless told. */
  status?: string;
  exitCode?: number;
  /** What the host program tells in its last line; none when undefined. */
  result?: Json;
  /** Lines before it, with when they are printed. */
  lines?: { at: number; text: string }[];
}

export interface Script {
  hosts: Record<string, { online?: boolean; does?: (payload: Payload, nth: number) => End }>;
  parameters?: Record<string, string[]>;
  /** Whether our document exists before the run. Default: yes. */
  document?: boolean;
  /** How long SSM knows nothing of an invocation. Default: 300 ms. */
  unknownMs?: number;
  /** How long a cancelled host takes to end. Default: 200 ms. */
  cancelMs?: number;
  /** A parameter that another run writes while the hosts are at work, and its value. */
  race?: [name: string, value: string];
  /** The same in the moment before the write arrives. */
  lateRace?: [name: string, value: string];
  /** Exceptions in place of answers, by operation and count of its call. */
  refuse?: (operation: string, count: number) => string | undefined;
  /** Called when a request has been carried out, before it is answered. */
  answering?: (operation: string, count: number) => Promise<void> | undefined;
}

export interface Sent {
  id: string;
  comment: string;
  hosts: string[];
  payload: Payload;
  at: number;
  input: Json;
}

export interface ScriptedSsm {
  url: string;
  calls: { operation: string; input: Json; raw: string; at: number }[];
  count(operation: string): number;
  /** Commands in their order. */
  sent: Sent[];
  cancelled: string[];
  /** Values of a parameter, oldest first, and its tags. */
  parameters: Map<string, string[]>;
  tags: Map<string, Json>;
  /** When the last command's last host ended. */
  endedAt(): number;
  close(): Promise<void>;
}

interface Run {
  startedAt: number;
  endedAt: number;
  status: string;
  end: End;
}

class Refusal extends Error {}

/** Of the credentials that every test with this gives the action. */
export const SECRET_KEY = 'test-secret-key';
const BUCKET = 'outputs';
export const bucket = BUCKET;

/** X-Amz-Target's prefix to the service's name in IAM. */
const SERVICES: Readonly<Record<string, string>> = { AmazonSSM: 'ssm', Logs_20140328: 'logs' };

/** A Systems Manager, a CloudWatch Logs and an S3 that play a script, speaking the services' own protocols. */
export async function scriptedSsm(clock: Clock, script: Script): Promise<ScriptedSsm> {
  const player = new Player(clock, script);
  const server = createServer((request, response) => void player.serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  player.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: player.url,
    calls: player.calls,
    count: (operation) => player.calls.filter((c) => c.operation === operation).length,
    sent: player.sent,
    cancelled: player.cancelled,
    parameters: player.parameters,
    tags: player.tags,
    endedAt: () =>
      Math.max(0, ...[...player.runs.values()].flatMap((runs) => [...runs.values()].map((r) => r.endedAt))),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

class Player {
  url = '';
  readonly calls: ScriptedSsm['calls'] = [];
  readonly sent: Sent[] = [];
  readonly cancelled: string[] = [];
  readonly parameters: Map<string, string[]>;
  readonly tags = new Map<string, Json>();
  readonly runs = new Map<string, Map<string, Run>>();
  readonly #clock: Clock;
  readonly #script: Script;
  readonly #times = new Map<string, number>();
  #document: boolean;
  #raced = 0;

  constructor(clock: Clock, script: Script) {
    this.#clock = clock;
    this.#script = script;
    this.#document = script.document ?? true;
    this.parameters = new Map(Object.entries(script.parameters ?? {}).map(([name, values]) => [name, [...values]]));
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const raw = Buffer.concat(chunks).toString('utf8');
    const now = this.#clock.now();
    response.setHeader('date', new Date(now).toUTCString());
    if (request.method === 'GET') return this.#object(request, response);
    const [prefix = '', operation = ''] = String(request.headers['x-amz-target']).split('.');
    const input = JSON.parse(raw) as Json;
    this.calls.push({ operation: `${SERVICES[prefix]}:${operation}`, input, raw, at: now });
    const count = this.calls.filter((c) => c.operation.endsWith(`:${operation}`)).length;
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    try {
      const refused = this.#script.refuse?.(operation, count);
      if (refused) throw new Refusal(refused);
      const answer = this.#answer(operation, input, now);
      await this.#script.answering?.(operation, count);
      response.end(JSON.stringify(answer));
    } catch (error) {
      response.statusCode = error instanceof Refusal ? 400 : 500;
      response.end(
        JSON.stringify({ __type: error instanceof Refusal ? error.message : String(error), message: 'scripted' }),
      );
    }
  }

  #answer(operation: string, input: Json, now: number): Json {
    switch (operation) {
      case 'DescribeInstanceInformation':
        return this.#agents(input);
      case 'DescribeDocument':
        if (!this.#document) throw new Refusal('InvalidDocument');
        return { Document: { Name: input.Name, Status: 'Active' } };
      case 'CreateDocument':
        this.#document = true;
        return { DocumentDescription: { Name: input.Name, Status: 'Creating' } };
      case 'SendCommand':
        return this.#send(input, now);
      case 'ListCommandInvocations':
        return { CommandInvocations: this.#invocations(String(input.CommandId), now) };
      case 'GetCommandInvocation':
        return this.#invocation(String(input.CommandId), String(input.InstanceId), now);
      case 'CancelCommand':
        return this.#cancel(String(input.CommandId), now);
      case 'ListCommands':
        return { Commands: this.sent.map((s) => ({ CommandId: s.id, Comment: s.comment })) };
      case 'DescribeLogStreams':
        return this.#streams(String(input.logStreamNamePrefix), now);
      case 'GetLogEvents':
        return this.#events(input, now);
      default:
        return this.#parameter(operation, input);
    }
  }

  #agents({ Filters = [] }: Json): Json {
    const ids = (Filters as { Key: string; Values: string[] }[]).find((f) => f.Key === 'InstanceIds')?.Values;
    const hosts = Object.entries(this.#script.hosts).filter(([id]) => ids?.includes(id) ?? true);
    return {
      InstanceInformationList: hosts.map(([id, { online = true }]) => ({
        InstanceId: id,
        PingStatus: online ? 'Online' : 'ConnectionLost',
        AgentVersion: '3.3.2746.0',
      })),
    };
  }

  /** Plays SSM's own arithmetic: so many at once, and no more of them after so many errors. */
  #send(input: Json, now: number): Json {
    const hosts = input.InstanceIds as string[];
    if (hosts.some((id) => this.#script.hosts[id]?.online === false)) throw new Refusal('InvalidInstanceId');
    const { payload: word } = input.Parameters as { payload: string[] };
    const payload = JSON.parse(Buffer.from(word[0] ?? '', 'base64').toString()) as Payload;
    const id = `00000000-0000-0000-0000-${String(this.sent.length + 1).padStart(12, '0')}`;
    this.sent.push({ id, comment: String(input.Comment), hosts, payload, at: now, input });
    const free = Array.from({ length: Number(input.MaxConcurrency) }, () => now + 100);
    const runs = new Map<string, Run>();
    for (const host of hosts) {
      const startedAt = Math.min(...free);
      const errors = [...runs.values()].filter((r) => r.status === 'Failed' && r.endedAt <= startedAt).length;
      if (errors > Number(input.MaxErrors)) {
        runs.set(host, { startedAt: 0, endedAt: startedAt, status: 'Terminated', end: {} });
        continue;
      }
      const end = this.#does(host, payload);
      const endedAt = startedAt + (end.ms ?? 1_000);
      free[free.indexOf(startedAt)] = endedAt;
      runs.set(host, { startedAt, endedAt, status: end.status ?? (end.exitCode ? 'Failed' : 'Success'), end });
    }
    this.runs.set(id, runs);
    if (this.#script.race) this.#race(this.#script.race);
    return { Command: { CommandId: id, Status: 'Pending', TargetCount: hosts.length } };
  }

  #race([name, value]: [name: string, value: string]): void {
    this.parameters.set(name, [...(this.parameters.get(name) ?? []), value]);
  }

  #does(host: string, payload: Payload): End {
    const key = `${host} ${payload.operation}`;
    const nth = (this.#times.get(key) ?? 0) + 1;
    this.#times.set(key, nth);
    return this.#script.hosts[host]?.does?.(payload, nth) ?? good(payload);
  }

  #invocations(id: string, now: number): Json[] {
    return [...(this.runs.get(id) ?? [])].flatMap(([host, run]) =>
      this.#known(id, now) ? [{ InstanceId: host, Status: 'x', StatusDetails: statusAt(run, now) }] : [],
    );
  }

  #known(id: string, now: number): boolean {
    const sent = this.sent.find((s) => s.id === id);
    return sent !== undefined && now >= sent.at + (this.#script.unknownMs ?? 300);
  }

  #invocation(id: string, host: string, now: number): Json {
    const run = this.runs.get(id)?.get(host);
    if (!run || !this.#known(id, now)) throw new Refusal('InvocationDoesNotExist');
    const status = statusAt(run, now);
    const over = now >= run.endedAt;
    const stdout = over ? outputOf(run.end) : '';
    return {
      CommandId: id,
      InstanceId: host,
      Status: status,
      StatusDetails: status,
      ResponseCode: over ? (run.end.exitCode ?? 0) : -1,
      StandardOutputContent: stdout.slice(0, 24_000),
      StandardErrorContent: '',
      StandardOutputUrl: `${this.url}/${BUCKET}/out/${id}/${host}/awsrunShellScript/slipway/stdout`,
      ExecutionStartDateTime: run.startedAt > 0 ? new Date(run.startedAt).toISOString() : '',
      ExecutionEndDateTime: over && run.startedAt > 0 ? new Date(run.endedAt).toISOString() : '',
    };
  }

  #cancel(id: string, now: number): Json {
    this.cancelled.push(id);
    for (const run of this.runs.get(id)?.values() ?? []) {
      if (run.endedAt <= now) continue;
      const under = run.startedAt > 0 && run.startedAt <= now;
      run.status = 'Cancelled';
      run.endedAt = under ? now + (this.#script.cancelMs ?? 200) : now;
      if (!under) run.startedAt = 0;
      run.end = {};
    }
    return {};
  }

  #streams(prefix: string, now: number): Json {
    const [id = '', host = ''] = prefix.split('/');
    const run = this.runs.get(id)?.get(host);
    const begun = run !== undefined && linesAt(run, now).length > 0;
    return { logStreams: begun ? [{ logStreamName: `${prefix}aws-runShellScript/stdout` }] : [] };
  }

  #events({ logStreamName, nextToken }: Json, now: number): Json {
    const [id = '', host = ''] = String(logStreamName).split('/');
    const run = this.runs.get(id)?.get(host);
    const lines = run ? linesAt(run, now) : [];
    const from = Number(String(nextToken ?? 'f/0').slice(2));
    return {
      events: lines.slice(from).map((message) => ({ message, timestamp: now })),
      nextForwardToken: `f/${lines.length}`,
    };
  }

  #object(request: IncomingMessage, response: ServerResponse): void {
    const url = String(request.url);
    const [, , , id = '', host = ''] = url.split('?')[0]?.split('/') ?? [];
    this.calls.push({ operation: 's3:GetObject', input: { url }, raw: '', at: this.#clock.now() });
    const run = this.runs.get(id)?.get(host);
    const refused = signedRight(request) ? (run ? '' : 'NoSuchKey') : 'SignatureDoesNotMatch';
    response.statusCode = refused === '' ? 200 : refused === 'NoSuchKey' ? 404 : 403;
    response.end(run && refused === '' ? outputOf(run.end) : `<Error><Code>${refused}</Code></Error>`);
  }

  #parameter(operation: string, input: Json): Json {
    const name = String(input.Name ?? input.ResourceId);
    const values = this.parameters.get(name);
    const shown = (value: string, i: number) => ({ Name: name, Value: value, Version: i + 1, Type: 'String' });
    switch (operation) {
      case 'GetParameter':
        if (!values) throw new Refusal('ParameterNotFound');
        return { Parameter: shown(values.at(-1) ?? '', values.length - 1) };
      case 'GetParameterHistory':
        if (!values) throw new Refusal('ParameterNotFound');
        return { Parameters: values.map(shown) };
      case 'PutParameter':
        if (this.#script.lateRace && this.#raced++ === 0) {
          this.#race(this.#script.lateRace);
          return this.#parameter(operation, input);
        }
        if (values && !input.Overwrite) throw new Refusal('ParameterAlreadyExists');
        if (input.Overwrite && input.Tags) throw new Refusal('ValidationException');
        this.parameters.set(name, [...(values ?? []), String(input.Value)]);
        this.#tag(name, input.Tags);
        return { Version: (values?.length ?? 0) + 1 };
      case 'AddTagsToResource':
        if (!values) throw new Refusal('InvalidResourceId');
        this.#tag(name, input.Tags);
        return {};
      default:
        throw new Refusal('UnknownOperationException');
    }
  }

  #tag(name: string, tags: unknown): void {
    if (!Array.isArray(tags)) return;
    const found = Object.fromEntries((tags as { Key: string; Value: string }[]).map((t) => [t.Key, t.Value]));
    this.tags.set(name, { ...this.tags.get(name), ...found });
  }
}

/** Judges a signature by other code than the one that made it. */
function signedRight({ method = '', url = '', headers }: IncomingMessage): boolean {
  const { pathname, searchParams } = new URL(url, 'http://s3.test');
  const request = {
    method,
    path: pathname,
    query: searchParams,
    headers,
    body: Buffer.alloc(0),
  } as unknown as HttpRequest;
  const scope = readScope(request);
  if (scope === undefined || scope === 'incomplete' || scope.service !== 's3') return false;
  const key = { credentials: { accessKeyId: 'test', secretAccessKey: SECRET_KEY } };
  const store = { find: () => key } as unknown as CredentialStore;
  const regions = ['eu-central-1'];
  const signedAt = String(headers['x-amz-date']).replace(/^(....)(..)(..T..)(..)/, '$1-$2-$3:$4:');
  return typeof authenticate(request, scope, store, { now: Date.parse(signedAt), regions }) !== 'string';
}

function statusAt(run: Run, now: number): string {
  if (now >= run.endedAt) return run.status;
  return run.startedAt > 0 && now >= run.startedAt ? 'InProgress' : 'Pending';
}

function linesAt({ startedAt, endedAt, end }: Run, now: number): string[] {
  const lines = (end.lines ?? []).filter((line) => now >= startedAt + line.at).map((line) => line.text);
  return now >= endedAt && end.result ? [...lines, resultLine(end.result)] : lines;
}

function outputOf({ lines = [], result }: End): string {
  return [...lines.map((line) => line.text), ...(result ? [resultLine(result)] : [])]
    .map((line) => `${line}\n`)
    .join('');
}

function resultLine(result: Json): string {
  return `slipway-result ${Buffer.from(JSON.stringify(result)).toString('base64')}`;
}

const FACTS = { 'disk-free': 20 * 2 ** 30, engine: '28.1.1', agent: '3.3.2746.0', program: 1 };

/** What a host in good order answers. */
export function good(payload: Payload): End {
  const { operation, spec, component } = payload;
  const now = { image: spec?.image ?? '', release: spec?.release ?? '' };
  switch (operation) {
    case 'preflight':
      return { ms: 300, result: { state: 'succeeded', facts: FACTS } };
    case 'status':
      return {
        ms: 300,
        result: {
          state: 'succeeded',
          facts: {
            ...FACTS,
            containers: [
              {
                name: `${component}-1`,
                component,
                role: 'current',
                state: 'running',
                health: 'healthy',
                since: '2026-01-01T00:00:00Z',
              },
            ],
          },
        },
      };
    default:
      return {
        lines: [
          { at: 200, text: 'slipway-step pull the image' },
          { at: 500, text: 'slipway-step switch to it' },
        ],
        result: {
          state: 'succeeded',
          ...now,
          steps: [
            { name: 'pull', ms: 200 },
            { name: 'switch', ms: 20 },
          ],
        },
      };
  }
}

/** A candidate that died: the host keeps what it served. */
export const died: End = {
  exitCode: 1,
  lines: [{ at: 300, text: 'slipway-step start the candidate' }],
  result: { state: 'rolled-back', cause: 'the container ended with exit code 3', logs: ['cannot find module x'] },
};
