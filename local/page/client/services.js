import { h } from './dom.js';
import { plural, shortDigest, tail, timeOfDay } from './format.js';
import { badge, toneOf } from './icons.js';
import { table } from './table.js';

/** Services with their deployments, tasks, targets and last words. */
export function renderServices({ services = [], tasks = [], balancers = [] }) {
  if (services.length === 0) return h('p.empty', {}, 'No service yet.');
  return [
    h(
      'div.cards',
      {},
      services.map((service) => card(service, balancers)),
    ),
    tasks.length > 0 && h('article.card', {}, h('h3', {}, 'Single tasks'), taskTable(tasks)),
  ];
}

function card(service, balancers) {
  const rolling = service.deployments.length > 1 || !service.steady;
  const live = service.tasks.filter(({ status }) => status !== 'STOPPED');
  const stopped = service.tasks.filter(({ status }) => status === 'STOPPED');
  const targets = balancers
    .flatMap(({ url, groups }) => groups.map((group) => ({ url, group })))
    .filter(({ group }) =>
      service.tasks.some((task) =>
        task.targets.some(({ targetGroupArn }) => targetGroupArn.includes(`/${group.name}/`)),
      ),
    );
  return h(
    'article.card',
    { 'data-key': `${service.cluster}/${service.name}` },
    h(
      'div.card-head',
      {},
      h('h3', {}, service.name, h('span.of', {}, service.cluster)),
      badge(rolling ? 'rolling' : 'steady', { text: rolling ? 'deployment under way' : 'steady' }),
    ),
    h(
      'div.counts',
      {},
      h(
        'p.figure',
        {},
        h('strong', {}, service.running),
        ` of ${service.desired} running`,
        service.pending > 0 && h('span.quiet', {}, `, ${service.pending} starting`),
      ),
      h('ul.dots', { 'aria-label': 'Tasks' }, live.map(dot)),
      targets.map(({ url, group }) => targetLine(url, group)),
    ),
    deployments(service),
    live.length > 0 && taskTable(live),
    stopped.length > 0 && stoppedTasks(stopped),
    service.events.length > 0 && lastWords(service.events),
  );
}

function dot(task) {
  const health = task.health === 'UNKNOWN' ? task.status : task.health;
  return h(
    `li.${toneOf(health)}`,
    { 'data-key': task.id, title: `${task.id.slice(0, 8)} ${health.toLowerCase()}` },
    h('span.visually-hidden', {}, `${task.id.slice(0, 8)} ${health.toLowerCase()}`),
  );
}

function targetLine(url, group) {
  const healthy = group.targets.filter(({ state }) => state === 'healthy').length;
  return h(
    'p.figure',
    { 'data-key': group.name },
    h('strong', {}, healthy),
    ` of ${plural(group.targets.length, 'target')} healthy · `,
    h('a', { href: url, target: '_blank', rel: 'noreferrer' }, new URL(url).host),
  );
}

function deployments({ deployments: list }) {
  const rows = list.map((one) => ({
    key: one.id,
    tone: one.primary ? 'primary' : 'leaving',
    cells: [
      one.primary ? 'primary' : 'leaving',
      h('code', {}, tail(one.taskDefinition)),
      meter(one),
      [badge(one.rolloutState), one.reason && h('span.reason', {}, one.reason)],
    ],
  }));
  return table('Deployments', ['Deployment', 'Task definition', 'Running', 'Rollout'], rows);
}

function meter({ running, desired, pending, failed }) {
  const share = desired > 0 ? Math.min(1, running / desired) : 0;
  const more = [pending > 0 && `${pending} starting`, failed > 0 && `${failed} failed`].filter(Boolean).join(', ');
  return h(
    'span.meter',
    { vars: { '--share': `${Math.round(share * 100)}%` } },
    h('span.bar', { 'aria-hidden': 'true' }),
    `${running}/${desired}`,
    more && h(`span.${failed > 0 ? 'alarm' : 'quiet'}`, {}, more),
  );
}

function taskTable(tasks) {
  const rows = tasks.map((task) => ({
    key: task.id,
    cells: [
      [h('code', {}, task.id.slice(0, 8)), h('span.quiet', {}, ` ${tail(task.taskDefinition)}`)],
      h('code', { title: task.containers[0]?.digest }, task.version),
      badge(task.status),
      task.health === 'UNKNOWN' ? h('span.quiet', {}, 'no check') : badge(task.health),
      task.targets.length === 0
        ? h('span.quiet', {}, 'none')
        : task.targets.map((target) => badge(target.state || 'waiting')),
    ],
  }));
  return table('Tasks', ['Task', 'Version', 'State', 'Health', 'Target'], rows);
}

function stoppedTasks(tasks) {
  return h(
    'details.more',
    {},
    h('summary', {}, plural(tasks.length, 'stopped task')),
    h(
      'ul.reasons',
      {},
      tasks.map((task) =>
        h(
          'li',
          { 'data-key': task.id },
          h(
            'p',
            {},
            h('code', {}, task.id.slice(0, 8)),
            h('span.quiet', {}, ` ${tail(task.taskDefinition)}`),
            task.stoppedAt && h('time', {}, timeOfDay(task.stoppedAt)),
          ),
          h('p', {}, task.stoppedReason ?? 'No reason given'),
          task.containers
            .filter(({ exitCode, reason }) => exitCode !== undefined || reason)
            .map((container) =>
              h(
                'p.quiet',
                {},
                `${container.name}: ${container.exitCode === undefined ? '' : `exit code ${container.exitCode} `}${container.reason ?? ''}`,
                container.digest && ` (${shortDigest(container.digest)})`,
              ),
            ),
          task.lines.length > 0 &&
            h('pre.lines', { tabindex: 0, 'aria-label': 'Last lines' }, task.lines.slice(-6).join('\n')),
        ),
      ),
    ),
  );
}

function lastWords(events) {
  return h(
    'details.more',
    {},
    h('summary', {}, 'Service events'),
    h(
      'ul.events',
      {},
      events
        .slice(0, 12)
        .map(({ at, message }) =>
          h('li', { 'data-key': `${at} ${message}` }, h('time', {}, timeOfDay(at)), h('span', {}, message)),
        ),
    ),
  );
}
