import { describe, expect, test } from '@jest/globals';
import { parse } from 'discord-markdown-parser';
import fc from 'fast-check';
import { nasty } from '../fixture.ts';
import { code, link, oneLine, plain, plainLine, safeUrl, visible } from './escape.ts';
import { cut, cutStart, graphemes } from './graphemes.ts';
import { block, contained, cutMarkdown } from './markdown.ts';

type Node = ReturnType<typeof parse>[number];

/** What another parser of Discord's Markdown makes of a text: kinds of nodes, and the text that is left. */
function seen(markdown: string): { kinds: Set<string>; text: string } {
  const kinds = new Set<string>();
  const walk = (node: Node | Node[] | string): string => {
    if (typeof node === 'string') return node;
    if (Array.isArray(node)) return node.map(walk).join('');
    // An emoji is shown as a picture of itself, which is what its writer meant.
    if (node.type === 'twemoji') return String(node.name);
    if (node.type === 'br') return '\n';
    if (node.type !== 'text') kinds.add(node.type);
    return walk(node.content ?? '');
  };
  return { kinds, text: walk(parse(markdown, 'extended')) };
}

const withoutBreaks = (text: string) => text.replaceAll('\u200b', '');

describe('plain()', () => {
  test('makes any text mere text, to another parser of Discord’s Markdown', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const { kinds, text: left } = seen(plain(text));
        expect([...kinds]).toEqual([]);
        expect(withoutBreaks(left).replace(/\s+/g, '')).toBe(visible(text).replace(/\s+/g, ''));
      }),
      { numRuns: 400 },
    );
  });

  test.each([
    ['**bold** [a](https://x.test) `c`', '\\*\\*bold\\*\\* \\[a\\]\\(https\u200b://x.test\\) \\`c\\`'],
    ['@everyone <@1>', '@\u200beveryone \\<@\u200b1\\>'],
    ['- item\n1. item\n2.5 is none', '\\- item\n1\\. item\n2.5 is none'],
    ['feat(web)!: add a::b', 'feat\\(web\\)!: add a::b'],
    ['discord.gg/x discord.com/invite/x', 'discord.gg\u200b/x discord.com\u200b/invite/x'],
    ['<@&1> <t:0:R> <id:home> </go:1>', '\\<@\u200b&1\\> \\<t\\:0:R\\> \\<id:home\\> \\</go:1\\>'],
    ['# big\n-# small\n>>> all', '\\# big\n\\-\\# small\n\\>\\>\\> all'],
    [':tada: done', '\\:tada: done'],
    ['a\u202eb\u0000c\u001b[31md', 'abcd'],
    ['سلام‌ها 🏴󠁧󠁢󠁥󠁮󠁧󠁿 👩‍🚀', 'سلام‌ها 🏴󠁧󠁢󠁥󠁮󠁧󠁿 👩‍🚀'],
  ])('%j is %j', (text, wanted) => expect(plain(text)).toBe(wanted));

  test('a text of megabytes without a space is no more work than any other', () => {
    expect(plain('a'.repeat(3_000_000))).toHaveLength(3_000_000);
    expect(plain('\u001b]'.repeat(500_000))).toBe('');
    expect(plain(`${'a:'.repeat(500_000)}//`)).toMatch(/a\u200b:\/\/$/);
  });

  test('one line is one line', () => {
    expect(plainLine(' a\r\n b\tc ')).toBe('a b c');
    expect(oneLine('\n')).toBe('');
  });
});

describe('links and code', () => {
  test.each([
    ['https://x.test/a_(b)*c', 'https://x.test/a%5F%28b%29%2Ac'],
    ['javascript:alert(1)', ''],
    ['nonsense', ''],
    [`https://x.test/${'a'.repeat(600)}`, ''],
    ['https://x.test/%zz', 'https://x.test/%zz'],
  ])('the address %j is used as %j', (url, wanted) => expect(safeUrl(url)).toBe(wanted));

  test('a link is a link and nothing else, whatever its label and address', () => {
    fc.assert(
      fc.property(nasty, fc.webUrl({ withQueryParameters: true, withFragments: true }), (label, url) => {
        const shown = link(plainLine(label), url);
        if (plainLine(label) === '' || safeUrl(url) === '') return;
        expect(parse(shown, 'extended').map(({ type }) => type)).toEqual(['link']);
      }),
    );
  });

  test('code holds anything', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const shown = code(text);
        if (shown !== '') expect(parse(shown, 'extended').map(({ type }) => type)).toEqual(['inlineCode']);
      }),
    );
  });

  test('a block stays one block, within its limit, and keeps the end', () => {
    fc.assert(
      fc.property(nasty, fc.integer({ min: 0, max: 1024 }), (text, limit) => {
        const shown = block(text, limit);
        if (shown === '') return;
        expect(shown.length).toBeLessThanOrEqual(limit);
        expect(parse(shown, 'extended').map(({ type }) => type)).toEqual(['codeBlock']);
        expect(shown).not.toMatch(/@(everyone|here|[!&]?\d)/);
      }),
      { numRuns: 400 },
    );
    expect(block(`${'x'.repeat(100)} the end`, 40)).toMatch(/^```\n…x+ the end\n```$/);
    expect(block('a ``` b', 100)).toBe('```\na `\u200b`\u200b` b\n```');
  });
});

describe('an author’s Markdown', () => {
  test.each([
    ['a block', '```\na log', '\\`\\`\\`\na log'],
    ['a block that a log ended early', '```\na ``` b\n```', '```\na ``` b\n\\`\\`\\`'],
    ['code', 'see `this', 'see \\`this'],
    ['bold', '**oops', '\\*\\*oops'],
    ['a spoiler in code', '`||` ||x', '`||` \\|\\|x'],
    ['nothing', '**a** `b` ~~c~~ ||d|| __e__ 2 * 3 snake_case', '**a** `b` ~~c~~ ||d|| __e__ 2 * 3 snake_case'],
  ])('that leaves %s open ends with it', (_, text, wanted) => {
    expect(contained(text)).toBe(wanted);
  });

  test('never reaches into what follows', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const { kinds } = seen(`${contained(text)}\n[own](https://own.test) \`own\``);
        expect([text, kinds.has('link'), kinds.has('inlineCode')]).toEqual([text, true, true]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('cutting', () => {
  test('never splits what a person sees as one character', () => {
    expect(cut('ab👨‍👩‍👧‍👦cd', 6)).toBe('ab…');
    expect(cut('short', 5)).toBe('short');
    expect(cutStart('one two three', 6)).toBe('…three');
    expect(cutStart('a👨‍👩‍👧‍👦b', 5)).toBe('…b');
    fc.assert(
      fc.property(nasty, fc.integer({ min: 1, max: 300 }), (text, limit) => {
        const whole = [...graphemes(text)];
        const head = [...graphemes(cut(text, limit).replace(/…$/, ''))];
        expect(cut(text, limit).length).toBeLessThanOrEqual(limit);
        expect(whole.slice(0, head.length)).toEqual(head);
        const tail = [...graphemes(cutStart(text, limit).replace(/^…/, ''))];
        expect(cutStart(text, limit).length).toBeLessThanOrEqual(limit);
        if (text.length > limit && tail.length > 0) expect(whole.slice(-tail.length)).toEqual(tail);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['an escape', 'abc\\*def', 5, 'abc…'],
    ['a link', 'see [the run](https://x.test/1) now', 20, 'see …'],
    ['bold, which is closed', 'a **bold text** b', 12, 'a **bold **…'],
    ['a block, which is closed', '```\none\ntwo\n```', 12, '```\none\n```…'],
    ['inline code', 'a `some code` b', 9, 'a `some`…'],
    ['a mention', 'hi <@123456789> you', 10, 'hi …'],
    ['an address', 'at https://x.test/abc now', 12, 'at …'],
    ['nested signs', '**a __b c__ d**', 12, '**a __b__**…'],
  ])('goes around %s', (_, text, limit, wanted) => {
    expect(cutMarkdown(text, limit)).toBe(wanted);
  });

  const author = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          '**bold** ',
          '*i* ',
          '__u__ ',
          '~~s~~ ',
          '||sp|| ',
          '`code` ',
          '[l](https://x.test/a) ',
          '<@1234> ',
          '```js\nlet a\n```\n',
          '\\* ',
          '\n',
          'https://x.test/b ',
        ),
        fc.string({ unit: 'grapheme', maxLength: 10 }).map((text) => `${plain(text)} `),
      ),
      { maxLength: 40 },
    )
    .map((parts) => parts.join(''));

  test('leaves no sign open that had a partner, and no half of a link or mention', () => {
    fc.assert(
      fc.property(author, fc.integer({ min: 1, max: 200 }), (text, limit) => {
        const shown = cutMarkdown(text, limit);
        expect(shown.length).toBeLessThanOrEqual(limit);
        const { text: left } = seen(shown);
        const whole = seen(text).text;
        // Whatever is left as text stands in the text of the whole: no sign has become one.
        expect(whole.replace(/\s+/g, '')).toContain(left.replace(/…$/, '').replace(/\s+/g, ''));
      }),
      { numRuns: 500 },
    );
  });

  test('any text is cut within its limit and in no time', () => {
    fc.assert(
      fc.property(nasty, fc.integer({ min: 0, max: 4096 }), (text, limit) => {
        expect(cutMarkdown(text, limit).length).toBeLessThanOrEqual(limit);
        expect(cutMarkdown(plain(text), limit).length).toBeLessThanOrEqual(limit);
      }),
    );
  });
});
