import * as core from '@actions/core';
import { type GitHubContext, githubContext } from './context.ts';
import { messageOf, Problem } from './errors.ts';
import { idToken } from './github/id-token.ts';
import type { Log } from './log.ts';
import { isGood } from './outcome.ts';
import type { Annotation, Report } from './report.ts';
import { boundSummary, codeBlock, heading } from './summary.ts';

/** Everything an action may know of the runner. Only main.ts and this file see it. */
export interface Edge {
  /** An input by its name in action.yml; '' when not given. */
  input(name: string): string;
  env: NodeJS.ProcessEnv;
  /** Fires on SIGINT or SIGTERM: the runner sends SIGINT on cancellation and kills 10 s later. */
  signal: AbortSignal;
  log: Log;
  context: GitHubContext;
  /** A token of the run's OIDC identity for the audience. */
  idToken(audience: string): Promise<string>;
  exportVariable(name: string, value: string): void;
  /** Keeps a value for this action's `post:` step. */
  saveState(name: string, value: string): void;
  state(name: string): string;
}

/**
 * The edge between an action and the runner: reads the context, runs the body, writes outputs, summary and annotations,
 * and sets the exit code: 0 for a good outcome, 1 for every other and for a thrown error (one clear line, no stack).
 */
export async function runAction(name: string, body: (edge: Edge) => Promise<Report>): Promise<void> {
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => {
    core.info(`${signal} received: stopping`);
    stop.abort();
  };
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    await publish(await body(edgeOf(stop.signal)));
  } catch (error) {
    await explain(name, error);
  } finally {
    process.removeListener('SIGINT', onSignal);
    process.removeListener('SIGTERM', onSignal);
  }
  // Keep-alive sockets would hold the process for seconds after the work is done.
  process.exit();
}

export const actionsLog: Log = {
  info: core.info,
  debug: core.debug,
  warning: (message) => core.warning(message),
  group: (title, f) => core.group(title, f),
  mask: (secret) => {
    // The runner masks line by line; a secret of several lines has to be hidden in each of them.
    for (const line of secret.split(/\r?\n/)) if (line.trim() !== '') core.setSecret(line);
  },
};

function edgeOf(signal: AbortSignal): Edge {
  return {
    input: (input) => core.getInput(input),
    env: process.env,
    signal,
    log: actionsLog,
    context: githubContext(process.env),
    idToken: (audience) => idToken(audience, process.env, actionsLog.mask),
    exportVariable: core.exportVariable,
    saveState: core.saveState,
    state: core.getState,
  };
}

async function publish(report: Report): Promise<void> {
  const { outcome } = report;
  const outputs = { ...report.outputs, outcome: outcome.status, cause: outcome.cause };
  for (const [key, value] of Object.entries(outputs)) core.setOutput(key, value);
  for (const annotation of report.annotations ?? []) annotate(annotation);
  await writeSummary(report.summary);
  if (isGood(outcome)) return;
  core.setFailed([`${outcome.status}: ${outcome.cause}`, outcome.next].filter(Boolean).join('\n'));
}

async function explain(name: string, error: unknown): Promise<void> {
  const message = messageOf(error);
  const denied = error instanceof Problem && error.kind === 'denied';
  const stopped = error instanceof Problem && error.kind === 'cancelled';
  core.setOutput('outcome', denied ? 'denied' : stopped ? 'stopped' : 'failed');
  core.setOutput('cause', message);
  if (core.isDebug() && error instanceof Error && error.stack) core.debug(error.stack);
  if (error instanceof Problem && error.parts.file) {
    annotate({ level: 'error', message, file: error.parts.file, line: error.parts.line, column: error.parts.column });
    process.exitCode = 1;
  } else {
    core.setFailed(message);
  }
  await writeSummary(heading(3, `❌ ${name}`) + codeBlock(message));
}

function annotate({ level, message, title, file, line, column }: Annotation): void {
  const properties = {
    ...(title !== undefined && { title }),
    ...(file !== undefined && { file }),
    ...(line !== undefined && { startLine: line }),
    ...(column !== undefined && { startColumn: column }),
  };
  const write = { error: core.error, warning: core.warning, notice: core.notice }[level];
  write(message, properties);
}

async function writeSummary(markdown: string): Promise<void> {
  if (markdown === '' || !process.env.GITHUB_STEP_SUMMARY) return;
  try {
    await core.summary.addRaw(boundSummary(markdown), true).write();
  } catch (error) {
    core.warning(
      `The job summary could not be written (${messageOf(error)}); the log has everything that it would say.`,
    );
  }
}
