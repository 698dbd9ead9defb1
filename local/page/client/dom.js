/**
 * Builds and patches DOM without a framework. Text only ever becomes text nodes, so nothing that a log, a commit or a message
 * says can become markup.
 */
const SVG = 'http://www.w3.org/2000/svg';
const SVG_TAGS = new Set(['svg', 'path', 'circle']);

/**
 * @param {string} tag with optional classes: "li.task.ok"
 * @param {Record<string, unknown>} [props] attributes; `vars` sets CSS variables, `on…` listeners, false and undefined leave out
 * @param {...unknown} children nodes, texts, arrays; null and false are left out
 */
export function h(tag, props, ...children) {
  const [name, ...classes] = tag.split('.');
  const node = SVG_TAGS.has(name) ? document.createElementNS(SVG, name) : document.createElement(name);
  if (classes.length > 0) node.setAttribute('class', classes.join(' '));
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key === 'vars') {
      for (const [variable, setting] of Object.entries(value)) node.style.setProperty(variable, setting);
    } else if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? '' : String(value));
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(node, child);
    else if (child instanceof Node) node.append(child);
    else if (child !== null && child !== undefined && child !== false) node.append(String(child));
  }
}

/** Makes `live` look like `next`, keeping what the reader holds: focus, scroll, opened details, selections. */
export function morph(live, next) {
  patchChildren(live, [...next.childNodes]);
}

function keyOf(node) {
  return node.nodeType === 1 ? node.getAttribute('data-key') : null;
}

function patchChildren(live, wanted) {
  const keyed = new Map();
  for (const node of live.childNodes) {
    const key = keyOf(node);
    if (key !== null) keyed.set(key, node);
  }
  let at = live.firstChild;
  for (const next of wanted) {
    const key = keyOf(next);
    const same = key === null ? (at && keyOf(at) === null && alike(at, next) ? at : null) : (keyed.get(key) ?? null);
    if (same && alike(same, next)) {
      if (same === at) at = at.nextSibling;
      else live.insertBefore(same, at);
      patch(same, next);
    } else live.insertBefore(next, at);
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

function alike(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName;
}

function patch(live, next) {
  if (live.nodeType !== 1) {
    if (live.nodeValue !== next.nodeValue) live.nodeValue = next.nodeValue;
    return;
  }
  for (const { name } of [...live.attributes]) {
    if (!next.hasAttribute(name) && name !== 'open' && name !== 'style') live.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (name !== 'style' && !(name === 'open' && live.hasAttribute('data-seen')) && live.getAttribute(name) !== value) {
      live.setAttribute(name, value);
    }
  }
  if (live.nodeName === 'DETAILS') live.setAttribute('data-seen', '');
  for (const variable of next.style ?? []) live.style.setProperty(variable, next.style.getPropertyValue(variable));
  if (live.nodeName === 'SELECT') return;
  patchChildren(live, [...next.childNodes]);
}
