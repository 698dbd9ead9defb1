import { h } from './dom.js';

/**
 * A table that becomes a list of small cards on a phone. The roles are spelled out because a changed `display` takes them away.
 * @param {string} label what the table is about
 * @param {string[]} columns
 * @param {{ key: string, tone?: string, cells: unknown[] }[]} rows
 */
export function table(label, columns, rows) {
  const head = columns.map((name) => h('th', { scope: 'col', role: 'columnheader' }, name));
  const body = rows.map(({ key, tone, cells }) => {
    const tds = cells.map((cell, index) => h('td', { role: 'cell', 'data-label': columns[index] }, cell));
    return h('tr', { 'data-key': key, role: 'row', class: tone }, tds);
  });
  return h(
    `table.grid.of-${columns.length}`,
    { role: 'table', 'aria-label': label },
    h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, head)),
    h('tbody', { role: 'rowgroup' }, body),
  );
}
