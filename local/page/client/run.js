import { h } from './dom.js';
import { duration, shortCommit } from './format.js';
import { badge, icon, toneOf } from './icons.js';

const SIGN = {
  waiting: 'wait',
  running: 'run',
  succeeded: 'ok',
  unchanged: 'skip',
  skipped: 'skip',
  failed: 'bad',
  'rolled-back': 'undo',
  cancelled: 'skip',
};

/** The run of now (or the last one): its stages as a track, its end in words, earlier runs as a line of chips. */
export function renderRun({ runs = [], probe = null }) {
  const [run, ...earlier] = runs;
  if (!run) {
    return h('div.run.none', {}, h('p', {}, 'No run yet. When one starts, its stages show here.'));
  }
  return [
    h(
      'div.run',
      { 'data-key': run.id },
      h(
        'div.run-head',
        {},
        h(
          'div',
          {},
          h('p.run-title', {}, run.title),
          h('p.run-facts', {}, [
            run.commit && h('code', {}, shortCommit(run.commit)),
            run.branch && ` on ${run.branch}`,
            run.actor && ` by ${run.actor}`,
          ]),
        ),
        h('div.run-state', {}, stateOf(run), elapsed(run)),
      ),
      h('ol.track', { 'aria-label': 'Stages of this run' }, run.stages.map(stage)),
      run.cause && h(`p.cause.${toneOf(run.outcome)}`, {}, run.cause),
      h('p.visually-hidden', { role: 'status' }, sentence(run)),
    ),
    (earlier.length > 0 || probe) &&
      h('div.run-foot', {}, earlier.length > 0 && chips(earlier), probe && prober(probe)),
  ];
}

function stateOf(run) {
  if (run.outcome) return badge(run.outcome);
  return badge('running', { tone: 'busy' });
}

function elapsed(run) {
  if (run.endedAt) return h('span.elapsed', {}, duration(run.endedAt - run.startedAt));
  return h('span.elapsed', { 'data-since': run.startedAt }, duration(Date.now() - run.startedAt));
}

function stage({ name, state, note, startedAt, endedAt }) {
  const spent =
    startedAt && endedAt
      ? h('span.spent', {}, duration(endedAt - startedAt))
      : startedAt && state === 'running'
        ? h('span.spent', { 'data-since': startedAt }, duration(Date.now() - startedAt))
        : h('span.spent', {}, state.replace('-', ' '));
  return h(
    `li.stage.${state}`,
    { 'data-key': name, 'aria-current': state === 'running' ? 'step' : undefined },
    icon(SIGN[state] ?? 'wait'),
    h('span.stage-name', {}, name, h('span.visually-hidden', {}, `: ${state}`)),
    spent,
    note && h('span.note', { title: note }, note),
  );
}

function sentence(run) {
  if (run.outcome) return `${run.title}: ${run.outcome}`;
  const now = run.stages.find(({ state }) => state === 'running');
  return `${run.title}: ${now ? now.name : 'starting'}`;
}

function chips(runs) {
  return h(
    'ul.chips',
    { 'aria-label': 'Earlier runs' },
    runs.map((run) =>
      h(
        'li',
        { 'data-key': run.id },
        badge(run.outcome ?? 'running', { text: run.title }),
        run.endedAt && h('span.spent', {}, duration(run.endedAt - run.startedAt)),
      ),
    ),
  );
}

function prober({ target, sent, failed, p50, p95, perSecond }) {
  return h(
    'p.prober',
    { title: target },
    badge(failed === 0 ? 'healthy' : 'failed', {
      text: `${sent.toLocaleString('en')} ${sent === 1 ? 'probe' : 'probes'}, ${failed === 0 ? 'none' : failed} failed`,
    }),
    h(
      'span.spent',
      {},
      [perSecond && `${Math.round(perSecond)}/s`, p50 && `p50 ${duration(p50)}`, p95 && `p95 ${duration(p95)}`]
        .filter(Boolean)
        .join(' · '),
    ),
  );
}

/** Counts on what is under way, without asking the server. */
export function tick(root) {
  for (const node of root.querySelectorAll('[data-since]')) {
    node.textContent = duration(Date.now() - Number(node.getAttribute('data-since')));
  }
}
