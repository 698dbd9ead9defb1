import type { ActEvent } from '../act/events.ts';
import type { RunView, StageState } from '../page/sources.ts';

/** One line of the story of a run: a job, or a component's leg of one. */
export interface Stage {
  name: string;
  /** The job in the workflow file. */
  job: string;
  state: StageState;
  /** What came of it, in a few words; why, when it failed. */
  note: string;
  startedAt: number;
  endedAt: number | undefined;
  /** The last lines that its failing step printed. */
  tail: string[];
}

const TAIL_LINES = 25;
const STATES: Readonly<Record<string, StageState>> = {
  succeeded: 'succeeded',
  unchanged: 'unchanged',
  blocked: 'skipped',
  superseded: 'skipped',
  'rolled-back': 'rolled-back',
  stopped: 'cancelled',
};

/** Tells a run's story from act's events: what began, what ended how and why. */
export class Story {
  readonly #stages = new Map<string, Stage>();
  readonly #outputs = new Map<string, Map<string, string>>();
  readonly #failed = new Map<string, string>();
  readonly #lines = new Map<string, string[]>();

  /** In the order in which they began. */
  get stages(): readonly Stage[] {
    return [...this.#stages.values()];
  }

  /** An output of any step of a job, by the job's id: the last one that was set. */
  output(job: string, name: string): string {
    return this.#outputs.get(job)?.get(name) ?? '';
  }

  /** @returns the stage, when the event began or ended one */
  take(event: ActEvent): Stage | undefined {
    const { key } = event.job;
    switch (event.kind) {
      case 'job-started':
        return this.#begin(event);
      case 'set-output':
        this.#outputsOf(key).set(event.name, event.value);
        return undefined;
      case 'output':
        this.#linesOf(key, event.step).push(event.text);
        return undefined;
      case 'step-ended':
        if (event.result === 'failure' && !this.#failed.has(key)) this.#failed.set(key, event.step);
        return undefined;
      case 'annotation':
        if (event.level === 'error') this.#linesOf(key, event.step).push(event.message);
        return undefined;
      case 'job-ended':
        return this.#end(event);
      default:
        return undefined;
    }
  }

  #begin({ job, at }: ActEvent): Stage {
    const stage: Stage = {
      name: job.matrix.component ?? job.id,
      job: job.id,
      state: 'running',
      note: '',
      startedAt: at,
      endedAt: undefined,
      tail: [],
    };
    this.#stages.set(job.key, stage);
    return stage;
  }

  #end({ job, at }: ActEvent): Stage | undefined {
    const stage = this.#stages.get(job.key);
    if (!stage || stage.endedAt !== undefined) return undefined;
    const outputs = this.#outputsOf(job.key);
    const failed = this.#failed.get(job.key);
    stage.endedAt = at;
    stage.state =
      failed === undefined ? stateOf(outputs.get('outcome')) : (STATES[outputs.get('outcome') ?? ''] ?? 'failed');
    if (failed !== undefined && (stage.state === 'succeeded' || stage.state === 'unchanged')) stage.state = 'failed';
    stage.note = noteOf(stage, outputs, failed);
    if (failed !== undefined) stage.tail = this.#linesOf(job.key, failed).slice(-TAIL_LINES);
    return stage;
  }

  #outputsOf(key: string): Map<string, string> {
    const found = this.#outputs.get(key) ?? new Map<string, string>();
    this.#outputs.set(key, found);
    return found;
  }

  #linesOf(key: string, step: string): string[] {
    const id = `${key}\n${step}`;
    const found = this.#lines.get(id) ?? [];
    this.#lines.set(id, found);
    return found;
  }
}

function stateOf(outcome: string | undefined): StageState {
  return STATES[outcome ?? 'succeeded'] ?? 'succeeded';
}

function noteOf(stage: Stage, outputs: ReadonlyMap<string, string>, failed: string | undefined): string {
  const cause = firstSentence(outputs.get('cause') ?? '');
  if (failed !== undefined) return cause || `the step "${failed}" failed`;
  if (stage.job === 'detect') return shippingNote(outputs.get('components') ?? '[]');
  if (/^(?:notify|tell-\d)$/.test(stage.job)) return outputs.get('sent') === 'true' ? 'told the channel' : '';
  if (cause) return cause;
  const changes = outputs.get('changes');
  if (changes) return planNote(changes);
  const digest = outputs.get('digest');
  return digest ? `${digest.slice(0, 19)} runs and answers` : '';
}

function shippingNote(components: string): string {
  const names = JSON.parse(components) as string[];
  return names.length > 0 ? `${names.join(', ')} ${names.length === 1 ? 'ships' : 'ship'}` : 'nothing ships';
}

function planNote(changes: string): string {
  const counts = Object.entries(JSON.parse(changes) as Record<string, unknown>).filter(([, n]) => Number(n) > 0);
  return counts
    .map(([what, n]) => `${n} to ${what}`)
    .join(', ')
    .replace(/(\d+) to outputs/, '$1 outputs');
}

export function firstSentence(text: string): string {
  const [line = ''] = text.split('\n');
  return line.length > 160 ? `${line.slice(0, 159)}…` : line;
}

/** The run as the page shows it. */
export function viewOf(story: Story, run: Omit<RunView, 'stages'>): RunView {
  return {
    ...run,
    stages: story.stages.map(({ name, state, note, startedAt, endedAt }) => ({
      name,
      state,
      startedAt,
      ...(note !== '' && { note }),
      ...(endedAt !== undefined && { endedAt }),
    })),
  };
}
