import { h } from './dom.js';
import { shortImage, timeOfDay } from './format.js';
import { badge, toneOf } from './icons.js';

/** Hosts with what runs on them, and the commands that were sent to them. */
export function renderHosts({ hosts: { hosts = [], commands = [] } = {} }) {
  if (hosts.length === 0) return h('p.empty', {}, 'No host in this world.');
  return h(
    'div.cards',
    {},
    hosts.map((host) =>
      h(
        'article.card',
        { 'data-key': host.id },
        h(
          'div.card-head',
          {},
          h('h3', {}, host.name || host.id, h('span.of', {}, host.name ? host.id : '')),
          badge(host.online ? 'online' : 'offline'),
        ),
        h(
          'p.tags',
          {},
          Object.entries(host.tags).map(([name, value]) => h('span.tag', { 'data-key': name }, `${name}=${value}`)),
        ),
        host.containers.length === 0
          ? h('p.quiet', {}, 'Nothing runs here yet.')
          : h(
              'ul.plain',
              {},
              host.containers.map((one) =>
                h(
                  'li',
                  { 'data-key': one.name },
                  h('strong', {}, one.name),
                  h('code', { title: one.image }, shortImage(one.image)),
                  badge(one.status, { tone: /^(up|running|healthy)/i.test(one.status) ? 'ok' : toneOf(one.status) }),
                ),
              ),
            ),
        commandsOf(commands, host.id),
      ),
    ),
  );
}

function commandsOf(commands, id) {
  const own = commands.flatMap((command) =>
    command.invocations.filter(({ instanceId }) => instanceId === id).map((invocation) => ({ command, invocation })),
  );
  if (own.length === 0) return null;
  return h(
    'ul.commands',
    { 'aria-label': 'Commands' },
    own
      .slice(0, 6)
      .map(({ command, invocation }) =>
        h(
          'li',
          { 'data-key': command.id },
          h(
            'details.more',
            {},
            h(
              'summary',
              {},
              badge(invocation.status),
              h('span.grow', {}, command.comment || command.document),
              h('time', {}, timeOfDay(command.at)),
            ),
            h(
              'p.quiet',
              {},
              `${command.document} · ${command.id}`,
              invocation.exitCode === null ? '' : ` · exit code ${invocation.exitCode}`,
            ),
            invocation.output
              ? h('pre.lines', { tabindex: 0, 'aria-label': 'Output' }, invocation.output)
              : h('p.quiet', {}, 'No output.'),
          ),
        ),
      ),
  );
}
