import type { Tally } from './prober.ts';
import type { Stage } from './story.ts';

export interface Output {
  isTTY?: boolean | undefined;
  columns?: number | undefined;
  write(text: string): unknown;
}

const MARKS: Readonly<Record<Stage['state'], [mark: string, colour: number]>> = {
  waiting: ['·', 90],
  running: ['●', 36],
  succeeded: ['✓', 32],
  unchanged: ['=', 90],
  skipped: ['–', 90],
  failed: ['✗', 31],
  'rolled-back': ['↺', 33],
  cancelled: ['■', 90],
};
const NAME_WIDTH = 10;
const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';

/** Writes progress: a line for everything that has ended and, on a terminal, one that moves for what goes on. */
export class Terminal {
  readonly #out: Output;
  readonly #colour: boolean;
  #live = false;
  #frame = 0;

  constructor(out: Output, env: NodeJS.ProcessEnv = process.env) {
    this.#out = out;
    this.#colour = out.isTTY === true && !env.NO_COLOR;
  }

  paint(code: number, text: string): string {
    return this.#colour ? `\u001b[${code}m${text}\u001b[0m` : text;
  }

  line(text = ''): void {
    this.#clear();
    this.#out.write(`${text}\n`);
  }

  heading(text: string, more = ''): void {
    this.line();
    this.line(`${this.paint(1, text)}${more && `  ${this.paint(90, more)}`}`);
  }

  stage(stage: Stage): void {
    this.line(stageLine(stage, (code, text) => this.paint(code, text)));
  }

  /** What goes on, rewritten in place; nothing where the output is no terminal. */
  live(stages: readonly Stage[], now: number, probe: Tally): void {
    if (this.#out.isTTY !== true) return;
    const running = stages.filter(({ state }) => state === 'running');
    const parts = running.map(({ name, startedAt }) => `${name} ${seconds(now - startedAt)}`);
    this.#frame = (this.#frame + 1) % FRAMES.length;
    const text = `  ${FRAMES[this.#frame]} ${parts.join(' · ') || 'starting'} · ${probe.sent} requests, ${probe.failed} failed`;
    this.#out.write(`\r\u001b[2K${text.slice(0, (this.#out.columns ?? 80) - 1)}`);
    this.#live = true;
  }

  #clear(): void {
    if (this.#live) this.#out.write('\r\u001b[2K');
    this.#live = false;
  }
}

type Paint = (code: number, text: string) => string;

export function stageLine(stage: Stage, paint: Paint = (_, text) => text): string {
  const [mark, colour] = MARKS[stage.state];
  const took = seconds((stage.endedAt ?? stage.startedAt) - stage.startedAt).padStart(7);
  return `  ${paint(colour, mark)} ${stage.name.padEnd(NAME_WIDTH)} ${paint(90, took)}  ${stage.note}`.trimEnd();
}

/** Rows of text under a heading, columns aligned. */
export function tableLines(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd();
  return [line(head), line(widths.map((width) => '─'.repeat(width))), ...rows.map(line)];
}

/** @param ms milliseconds */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
