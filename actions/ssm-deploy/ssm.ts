import {
  AddTagsToResourceCommand,
  CancelCommandCommand,
  type CommandFilter,
  CreateDocumentCommand,
  DescribeDocumentCommand,
  DescribeInstanceInformationCommand,
  type DescribeInstanceInformationCommandOutput,
  GetCommandInvocationCommand,
  GetParameterCommand,
  GetParameterHistoryCommand,
  ListCommandInvocationsCommand,
  ListCommandsCommand,
  PutParameterCommand,
  SendCommandCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { type AwsSettings, awsConfig, callAws } from '../../lib/aws/client.ts';
import { exceptionOf } from '../../lib/aws/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { Problem } from '../../lib/errors.ts';
import type { Version } from './desired.ts';
import { DOCUMENT, DOCUMENT_NAME } from './document.ts';
import { type Invocation, statusOf } from './host-result.ts';
import type { Target } from './targets.ts';

/** Where a command leaves its output beside SSM, which keeps the first 24,000 characters of it. */
export interface OutputPlaces {
  logGroup: string;
  bucket: string;
  prefix: string;
}

export interface Command {
  /** At most 50. */
  hosts: readonly string[];
  payload: string;
  /** How long a host may take to pick it up, the time included that it waits for others; SSM takes no less than 30 s. */
  deliverySeconds: number;
  /** How long a host may work on it. */
  timeoutSeconds: number;
  maxConcurrency: string;
  maxErrors: string;
  /** Finds the command again, at most 100 characters. */
  comment: string;
  output: OutputPlaces;
}

/** A host as SSM knows it. */
export interface Agent {
  instance: string;
  online: boolean;
  /** Version of the agent. */
  version: string;
}

/** The state of a command on one host, as often asked: without its output. */
export interface Progress {
  instance: string;
  status: string;
  ended: boolean;
}

/** SSM as this action uses it. Every method throws Problem. */
export interface Ssm {
  /** The matching hosts, those whose agents do not answer too. */
  agents(targets: readonly Target[]): Promise<Agent[]>;
  /** Makes sure that our document exists. */
  ensureDocument(): Promise<void>;
  /** Not cut by a cancellation: its id is what a cancelled run needs. */
  send(command: Command): Promise<string>;
  progress(commandId: string): Promise<Progress[]>;
  /** Undefined while SSM does not know the invocation yet, which is normal right after sending. */
  invocation(commandId: string, instance: string): Promise<Invocation | undefined>;
  cancel(commandId: string): Promise<void>;
  /** The command with this comment since a time; '' when there is none. */
  find(comment: string, since: number): Promise<string>;
  /** Undefined when there is no such parameter. */
  parameter(name: string): Promise<Version | undefined>;
  /** Earlier values and the current one, newest first. */
  history(name: string): Promise<Version[]>;
  /**
   * The version that it has become.
   * @param fresh whether it is there not to be: then SSM itself refuses the later of two writers, and that is undefined.
   */
  write(
    name: string,
    value: string,
    tags: Readonly<Record<string, string>>,
    fresh: boolean,
  ): Promise<number | undefined>;
}

/** DescribeInstanceInformation and others: at most 50 items a page. */
const PAGE = 50;
/** A call that a cancelled run still waits for. */
const AFTER_CANCEL_MS = 3_000;
/** A new document is active within a second or so. */
const DOCUMENT_TRIES = 20;
const DOCUMENT_WAIT_MS = 500;
/** The list of commands has a new one a moment later than SendCommand tells of it. */
const FIND_TRIES = 3;
const FIND_WAIT_MS = 1_000;

/** The client that ssmPort() calls. It is made here so that who loads this room late imports no client of AWS whole. */
export const ssmClient = (settings: AwsSettings) => new SSMClient(awsConfig(settings));

export function ssmPort(ssm: SSMClient, signal: AbortSignal, clock: Clock): Ssm {
  const options = { abortSignal: signal };
  return {
    async agents(targets) {
      const call = {
        operation: 'ssm:DescribeInstanceInformation',
        resource: targets.map((t) => `${t.key}=${t.values.join(',')}`).join(' '),
      };
      const found: DescribeInstanceInformationCommandOutput[] = [];
      for (const some of inParts(targets)) {
        const Filters = some.map((t) => ({ Key: t.key, Values: [...t.values] }));
        const ask = (NextToken: { NextToken?: string }) => {
          const command = new DescribeInstanceInformationCommand({ Filters, MaxResults: PAGE, ...NextToken });
          return callAws(call, () => ssm.send(command, options));
        };
        found.push(...(await pages(ask)));
      }
      return found
        .flatMap((page) => page.InstanceInformationList ?? [])
        .map(({ InstanceId = '', PingStatus = '', AgentVersion = '' }) => ({
          instance: InstanceId,
          online: PingStatus === 'Online',
          version: AgentVersion,
        }));
    },
    async ensureDocument() {
      const resource = `document ${DOCUMENT_NAME}`;
      const describe = new DescribeDocumentCommand({ Name: DOCUMENT_NAME });
      const look = () =>
        callAws({ operation: 'ssm:DescribeDocument', resource }, () => ssm.send(describe, options)).then(
          ({ Document }) => Document?.Status ?? '',
          (error: unknown) => {
            if (exceptionOf(error) === 'InvalidDocument') return 'missing';
            throw error;
          },
        );
      let status = await look();
      if (status === 'missing') {
        const create = new CreateDocumentCommand({
          Name: DOCUMENT_NAME,
          Content: DOCUMENT,
          DocumentType: 'Command',
          DocumentFormat: 'JSON',
        });
        await callAws({ operation: 'ssm:CreateDocument', resource }, () => ssm.send(create, options)).catch(
          (e: unknown) => {
            // Another run created it in the meantime; its content is the same, since its name is made from it.
            if (exceptionOf(e) !== 'DocumentAlreadyExists') throw e;
          },
        );
        status = await look();
      }
      for (let i = 0; (status === 'Creating' || status === 'missing') && i < DOCUMENT_TRIES; i++) {
        await clock.sleep(DOCUMENT_WAIT_MS, signal);
        status = await look();
      }
      if (status === 'Failed') throw documentFailed();
    },
    async send({ hosts, payload, deliverySeconds, timeoutSeconds, maxConcurrency, maxErrors, comment, output }) {
      const command = new SendCommandCommand({
        DocumentName: DOCUMENT_NAME,
        // By id, not by tag: who is online has been asked, and a host that appears in the middle takes the parameter when it boots.
        InstanceIds: [...hosts],
        Parameters: { payload: [payload], executionTimeout: [String(timeoutSeconds)] },
        Comment: comment.slice(0, 100),
        TimeoutSeconds: deliverySeconds,
        MaxConcurrency: maxConcurrency,
        MaxErrors: maxErrors,
        ...(output.logGroup && {
          CloudWatchOutputConfig: { CloudWatchOutputEnabled: true, CloudWatchLogGroupName: output.logGroup },
        }),
        ...(output.bucket && { OutputS3BucketName: output.bucket }),
        ...(output.bucket && output.prefix && { OutputS3KeyPrefix: output.prefix }),
      });
      const grace = graceful(signal);
      try {
        const answer = await callAws({ operation: 'ssm:SendCommand', resource: `document ${DOCUMENT_NAME}` }, () =>
          ssm.send(command, { abortSignal: grace.signal }),
        );
        return answer.Command?.CommandId ?? '';
      } finally {
        grace.end();
      }
    },
    async progress(commandId) {
      const call = { operation: 'ssm:ListCommandInvocations', resource: `command ${commandId}` };
      const found = await pages((NextToken) => {
        const command = new ListCommandInvocationsCommand({ CommandId: commandId, MaxResults: PAGE, ...NextToken });
        return callAws(call, () => ssm.send(command, options));
      });
      return found
        .flatMap((page) => page.CommandInvocations ?? [])
        .map(({ InstanceId: instance = '', StatusDetails = '', Status = '' }) => {
          const { details, ended } = statusOf(StatusDetails || Status);
          return { instance, status: details, ended };
        });
    },
    async invocation(commandId, instance) {
      const call = { operation: 'ssm:GetCommandInvocation', resource: `command ${commandId} on ${instance}` };
      const command = new GetCommandInvocationCommand({ CommandId: commandId, InstanceId: instance });
      try {
        const i = await callAws(call, () => ssm.send(command, options));
        const startedAt = Date.parse(i.ExecutionStartDateTime ?? '');
        return {
          commandId,
          instance,
          statusDetails: i.StatusDetails || i.Status || '',
          exitCode: i.ResponseCode ?? -1,
          stdout: i.StandardOutputContent ?? '',
          stderr: i.StandardErrorContent ?? '',
          stdoutUrl: i.StandardOutputUrl ?? '',
          startedAt: startedAt || 0,
          ms: Date.parse(i.ExecutionEndDateTime ?? '') - startedAt || 0,
        };
      } catch (error) {
        if (exceptionOf(error) === 'InvocationDoesNotExist') return undefined;
        throw error;
      }
    },
    async cancel(commandId) {
      // Not bound to the signal: it is what a cancelled run still has to do.
      await callAws({ operation: 'ssm:CancelCommand', resource: `command ${commandId}` }, () =>
        ssm.send(new CancelCommandCommand({ CommandId: commandId }), {
          abortSignal: AbortSignal.timeout(AFTER_CANCEL_MS),
        }),
      );
    },
    async find(comment, since) {
      const after = new Date(since - 60_000).toISOString().replace(/\.\d+Z$/, 'Z');
      // Other documents' commands of the account may be hundreds a minute.
      const Filters: CommandFilter[] = [
        { key: 'InvokedAfter', value: after },
        { key: 'DocumentName', value: DOCUMENT_NAME },
      ];
      const call = { operation: 'ssm:ListCommands', resource: `commands of document ${DOCUMENT_NAME}` };
      for (let i = 0; i < FIND_TRIES; i++) {
        if (i > 0) await clock.sleep(FIND_WAIT_MS, signal);
        const found = await pages((NextToken) => {
          const list = new ListCommandsCommand({ Filters, MaxResults: PAGE, ...NextToken });
          return callAws(call, () => ssm.send(list, options));
        });
        const all = found.flatMap((page) => page.Commands ?? []);
        const id = all.find((c) => c.Comment === comment.slice(0, 100))?.CommandId;
        if (id !== undefined) return id;
      }
      return '';
    },
    async parameter(name) {
      const call = { operation: 'ssm:GetParameter', resource: `parameter ${name}` };
      try {
        const { Parameter } = await callAws(call, () => ssm.send(new GetParameterCommand({ Name: name }), options));
        return { version: Parameter?.Version ?? 0, value: Parameter?.Value ?? '' };
      } catch (error) {
        if (exceptionOf(error) === 'ParameterNotFound') return undefined;
        throw error;
      }
    },
    async history(name) {
      const call = { operation: 'ssm:GetParameterHistory', resource: `parameter ${name}` };
      try {
        const found = await pages((NextToken) => {
          const command = new GetParameterHistoryCommand({ Name: name, MaxResults: PAGE, ...NextToken });
          return callAws(call, () => ssm.send(command, options));
        });
        return found
          .flatMap((page) => page.Parameters ?? [])
          .map(({ Version = 0, Value = '' }) => ({ version: Version, value: Value }))
          .toSorted((a, b) => b.version - a.version);
      } catch (error) {
        if (exceptionOf(error) === 'ParameterNotFound') return [];
        throw error;
      }
    },
    async write(name, value, tags, fresh) {
      const resource = `parameter ${name}`;
      const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
      const put = { Name: name, Value: value, Type: 'String', Tier: 'Intelligent-Tiering' } as const;
      if (fresh) {
        const create = new PutParameterCommand({ ...put, Tags });
        const created = callAws({ operation: 'ssm:PutParameter', resource }, () => ssm.send(create, options));
        return created.then(
          ({ Version = 1 }) => Version,
          (error: unknown) => {
            if (exceptionOf(error) === 'ParameterAlreadyExists') return undefined;
            throw error;
          },
        );
      }
      // SSM takes no tags with an overwrite. Tags first: a run that is cut in between finds another value and writes both again.
      const tag = new AddTagsToResourceCommand({ ResourceType: 'Parameter', ResourceId: name, Tags });
      await callAws({ operation: 'ssm:AddTagsToResource', resource }, () => ssm.send(tag, options));
      const overwrite = new PutParameterCommand({ ...put, Overwrite: true });
      const { Version = 0 } = await callAws({ operation: 'ssm:PutParameter', resource }, () =>
        ssm.send(overwrite, options),
      );
      return Version;
    },
  };
}

/** A filter takes a hundred values: more ids than that are asked for part by part. Source: SSM API reference, InstanceInformationStringFilter. */
const MOST_VALUES = 100;

function inParts(targets: readonly Target[]): (readonly Target[])[] {
  const [ids] = targets;
  if (ids?.key !== 'InstanceIds' || ids.values.length <= MOST_VALUES) return [targets];
  const starts = Array.from({ length: Math.ceil(ids.values.length / MOST_VALUES) }, (_, i) => i * MOST_VALUES);
  return starts.map((start) => [{ key: ids.key, values: ids.values.slice(start, start + MOST_VALUES) }]);
}

interface Page {
  NextToken?: string | undefined;
}

/** All pages of a list. */
async function pages<P extends Page>(get: (next: { NextToken?: string }) => Promise<P>): Promise<P[]> {
  const found: P[] = [];
  let next: string | undefined;
  do {
    const page = await get(next ? { NextToken: next } : {});
    found.push(page);
    next = page.NextToken;
  } while (next);
  return found;
}

/** A signal that fires a little after the one given. */
function graceful(signal: AbortSignal): { signal: AbortSignal; end(): void } {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const start = () => {
    timer = setTimeout(() => late.abort(), AFTER_CANCEL_MS);
  };
  if (signal.aborted) start();
  else signal.addEventListener('abort', start, { once: true });
  return {
    signal: late.signal,
    end() {
      clearTimeout(timer);
      signal.removeEventListener('abort', start);
    },
  };
}

function documentFailed(): Problem {
  return new Problem({
    what: `document ${DOCUMENT_NAME}`,
    cause: 'SSM could not create it',
    fix: 'Delete the document in Systems Manager, and run this again',
    kind: 'service',
  });
}
