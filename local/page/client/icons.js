import { h } from './dom.js';

const PATHS = {
  ok: 'M4 8.5 7 11.5 12.5 5',
  bad: 'M5 5 11 11M11 5 5 11',
  warn: 'M8 4v5M8 11.6v.4',
  skip: 'M4.5 8h7',
  wait: 'M8 4.6V8l2.3 1.6',
  undo: 'M4.5 7h5a2.5 2.5 0 0 1 0 5H7M4.5 7l2.5-2.5M4.5 7 7 9.5',
};

/** A small sign beside the words that say the same; colour alone never tells. */
export function icon(name) {
  const moving = name === 'run';
  return h(
    'svg.icon',
    { viewBox: '0 0 16 16', width: 16, height: 16, 'aria-hidden': 'true' },
    h('circle', { cx: 8, cy: 8, r: 7 }),
    moving ? h('circle.dot', { cx: 8, cy: 8, r: 3 }) : h('path', { d: PATHS[name] ?? PATHS.wait }),
  );
}

/** How a state of AWS, GitHub or the pipeline looks: [tone, icon]. */
const TONES = {
  ok: [
    'succeeded',
    'success',
    'completed',
    'steady',
    'healthy',
    'running',
    'active',
    'deployed',
    'primary',
    'online',
    'up',
  ],
  idle: [
    'unchanged',
    'skipped',
    'inactive',
    'waiting',
    'unused',
    'draining',
    'stopped',
    'unknown',
    'initial',
    'cancelled',
    'queued',
    'provisioning',
    'pending',
    'stop requested',
  ],
  busy: [
    'in_progress',
    'inprogress',
    'in progress',
    'deploying',
    'activating',
    'deactivating',
    'stopping',
    'deprovisioning',
    'rolling',
  ],
  bad: [
    'failed',
    'failure',
    'error',
    'unhealthy',
    'rollback_failed',
    'timed-out',
    'timedout',
    'denied',
    'offline',
    'delivery timed out',
  ],
  warn: [
    'rolled-back',
    'rollback_in_progress',
    'rollback_successful',
    'rollback_requested',
    'held',
    'superseded',
    'stopped early',
    'undone',
  ],
};
const SIGNS = { ok: 'ok', idle: 'skip', busy: 'run', bad: 'bad', warn: 'undo' };

export function toneOf(state) {
  const name = String(state).toLowerCase();
  return Object.keys(TONES).find((tone) => TONES[tone].includes(name)) ?? 'idle';
}

/** A state in words with its sign. */
export function badge(
  state,
  { tone = toneOf(state), text = String(state).toLowerCase().replaceAll(/[_-]/g, ' ') } = {},
) {
  return h(`span.badge.${tone}`, {}, icon(SIGNS[tone]), text);
}
