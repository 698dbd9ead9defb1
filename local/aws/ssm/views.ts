import type {
  Command as ApiCommand,
  CommandInvocation as ApiInvocation,
  GetCommandInvocationResult,
} from '@aws-sdk/client-ssm';
import { type Command, commandStanding, deliveryTimeoutsOf, errorsOf, type Invocation, isFinal } from './command.ts';

/** GetCommandInvocation shows so many characters. Source: API reference, StandardOutputContent and StandardErrorContent. */
const STDOUT_SHOWN = 24_000;
const STDERR_SHOWN = 8_000;
/** ListCommandInvocations with details: Source: API reference, CommandPlugin.Output. */
const OUTPUT_SHOWN = 2_500;

/** A command as ListCommands has it. */
export function shown(command: Command): ApiCommand {
  const { status, details } = commandStanding(command);
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

/** An invocation as ListCommandInvocations has it. */
export function listed(command: Command, invocation: Invocation, details: boolean): ApiInvocation {
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

/** An invocation as GetCommandInvocation has it. */
export function result(command: Command, invocation: Invocation, now: number): GetCommandInvocationResult {
  const { startedAt, endedAt } = invocation;
  return {
    CommandId: command.id,
    InstanceId: invocation.host.id,
    Comment: command.comment,
    DocumentName: command.document.name,
    DocumentVersion: String(command.version.number),
    PluginName: command.script.step,
    ResponseCode: invocation.responseCode,
    ExecutionStartDateTime: startedAt === undefined ? '' : new Date(startedAt).toISOString(),
    ExecutionElapsedTime: startedAt === undefined ? '' : `PT${((endedAt ?? now) - startedAt) / 1000}S`,
    ExecutionEndDateTime:
      isFinal(invocation) && endedAt !== undefined && startedAt !== undefined ? new Date(endedAt).toISOString() : '',
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
}
