import type { LocalContext } from '../../context.ts';
import type { Host, ScriptEnd } from '../../hosts/host.ts';
import { type Command, countOf, errorsOf, type Invocation, isFinal, STANDINGS } from './command.ts';

/** Bytes of output that are kept of one stream; the API shows the beginning of them. */
const KEPT = 1024 * 1024;

/** How often an agent that was not online is looked for. */
const AGENT_LOOKS_MS = 250;

/** Carries a command out on its hosts: so many at once, and no more of them after so many errors. */
export async function dispatch(command: Command, context: LocalContext): Promise<void> {
  const { invocations } = command;
  const atOnce = Math.max(1, countOf(command.maxConcurrency, invocations.length));
  const mayFail = countOf(command.maxErrors, invocations.length);
  const waiting = [...invocations];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (isFinal(next)) continue;
      if (errorsOf(command) > mayFail) settle(command, next, 'terminated', context);
      else await invoke(command, next, context);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, invocations.length) }, worker));
}

async function invoke(command: Command, invocation: Invocation, context: LocalContext): Promise<void> {
  const { clock, lag } = context;
  const { signal } = invocation.cancel;
  const wait = (ms: number) => clock.sleep(ms, signal).catch(() => undefined);
  // An agent that comes back in time takes the command.
  const latest = clock.now() + command.deliveryTimeoutSeconds * 1000;
  while (!invocation.host.online && !signal.aborted && clock.now() < latest)
    await wait(Math.min(AGENT_LOOKS_MS, latest - clock.now()));
  const { host } = invocation.host;
  if (host === undefined || !invocation.host.online)
    return settle(command, invocation, signal.aborted ? 'cancelled' : 'deliveryTimedOut', context);
  await wait(lag.of('ssm.delivery', command.id));
  if (signal.aborted) return settle(command, invocation, 'cancelled', context);
  invocation.startedAt = clock.now();
  change(command, invocation, 'inProgress', context);
  await execute(command, invocation, host, context);
}

async function execute(command: Command, invocation: Invocation, host: Host, context: LocalContext): Promise<void> {
  const { clock, lag } = context;
  const { script } = command;
  const stdout = collector(command, invocation, 'stdout', context);
  const stderr = collector(command, invocation, 'stderr', context);
  let end: ScriptEnd = await host
    .run({
      id: command.id,
      step: script.step.replace(/[^\w-]/g, ''),
      text: script.text,
      workingDirectory: script.workingDirectory,
      timeoutMs: script.timeoutMs,
      signal: invocation.cancel.signal,
      onOutput: (chunk, stream) => (stream === 'stdout' ? stdout : stderr).write(chunk),
    })
    .catch((error: unknown) => {
      stderr.write(Buffer.from(`the host is gone: ${String(error)}\n`));
      return { how: 'exited' as const, code: -1 };
    });
  // A host that died tells nothing any more: the command is in progress until its time is over.
  const latest = clock.now() + script.timeoutMs;
  const { signal } = invocation.cancel;
  const died = !host.running;
  while (!host.running && !signal.aborted && clock.now() < latest)
    await clock.sleep(Math.min(AGENT_LOOKS_MS, latest - clock.now()), signal).catch(() => undefined);
  if (died && !host.running) end = { how: signal.aborted ? 'cancelled' : 'timed-out' };
  // The agent's own last word on a script that failed.
  if (end.how === 'exited' && end.code !== 0)
    stderr.write(Buffer.from(`failed to run commands: exit status ${end.code}`));
  stdout.end();
  stderr.end();
  invocation.endedAt = clock.now();
  await clock.sleep(lag.of('ssm.result', command.id));
  invocation.stdout = stdout.text();
  invocation.stderr = stderr.text();
  invocation.responseCode = end.how === 'exited' ? (end.code ?? -1) : -1;
  const how =
    end.how === 'exited'
      ? end.code === 0
        ? 'success'
        : 'failed'
      : end.how === 'cancelled'
        ? 'cancelled'
        : 'executionTimedOut';
  settle(command, invocation, how, context);
}

function settle(command: Command, invocation: Invocation, how: keyof typeof STANDINGS, context: LocalContext): void {
  invocation.endedAt ??= context.clock.now();
  change(command, invocation, how, context);
}

function change(command: Command, invocation: Invocation, how: keyof typeof STANDINGS, { bus }: LocalContext): void {
  invocation.standing = STANDINGS[how];
  const { id } = invocation.host;
  bus.emit({
    kind: 'ssm.invocation',
    text: `${command.document.name} on ${id}: ${invocation.standing.details}${how === 'failed' ? ` with exit code ${invocation.responseCode}` : ''}`,
    data: { command: command.id, instance: id, status: invocation.standing.details },
  });
}

/** Keeps a stream's beginning, and writes its lines to CloudWatch Logs as they come where the command asks for it. */
function collector(
  command: Command,
  invocation: Invocation,
  stream: 'stdout' | 'stderr',
  { logs, clock }: LocalContext,
) {
  const chunks: Buffer[] = [];
  let size = 0;
  let rest = '';
  const decoder = new TextDecoder();
  const group = command.output?.CloudWatchOutputEnabled
    ? command.output.CloudWatchLogGroupName || `/aws/ssm/${command.document.name}`
    : undefined;
  const log = (message: string) => {
    if (group === undefined || message === '') return;
    logs.append(group, `${command.id}/${invocation.host.id}/aws-runShellScript/${stream}`, {
      timestamp: clock.now(),
      message,
    });
  };
  return {
    write(chunk: Buffer) {
      if (size < KEPT) chunks.push(Buffer.from(chunk));
      size += chunk.length;
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) log(line);
    },
    end() {
      log(rest);
      rest = '';
    },
    text: () => Buffer.concat(chunks).subarray(0, KEPT).toString('utf8'),
  };
}
