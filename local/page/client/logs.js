import { h } from './dom.js';
import { shortHex, timeOfDay } from './format.js';

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
    h('span.text', { title: message }, read.text),
  );
}

/** Names whose value the line's own time and source tell already. */
const TOLD = new Set(['time', 'timestamp', 'service', 'pid', 'hostname']);

/** A JSON line in words: message, then what else it says; long digests short. */
function structured(message) {
  const plain = { level: /\b(error|fatal|panic)\b/i.test(message) ? 'error' : 'info', text: message };
  if (!message.startsWith('{')) return plain;
  try {
    const { level = 'info', msg, message: text = msg, ...rest } = JSON.parse(message);
    const more = Object.entries(rest)
      .filter(([key]) => !TOLD.has(key))
      .map(([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : value}`);
    return { level: levelOf(String(level)), text: shortHex([text, ...more].filter(Boolean).join('  ')) };
  } catch {
    return plain;
  }
}

function levelOf(level) {
  if (/^(error|fatal|50|60)$/i.test(level)) return 'error';
  return /^(warn|warning|40)$/i.test(level) ? 'warn' : 'info';
}
