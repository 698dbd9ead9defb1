import type { NotifyInputs } from './inputs.ts';
import type { Style } from './render/view.ts';
import type { StoryState } from './story.ts';
import { safeUrl } from './text/escape.ts';

const STATES: Readonly<Record<NotifyInputs['status'], StoryState | undefined>> = {
  '': undefined,
  started: 'started',
  running: 'running',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'cancelled',
  success: 'succeeded',
  failure: 'failed',
  skipped: 'cancelled',
  unchanged: 'succeeded',
  'rolled-back': 'failed',
  superseded: 'cancelled',
  stopped: 'cancelled',
  'timed-out': 'failed',
  denied: 'failed',
};

/** The state that a word means, ours, GitHub's or an outcome's; undefined where none was given. */
export function stateOfWord(word: NotifyInputs['status']): StoryState | undefined {
  return STATES[word];
}

const BY_JOB: Readonly<Record<string, StoryState>> = {
  success: 'succeeded',
  failure: 'failed',
  cancelled: 'cancelled',
};

/** The state of the job that this step is in, for a step that is told nothing else. */
export function stateOfJob(status: string): StoryState | undefined {
  return BY_JOB[status.toLowerCase()];
}

/** Whether what goes wrong fails the step: `nofail: false` of actions-status-discord says the same. */
export function failsOnError(inputs: Pick<NotifyInputs, 'fail-on-error' | 'nofail'>): boolean {
  return inputs['fail-on-error'] || inputs.nofail === false;
}

/** How the message looks, by our inputs and by those that actions-status-discord has for it. */
export function styleOf(inputs: NotifyInputs): Style {
  const { nodetail } = inputs;
  return {
    format: inputs.format,
    color: inputs.color,
    url: inputs.url,
    image: safeUrl(inputs.image),
    username: inputs.username,
    avatarUrl: safeUrl(inputs.avatar_url),
    description: inputs.description,
    content: inputs.content,
    template: inputs.template ?? {},
    bareTitle: nodetail || inputs.noprefix,
    hideContext: nodetail || inputs.nocontext,
    hideStages: nodetail,
    hideTime: inputs.notimestamp,
  };
}
