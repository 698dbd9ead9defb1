import { randomUUID } from 'node:crypto';
import type {
  Command as ApiCommand,
  CommandInvocation as ApiInvocation,
  CancelCommandRequest,
  GetCommandInvocationRequest,
  ListCommandInvocationsRequest,
  ListCommandsRequest,
  SendCommandRequest,
  Target,
} from '@aws-sdk/client-ssm';
import type { LocalContext } from '../../context.ts';
import type { Hosts, ManagedHost } from '../../hosts/hosts.ts';
import { pageOf } from '../page.ts';
import { AwsFault, type Operation } from '../service.ts';
import {
  type Command,
  commandStanding,
  deliveryTimeoutsOf,
  errorsOf,
  type Invocation,
  isFinal,
  STANDINGS,
} from './command.ts';
import { dispatch } from './dispatch.ts';
import type { DocumentStore } from './documents.ts';
import { planScript } from './script.ts';

export interface CommandsDeps {
  context: LocalContext;
  hosts: Pick<Hosts, 'all' | 'find'>;
  documents: DocumentStore;
}

export interface Commands {
  operations: Record<string, Operation>;
  /** Newest first. */
  all(): readonly Command[];
  /** Ends what still runs. */
  stop(): void;
}

/** GetCommandInvocation shows so many characters. Source: API reference, StandardOutputContent and StandardErrorContent. */
const STDOUT_SHOWN = 24_000;
const STDERR_SHOWN = 8_000;
/** ListCommandInvocations with details: Source: API reference, CommandPlugin.Output. */
const OUTPUT_SHOWN = 2_500;
const COUNT = /^([1-9][0-9]*|[1-9][0-9]%|[1-9]%|100%)$/;
const ERRORS = /^([1-9][0-9]*|[0]|[1-9][0-9]%|[0-9]%|100%)$/;

/** Run Command. Source: Systems Manager API reference, SendCommand and the others. */
export function createCommands({ context, hosts, documents }: CommandsDeps): Commands {
  const { clock, lag, account } = context;
  const commands = new Map<string, Command>();

  function find(id: string | undefined): Command {
    const command = commands.get(String(id));
    if (command === undefined) throw new AwsFault('InvalidCommandId', '');
    return command;
  }

  const known = (command: Command): Invocation[] =>
    command.invocations.filter((i) => isFinal(i) || i.visibleAt <= clock.now());

  function begin(command: Command, targets: readonly ManagedHost[]): void {
    const now = clock.now();
    command.invocations = targets.map(
      (host): Invocation => ({
        host,
        standing: STANDINGS.pending,
        responseCode: -1,
        stdout: '',
        stderr: '',
        requestedAt: now,
        startedAt: undefined,
        endedAt: undefined,
        visibleAt: now + lag.of('ssm.invocation', command.id),
        cancel: new AbortController(),
      }),
    );
    dispatch(command, context).catch((error: unknown) =>
      console.error(`SSM command ${command.id} failed here:`, error),
    );
  }

  return {
    all: () => [...commands.values()].reverse(),
    stop() {
      for (const { invocations } of commands.values()) for (const i of invocations) i.cancel.abort();
    },
    operations: {
      SendCommand: (input: SendCommandRequest) => {
        checkLimits(input);
        const { document, version } = documents.find(String(input.DocumentName), input.DocumentVersion);
        const parameters = input.Parameters ?? {};
        const script = planScript(version.content, parameters);
        const chosen = input.InstanceIds?.length ? byId(input.InstanceIds) : undefined;
        const now = clock.now();
        const command: Command = {
          id: randomUUID(),
          document,
          version,
          parameters,
          script,
          comment: input.Comment ?? '',
          instanceIds: input.InstanceIds,
          targets: input.Targets,
          maxConcurrency: input.MaxConcurrency ?? '50',
          maxErrors: input.MaxErrors ?? '0',
          deliveryTimeoutSeconds: input.TimeoutSeconds ?? 3600,
          output: input.CloudWatchOutputConfig,
          requestedAt: now,
          resolvedAt: chosen ? now : now + lag.of('ssm.targets', input.DocumentName, [100, 1000]),
          invocations: [],
          cancelled: false,
        };
        commands.set(command.id, command);
        // What is answered is the command as it was taken: targets given by tag are looked up afterwards.
        const answer = { Command: shown(command, now) };
        if (chosen) {
          begin(command, chosen);
          return { Command: shown(command, now) };
        }
        const found = byTargets(input.Targets ?? []);
        setTimeout(() => begin(command, found), command.resolvedAt - now);
        return answer;
      },

      CancelCommand: (input: CancelCommandRequest) => {
        const command = find(input.CommandId);
        command.cancelled = true;
        const chosen = input.InstanceIds;
        for (const invocation of command.invocations) {
          if (isFinal(invocation) || (chosen?.length && !chosen.includes(invocation.host.id))) continue;
          const started = invocation.startedAt !== undefined;
          invocation.standing = started ? STANDINGS.cancelling : STANDINGS.cancelled;
          invocation.cancel.abort();
        }
        return {};
      },

      ListCommands: (input: ListCommandsRequest) => {
        const all = input.CommandId ? [find(input.CommandId)] : [...commands.values()].reverse();
        const wanted = all.filter(
          (c) => !input.InstanceId || c.invocations.some((i) => i.host.id === input.InstanceId),
        );
        const { items, nextToken } = pageOf(wanted, {
          nextToken: input.NextToken,
          maxResults: input.MaxResults,
          most: 50,
          code: 'InvalidNextToken',
        });
        return { Commands: items.map((c) => shown(c, clock.now())), NextToken: nextToken ?? '' };
      },

      ListCommandInvocations: (input: ListCommandInvocationsRequest) => {
        const all = input.CommandId ? [find(input.CommandId)] : [...commands.values()].reverse();
        const found = all.flatMap((command) => known(command).map((invocation) => ({ command, invocation })));
        const wanted = found.filter(({ invocation }) => !input.InstanceId || invocation.host.id === input.InstanceId);
        const { items, nextToken } = pageOf(wanted, {
          nextToken: input.NextToken,
          maxResults: input.MaxResults,
          most: 50,
          code: 'InvalidNextToken',
        });
        const list = items.map(({ command, invocation }) => listed(command, invocation, input.Details ?? false));
        return { CommandInvocations: list, NextToken: nextToken ?? '' };
      },

      GetCommandInvocation: (input: GetCommandInvocationRequest) => {
        const command = commands.get(String(input.CommandId));
        const invocation = command && known(command).find((i) => i.host.id === input.InstanceId);
        if (command === undefined || invocation === undefined) throw new AwsFault('InvocationDoesNotExist', '');
        const plugin = command.script.step;
        if (input.PluginName !== undefined && input.PluginName !== plugin) throw new AwsFault('InvalidPluginName', '');
        const { startedAt, endedAt } = invocation;
        return {
          CommandId: command.id,
          InstanceId: invocation.host.id,
          Comment: command.comment,
          DocumentName: command.document.name,
          DocumentVersion: String(command.version.number),
          PluginName: plugin,
          ResponseCode: invocation.responseCode,
          ExecutionStartDateTime: startedAt === undefined ? '' : new Date(startedAt).toISOString(),
          ExecutionElapsedTime: startedAt === undefined ? '' : `PT${((endedAt ?? clock.now()) - startedAt) / 1000}S`,
          ExecutionEndDateTime:
            isFinal(invocation) && endedAt !== undefined && startedAt !== undefined
              ? new Date(endedAt).toISOString()
              : '',
          Status: invocation.standing.status,
          StatusDetails: invocation.standing.details,
          StandardOutputContent: invocation.stdout.slice(0, STDOUT_SHOWN),
          StandardOutputUrl: '',
          StandardErrorContent: invocation.stderr.slice(0, STDERR_SHOWN),
          StandardErrorUrl: '',
          CloudWatchOutputConfig: {
            CloudWatchLogGroupName: command.output?.CloudWatchLogGroupName ?? '',
            CloudWatchOutputEnabled: command.output?.CloudWatchOutputEnabled ?? false,
          },
        };
      },
    },
  };

  function byId(ids: readonly string[]): ManagedHost[] {
    const found = ids.map((id) => hosts.find(id));
    const wrong = ids.filter((_, i) => !found[i]?.online);
    if (wrong.length > 0) {
      throw new AwsFault(
        'InvalidInstanceId',
        `Instances [[${wrong.join(', ')}]] not in a valid state for account ${account}`,
      );
    }
    return found.filter((host) => host !== undefined);
  }

  /** Several targets must all match; of a target's values one must. */
  function byTargets(targets: readonly Target[]): ManagedHost[] {
    return hosts.all().filter((host) => targets.every((target) => matchesTarget(host, target)));
  }
}

function matchesTarget(host: ManagedHost, { Key = '', Values = [] }: Target): boolean {
  if (Key === 'InstanceIds') return Values.includes(host.id);
  if (Key === 'tag-key') return Values.some((name) => Object.hasOwn(host.tags, name));
  const tag = /^tag:(.+)$/.exec(Key)?.[1];
  if (tag === undefined)
    throw new AwsFault(
      'InvalidTarget',
      `The target key ${Key} is not valid here; tag:NAME, tag-key and InstanceIds are.`,
    );
  const value = host.tags[tag];
  return value !== undefined && Values.includes(value);
}

function checkLimits(input: SendCommandRequest): void {
  const invalid = (member: string, value: string, pattern: string) =>
    new AwsFault(
      'ValidationException',
      `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: ${pattern}`,
    );
  if (input.MaxConcurrency !== undefined && !COUNT.test(input.MaxConcurrency)) {
    throw invalid(
      'maxConcurrency',
      input.MaxConcurrency,
      `Member must satisfy regular expression pattern: ${COUNT.source}`,
    );
  }
  if (input.MaxErrors !== undefined && !ERRORS.test(input.MaxErrors)) {
    throw invalid('maxErrors', input.MaxErrors, `Member must satisfy regular expression pattern: ${ERRORS.source}`);
  }
  if (input.TimeoutSeconds !== undefined && input.TimeoutSeconds < 30) {
    throw invalid('timeoutSeconds', String(input.TimeoutSeconds), 'Member must have value greater than or equal to 30');
  }
  if ((input.Comment ?? '').length > 100)
    throw invalid('comment', String(input.Comment), 'Member must have length less than or equal to 100');
  if ((input.InstanceIds?.length ?? 0) > 50)
    throw invalid('instanceIds', '…', 'Member must have length less than or equal to 50');
  const places = [input.InstanceIds, input.Targets].filter((p) => p !== undefined && p.length > 0).length;
  if (places === 0) throw new AwsFault('InvalidInstanceId', 'InstanceIds or Targets must be given.');
  if (places === 2) throw new AwsFault('InvalidTarget', 'InstanceIds and Targets cannot both be given.');
}

function shown(command: Command, now: number): ApiCommand {
  const { status, details } = commandStanding(command, now);
  const completed = command.invocations.filter(isFinal).length;
  const longest = command.deliveryTimeoutSeconds * 1000 + command.script.timeoutMs;
  return {
    CommandId: command.id,
    DocumentName: command.document.name,
    DocumentVersion:
      command.version.number === command.document.defaultVersion ? '$DEFAULT' : String(command.version.number),
    Comment: command.comment,
    ExpiresAfter: new Date(command.requestedAt + longest),
    Parameters: command.parameters,
    InstanceIds: command.instanceIds ?? [],
    Targets: command.targets ?? [],
    RequestedDateTime: new Date(command.requestedAt),
    Status: status,
    StatusDetails: details,
    MaxConcurrency: command.maxConcurrency,
    MaxErrors: command.maxErrors,
    TargetCount: command.invocations.length,
    CompletedCount: completed,
    ErrorCount: errorsOf(command),
    DeliveryTimedOutCount: deliveryTimeoutsOf(command),
    TimeoutSeconds: command.deliveryTimeoutSeconds,
    ...(command.output ? { CloudWatchOutputConfig: command.output } : {}),
  };
}

function listed(command: Command, invocation: Invocation, details: boolean): ApiInvocation {
  const { status, details: words } = invocation.standing;
  const { startedAt, endedAt } = invocation;
  const output = `${invocation.stdout}${invocation.stderr ? `\n----------ERROR-------\n${invocation.stderr}` : ''}`;
  return {
    CommandId: command.id,
    InstanceId: invocation.host.id,
    InstanceName: '',
    Comment: command.comment,
    DocumentName: command.document.name,
    DocumentVersion: String(command.version.number),
    RequestedDateTime: new Date(invocation.requestedAt),
    Status: status,
    StatusDetails: words,
    StandardOutputUrl: '',
    StandardErrorUrl: '',
    CommandPlugins: details
      ? [
          {
            Name: command.script.step,
            Status: status === 'Cancelling' ? 'Cancelled' : status === 'Delayed' ? 'Pending' : status,
            StatusDetails: words,
            ResponseCode: invocation.responseCode,
            ...(startedAt === undefined ? {} : { ResponseStartDateTime: new Date(startedAt) }),
            ...(endedAt === undefined || startedAt === undefined ? {} : { ResponseFinishDateTime: new Date(endedAt) }),
            Output: output.slice(0, OUTPUT_SHOWN),
            StandardOutputUrl: '',
            StandardErrorUrl: '',
          },
        ]
      : [],
  };
}
