import { h } from './dom.js';
import { bytes, fullTime, shortCommit, shortDigest, shortHex, timeOfDay } from './format.js';
import { badge } from './icons.js';

/** What the ledger says runs, by environment, then how it came to be. */
export function renderLedger({ ledger = [] }) {
  if (ledger.length === 0) return h('p.empty', {}, 'Nothing was deployed yet.');
  return ledger.map(({ environment, entries }) =>
    h(
      'article.card',
      { 'data-key': environment },
      h('div.card-head', {}, h('h3', {}, environment)),
      h('ul.ledger', {}, entries.map(entry)),
    ),
  );
}

function entry(row) {
  const state = stateOf(row);
  return h(
    `li${row.current ? '.current' : ''}`,
    { 'data-key': row.id },
    h(
      'div.entry',
      {},
      h('strong', {}, row.component),
      h('code', {}, shortCommit(row.sha)),
      row.current && h('span.tag.now', {}, 'current'),
      badge(state),
      h('time', { datetime: row.at, title: fullTime(row.at) }, timeOfDay(row.at)),
    ),
    row.description && h('p.quiet', {}, row.description),
  );
}

/** A held entry is a rolled-back one; another entry's success makes an older one inactive, which is no fault. */
function stateOf(row) {
  const held = row.payload && typeof row.payload === 'object' ? row.payload.state : undefined;
  if (held === 'held') return 'held';
  if (row.succeeded) return row.current ? 'success' : 'deployed';
  return row.state;
}

const IMAGES_SHOWN = 6;

/** Images by repository, newest first. */
export function renderImages({ images = null }) {
  const repositories = images?.repositories ?? [];
  if (repositories.length === 0) return h('p.empty', {}, 'No repository yet.');
  return h('article.card', {}, repositories.map(repository));
}

function repository({ name, images }) {
  const newest = [...images].sort((a, b) => b.pushedAt - a.pushedAt).slice(0, IMAGES_SHOWN);
  return h(
    'div.repository',
    { 'data-key': name },
    h('h3', {}, name),
    newest.length === 0 ? h('p.quiet', {}, 'Empty.') : h('ul.images', {}, newest.map(image)),
  );
}

function image({ digest, tags, sizeInBytes, pushedAt }) {
  return h(
    'li',
    { 'data-key': digest },
    h('code', { title: digest }, shortDigest(digest)),
    h(
      'span.tags',
      {},
      tags.map((tag) => h('span.tag', { 'data-key': tag, title: tag }, shortHex(tag))),
    ),
    h('span.quiet', {}, bytes(sizeInBytes)),
    h('time', {}, timeOfDay(pushedAt)),
  );
}

/** What happened, newest first. */
export function renderActivity({ activity = [] }) {
  if (activity.length === 0) return h('p.empty', {}, 'Nothing happened yet.');
  return h(
    'article.card',
    {},
    h(
      'ol.activity',
      {},
      activity.map(({ at, kind, text }) =>
        h(
          'li',
          { 'data-key': `${at} ${kind} ${text}` },
          h('time', {}, timeOfDay(at)),
          h('span.kind', {}, kind.split('.')[0]),
          h('span', {}, text),
        ),
      ),
    ),
  );
}
