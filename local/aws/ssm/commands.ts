import { randomUUID } from 'node:crypto';
import type {
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
import { type Command, type Invocation, isFinal, STANDINGS } from './command.ts';
import { dispatch } from './dispatch.ts';
import type { DocumentStore } from './documents.ts';
import { planScript } from './script.ts';
import { listed, result, shown } from './views.ts';

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

const COUNT = /^([1-9][0-9]*|[1-9][0-9]%|[1-9]%|100%)$/;
const ERRORS = /^([1-9][0-9]*|[0]|[1-9][0-9]%|[0-9]%|100%)$/;

/** Run Command. Source: Systems Manager API reference, SendCommand and the others. */
export function createCommands(deps: CommandsDeps): Commands {
  const commands = new RunCommand(deps);
  return { operations: commands.operations(), all: () => commands.all(), stop: () => commands.stop() };
}

class RunCommand {
  readonly #deps: CommandsDeps;
  readonly #commands = new Map<string, Command>();
  #stopped = false;

  constructor(deps: CommandsDeps) {
    this.#deps = deps;
  }

  operations(): Record<string, Operation> {
    return {
      SendCommand: (input: SendCommandRequest) => this.#sendCommand(input),
      CancelCommand: (input: CancelCommandRequest) => this.#cancelCommand(input),
      ListCommands: (input: ListCommandsRequest) => this.#listCommands(input),
      ListCommandInvocations: (input: ListCommandInvocationsRequest) => this.#listCommandInvocations(input),
      GetCommandInvocation: (input: GetCommandInvocationRequest) => this.#getCommandInvocation(input),
    };
  }

  all(): Command[] {
    return [...this.#commands.values()].reverse();
  }

  stop(): void {
    this.#stopped = true;
    for (const { invocations } of this.#commands.values()) for (const i of invocations) i.cancel.abort();
  }

  #sendCommand(input: SendCommandRequest) {
    checkLimits(input);
    const { document, version } = this.#deps.documents.find(String(input.DocumentName), input.DocumentVersion);
    const parameters = input.Parameters ?? {};
    const script = planScript(version.content, parameters);
    const chosen = input.InstanceIds?.length ? this.#byId(input.InstanceIds) : undefined;
    const now = this.#deps.context.clock.now();
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
      resolvedAt: undefined,
      invocations: [],
      cancelled: false,
    };
    const found = chosen ?? this.#byTargets(input.Targets ?? []);
    this.#commands.set(command.id, command);
    if (chosen) this.#begin(command, found);
    // Targets given by tag are looked up afterwards: the answer is the command as it was taken.
    else
      setTimeout(() => this.#begin(command, found), this.#deps.context.lag.of('ssm.targets', command.id, [100, 1000]));
    return { Command: shown(command) };
  }

  #cancelCommand(input: CancelCommandRequest) {
    const command = this.#find(input.CommandId);
    command.cancelled = true;
    const chosen = input.InstanceIds;
    for (const invocation of command.invocations) {
      if (isFinal(invocation) || (chosen?.length && !chosen.includes(invocation.host.id))) continue;
      const started = invocation.startedAt !== undefined;
      invocation.standing = started ? STANDINGS.cancelling : STANDINGS.cancelled;
      invocation.cancel.abort();
    }
    return {};
  }

  #listCommands(input: ListCommandsRequest) {
    const all = input.CommandId ? [this.#find(input.CommandId)] : this.all();
    const wanted = all.filter(
      (c) =>
        (!input.InstanceId || c.invocations.some((i) => i.host.id === input.InstanceId)) &&
        (input.Filters ?? []).every(({ key, value }) => matchesFilter(c, String(key), String(value))),
    );
    const { items, nextToken } = pageOf(wanted, {
      nextToken: input.NextToken,
      maxResults: input.MaxResults,
      most: 50,
      code: 'InvalidNextToken',
    });
    return { Commands: items.map((c) => shown(c)), NextToken: nextToken ?? '' };
  }

  #listCommandInvocations(input: ListCommandInvocationsRequest) {
    const all = input.CommandId ? [this.#find(input.CommandId)] : this.all();
    const found = all.flatMap((command) => this.#known(command).map((invocation) => ({ command, invocation })));
    const wanted = found.filter(({ invocation }) => !input.InstanceId || invocation.host.id === input.InstanceId);
    const { items, nextToken } = pageOf(wanted, {
      nextToken: input.NextToken,
      maxResults: input.MaxResults,
      most: 50,
      code: 'InvalidNextToken',
    });
    const list = items.map(({ command, invocation }) => listed(command, invocation, input.Details ?? false));
    return { CommandInvocations: list, NextToken: nextToken ?? '' };
  }

  #getCommandInvocation(input: GetCommandInvocationRequest) {
    const command = this.#commands.get(String(input.CommandId));
    const invocation = command && this.#known(command).find((i) => i.host.id === input.InstanceId);
    if (command === undefined || invocation === undefined) throw new AwsFault('InvocationDoesNotExist', '');
    const plugin = command.script.step;
    if (input.PluginName !== undefined && input.PluginName !== plugin) throw new AwsFault('InvalidPluginName', '');
    return result(command, invocation, this.#deps.context.clock.now());
  }

  #find(id: string | undefined): Command {
    const command = this.#commands.get(String(id));
    if (command === undefined) throw new AwsFault('InvalidCommandId', '');
    return command;
  }

  #known(command: Command): Invocation[] {
    const now = this.#deps.context.clock.now();
    return command.invocations.filter((i) => isFinal(i) || i.visibleAt <= now);
  }

  #begin(command: Command, targets: readonly ManagedHost[]): void {
    if (this.#stopped) return;
    const { context } = this.#deps;
    const now = context.clock.now();
    command.resolvedAt = now;
    command.invocations = targets.map(
      (host): Invocation => ({
        host,
        standing: command.cancelled ? STANDINGS.cancelled : STANDINGS.pending,
        responseCode: -1,
        stdout: '',
        stderr: '',
        requestedAt: now,
        startedAt: undefined,
        endedAt: undefined,
        visibleAt: now + context.lag.of('ssm.invocation', command.id),
        cancel: new AbortController(),
      }),
    );
    dispatch(command, context).catch((error: unknown) =>
      console.error(`SSM command ${command.id} failed here:`, error),
    );
  }

  #byId(ids: readonly string[]): ManagedHost[] {
    const found = ids.map((id) => this.#deps.hosts.find(id));
    const wrong = ids.filter((_, i) => !found[i]?.online);
    if (wrong.length > 0) {
      throw new AwsFault(
        'InvalidInstanceId',
        `Instances [[${wrong.join(', ')}]] not in a valid state for account ${this.#deps.context.account}`,
      );
    }
    return found.filter((host) => host !== undefined);
  }

  /** Several targets must all match; of a target's values one must. */
  #byTargets(targets: readonly Target[]): ManagedHost[] {
    return this.#deps.hosts.all().filter((host) => targets.every((target) => matchesTarget(host, target)));
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

/** Source: Systems Manager API reference, CommandFilter. */
function matchesFilter(command: Command, key: string, value: string): boolean {
  if (key === 'InvokedAfter') return command.requestedAt >= Date.parse(value);
  if (key === 'InvokedBefore') return command.requestedAt < Date.parse(value);
  if (key === 'DocumentName') return command.document.name === value;
  throw new AwsFault('InvalidFilterKey', `The local Systems Manager does not filter commands by ${key}.`);
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
