import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type MarkdownNode, parse } from './client/markdown.js';

/** The tree in short: paragraphs bare, other nodes as type(...). */
function short(nodes: readonly MarkdownNode[]): string {
  return nodes
    .map(({ type, text, children = [], url, kind, id }) => {
      if (type === 'text') return text;
      if (type === 'paragraph') return short(children);
      const about = [kind, id, url].filter((part) => part !== undefined).join(' ');
      return `${type}${about ? `[${about}]` : ''}(${text ?? short(children)})`;
    })
    .join('');
}

test.each([
  ['plain', 'plain'],
  ['**bold** *it* _it_ __under__ ~~gone~~', 'bold(bold) italic(it) italic(it) underline(under) strike(gone)'],
  ['***both***', 'bold(italic(both))'],
  ['**a *b* c**', 'bold(a italic(b) c)'],
  ['snake_case_name stays', 'snake_case_name stays'],
  ['2 * 3 * 4', '2 * 3 * 4'],
  ['`**code**`', 'code(**code**)'],
  ['``a ` b``', 'code(a ` b)'],
  ['before\n```js\nlet a;\n```\nafter', 'beforepre(let a;)after'],
  ['\\*not\\* \\`code\\`', '*not* `code`'],
  ['[text](https://a.example/x)', 'link[https://a.example/x](text)'],
  ['[no](javascript:alert(1))', '[no](javascript:alert(1))'],
  ['see https://a.example/x.', 'see link[https://a.example/x](https://a.example/x).'],
  ['<https://a.example>', 'link[https://a.example](https://a.example)'],
  [
    '<@500> <@&700> <#9> @everyone',
    'mention[user 500]() mention[role 700]() mention[channel 9]() mention[everyone everyone]()',
  ],
  ['# Title\ntext', 'h1(Title)text'],
  ['-# small', 'small(small)'],
  ['> one\n> two', 'quote(one\ntwo)'],
  ['- a\n- b', 'list(item(a)item(b))'],
  ['1. a\n2. b', 'numbers(item(a)item(b))'],
  ['||secret||', 'spoiler(secret)'],
  ['#not a heading', '#not a heading'],
  ['**open', '**open'],
])('%j', (text, expected) => {
  expect(short(parse(text))).toBe(expected);
});

test('any text ends, and links lead to the web only', () => {
  const links = (nodes: readonly MarkdownNode[]): string[] =>
    nodes.flatMap((node) => [...(node.url ? [node.url] : []), ...links(node.children ?? [])]);
  const parts = fc.array(
    fc.constantFrom(
      '*',
      '_',
      '`',
      '```',
      '~~',
      '||',
      '[',
      '](',
      ')',
      '<',
      '>',
      '@',
      '\\',
      '\n',
      '> ',
      '- ',
      'a',
      ' ',
      'https://x.y/',
      'javascript:',
    ),
  );
  fc.assert(
    fc.property(parts, (some) => {
      for (const url of links(parse(some.join('')))) expect(url).toMatch(/^https?:\/\//);
    }),
    { numRuns: 500 },
  );
});
