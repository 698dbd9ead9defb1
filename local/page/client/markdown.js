/**
 * Discord's Markdown as a tree: what a person sees there, no HTML. Blocks: paragraphs, headings, quotes, lists, small text, code.
 * Inside: bold, italic, underline, strike, spoiler, code, links, mentions, times. A backslash takes the meaning of the next sign.
 *
 * Node: { type, children? , text?, ... }
 */
const BLOCKS = [
  [/^```(?:([\w+-]+)\n)?([\s\S]*?)```\n?/, (m) => ({ type: 'pre', text: m[2].replace(/^\n|\n$/g, '') })],
  [/^(#{1,3}) +([^\n]+)\n?/, (m) => ({ type: `h${m[1].length}`, children: inline(m[2]) })],
  [/^-# +([^\n]+)\n?/, (m) => ({ type: 'small', children: inline(m[1]) })],
  [
    /^(?:> ?[^\n]*(?:\n|$))+/,
    (m) => ({ type: 'quote', children: parse(m[0].replace(/^> ?/gm, '').replace(/\n$/, '')) }),
  ],
  [/^(?: *[-*] +[^\n]+(?:\n|$))+/, (m) => ({ type: 'list', children: items(m[0], /^ *[-*] +/) })],
  [/^(?: *\d+\. +[^\n]+(?:\n|$))+/, (m) => ({ type: 'numbers', children: items(m[0], /^ *\d+\. +/) })],
];

const INLINE = [
  [/^\\([^\w\s])/, (m) => ({ type: 'text', text: m[1] })],
  [/^(`+)([\s\S]*?[^`])\1(?!`)/, (m) => ({ type: 'code', text: m[2].trim() })],
  [/^\*\*\*([\s\S]+?)\*\*\*(?!\*)/, (m) => ({ type: 'bold', children: [{ type: 'italic', children: inline(m[1]) }] })],
  [/^\*\*([\s\S]+?)\*\*(?!\*)/, (m) => ({ type: 'bold', children: inline(m[1]) })],
  [/^__([\s\S]+?)__(?!_)/, (m) => ({ type: 'underline', children: inline(m[1]) })],
  [/^~~([\s\S]+?)~~/, (m) => ({ type: 'strike', children: inline(m[1]) })],
  [/^\|\|([\s\S]+?)\|\|/, (m) => ({ type: 'spoiler', children: inline(m[1]) })],
  [/^\*(?!\s)([^*\n]+?)\*(?!\*)/, (m) => ({ type: 'italic', children: inline(m[1]) })],
  [/^_(?!_)([^_\n]+?)_(?!\w)/, (m) => ({ type: 'italic', children: inline(m[1]) })],
  [
    /^\[((?:\\.|[^\]\\])+)\]\(<?(https?:\/\/[^\s<>)]+)>?\)/,
    (m) => ({ type: 'link', url: m[2], children: inline(m[1]) }),
  ],
  [/^<(https?:\/\/[^\s<>]+)>/, (m) => link(m[1])],
  [/^https?:\/\/[^\s<>"')\]]+[^\s<>"')\].,;:!?]/, (m) => link(m[0])],
  [/^<@&(\d+)>/, (m) => ({ type: 'mention', kind: 'role', id: m[1] })],
  [/^<@!?(\d+)>/, (m) => ({ type: 'mention', kind: 'user', id: m[1] })],
  [/^<#(\d+)>/, (m) => ({ type: 'mention', kind: 'channel', id: m[1] })],
  [/^@(everyone|here)\b/, (m) => ({ type: 'mention', kind: 'everyone', id: m[1] })],
  [/^<t:(-?\d{1,13})(?::([tTdDfFsSR]))?>/, (m) => ({ type: 'time', at: Number(m[1]) * 1000, style: m[2] ?? 'f' })],
];

const link = (url) => ({ type: 'link', url, children: [{ type: 'text', text: url }] });

function items(text, marker) {
  return text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => ({ type: 'item', children: inline(line.replace(marker, '')) }));
}

/** @param {string} text @returns blocks */
export function parse(text) {
  const blocks = [];
  let rest = text;
  let plain = '';
  const flush = () => {
    if (plain !== '') blocks.push({ type: 'paragraph', children: inline(plain.replace(/\n$/, '')) });
    plain = '';
  };
  while (rest !== '') {
    const found = first(BLOCKS, rest);
    if (found) {
      flush();
      blocks.push(found.node);
      rest = rest.slice(found.length);
      continue;
    }
    const fence = rest.indexOf('```', 1);
    const end = rest.indexOf('\n');
    const cut = Math.min(...[end < 0 ? rest.length : end + 1, fence > 0 ? fence : rest.length]);
    plain += rest.slice(0, cut);
    rest = rest.slice(cut);
  }
  flush();
  return blocks;
}

/** @param {string} text @returns inline nodes */
export function inline(text) {
  const nodes = [];
  let rest = text;
  let plain = '';
  const flush = () => {
    if (plain !== '') nodes.push({ type: 'text', text: plain });
    plain = '';
  };
  while (rest !== '') {
    const word = /\w$/.test(plain) && rest.startsWith('_');
    const found = word ? undefined : first(INLINE, rest);
    if (found?.node.type === 'text') plain += found.node.text;
    else if (found) {
      flush();
      nodes.push(found.node);
    } else plain += rest[0];
    rest = rest.slice(found?.length ?? 1);
  }
  flush();
  return nodes;
}

function first(rules, text) {
  for (const [pattern, make] of rules) {
    const match = pattern.exec(text);
    if (match) return { node: make(match), length: match[0].length };
  }
  return undefined;
}
