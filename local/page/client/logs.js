import { h } from './dom.js';
import { timeOfDay } from './format.js';

let chosen = '';

/** The end of all logs together, or of one group; it follows as long as the reader is at the end. */
export function renderLogs({ logs = [] }) {
  const groups = [...new Set(logs.map(({ group }) => group))].sort();
  const shown = chosen === '' ? logs : logs.filter(({ group }) => group === chosen);
  return h(
    'article.card.flush',
    {},
    h(
      'div.bar-row',
      {},
      h('label', { for: 'log-group' }, 'Group'),
      h(
        'select',
        { id: 'log-group', 'data-key': groups.join(' '), onchange: choose },
        h('option', { value: '' }, 'all'),
        groups.map((group) => h('option', { value: group, selected: group === chosen }, group)),
      ),
      h('span.quiet.grow', {}, `${shown.length} newest lines`),
    ),
    h(
      'div.log',
      { role: 'log', tabindex: 0, 'aria-label': 'Log lines', 'aria-live': 'off', 'data-follow': '' },
      shown.length === 0 ? h('p.quiet', {}, 'Nothing was logged yet.') : shown.map(line),
    ),
  );
}

function choose(event) {
  chosen = event.target.value;
  document.dispatchEvent(new CustomEvent('redraw', { detail: ['logs'] }));
}

function line({ group, stream, at, message, sequence }) {
  const read = structured(message);
  return h(
    `p.line.${read.level}`,
    { 'data-key': sequence },
    h('time', { title: `${group} ${stream}` }, timeOfDay(at)),
    h('span.source', {}, group.split('/').pop()),
    h('span.text', {}, read.text),
  );
}

/** A JSON line in words: level, message, then what else it says. */
function structured(message) {
  if (!message.startsWith('{'))
    return { level: /\b(error|fatal|panic)\b/i.test(message) ? 'error' : 'info', text: message };
  try {
    const { level = 'info', msg, message: text = msg, time, timestamp, ...rest } = JSON.parse(message);
    const more = Object.entries(rest).map(
      ([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : value}`,
    );
    const name = String(level).toLowerCase();
    return {
      level: /^(error|fatal|50|60)$/.test(name) ? 'error' : /^(warn|warning|40)$/.test(name) ? 'warn' : 'info',
      text: [text, ...more].filter(Boolean).join('  '),
    };
  } catch {
    return { level: 'info', text: message };
  }
}
