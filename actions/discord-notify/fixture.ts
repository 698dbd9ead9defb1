import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import type { Component, Payload } from './payload.ts';
import type { Style } from './render/view.ts';
import type { Commit, Stage, StageState, Story } from './story.ts';

/** Discord's limits as they were looked up, apart from the code that keeps to them. */
const facts = JSON.parse(readFileSync(new URL('fixtures/webhook-limits.json', import.meta.url), 'utf8')) as {
  message: {
    content_max_chars: { value: number };
    embeds_max: { value: number };
    embeds_total_chars_max: { value: number };
    username_max: { value: number };
    attachment_description_max: number;
  };
  embed: Record<'title' | 'description' | 'fields' | 'field_name' | 'field_value' | 'footer_text', number>;
  allowed_mentions: { roles_max: number; users_max: number };
  components_v2: { total_components_max: number; displayable_text_max_chars: { value: number } };
};

/** UTF-8 bytes of the texts and 12 for each; the facts state it as a sentence (discord-api-docs#8554). */
const TEXT_BYTES = 10_170;

const flat = (components: readonly Component[]): Component[] =>
  components.flatMap((one) => [one, ...('components' in one ? flat(one.components) : [])]);

/** All texts that Discord reads as Markdown. */
export function markdownOf({ content, embeds, components = [] }: Payload): string[] {
  const texts = flat(components).flatMap((one) => (one.type === 10 ? [one.content] : []));
  const fields = embeds.flatMap((e) => [e.title, e.description, ...(e.fields ?? []).flatMap((f) => [f.name, f.value])]);
  return [content, ...texts, ...fields].filter((text): text is string => text !== undefined && text !== '');
}

/** Every limit that a message breaks, in words. */
export function brokenLimits(payload: Payload): string[] {
  const { content, embeds, components = [], username = '', allowed_mentions: allowed } = payload;
  const { message, embed, components_v2: v2 } = facts;
  const broken: string[] = [];
  const most = (name: string, size: number, limit: number): void => {
    if (size > limit) broken.push(`${name}: ${size} > ${limit}`);
  };
  const there = (name: string, text: string): void => {
    if (text.trim() === '') broken.push(`${name} is empty`);
  };
  most('content', content.length, message.content_max_chars.value);
  most('username', username.length, message.username_max.value);
  most('embeds', embeds.length, message.embeds_max.value);
  most('users', allowed.users?.length ?? 0, facts.allowed_mentions.users_max);
  most('roles', allowed.roles?.length ?? 0, facts.allowed_mentions.roles_max);
  let total = 0;
  for (const { title = '', description = '', footer, fields = [] } of embeds) {
    most('title', title.length, embed.title);
    most('description', description.length, embed.description);
    most('footer', footer?.text.length ?? 0, embed.footer_text);
    most('fields', fields.length, embed.fields);
    there('title', title);
    if (footer) there('footer', footer.text);
    total += title.length + description.length + (footer?.text.length ?? 0);
    for (const { name, value } of fields) {
      most('field name', name.length, embed.field_name);
      most('field value', value.length, embed.field_value);
      there('field name', name);
      there('field value', value);
      total += name.length + value.length;
    }
  }
  most('total', total, message.embeds_total_chars_max.value);
  const all = flat(components);
  const texts = all.flatMap((one) => (one.type === 10 ? [one.content] : []));
  for (const text of texts) there('text display', text);
  most('components', all.length, v2.total_components_max);
  most('displayable text', texts.join('').length, v2.displayable_text_max_chars.value);
  most('text bytes', Buffer.byteLength(texts.join('')) + 12 * texts.length, TEXT_BYTES);
  for (const one of all) {
    if (one.type === 1) most('buttons', one.components.length, 5);
    if (one.type !== 2) continue;
    there('label', one.label);
    most('label', one.label.length, 80);
    most('button address', one.url.length, 512);
  }
  if (components.length > 0 && content + embeds.length !== '0') broken.push('components beside content or embeds');
  if (content === '' && embeds.length === 0 && components.length === 0) broken.push('nothing to show');
  return broken;
}

/** Texts that people and attackers write: any Unicode, markup, mentions, very long. */
export const nasty = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.constantFrom(
    '@everyone',
    '<@123456> <@!1> <@&99> <#5> @here',
    '[x](https://evil.test) <https://evil.test> https://evil.test/a_b_(c) discord.gg/x',
    '```\ncode\n``` `a` ``b``',
    '\\',
    '**bold** __under__ ~~no~~ ||spoiler|| *i* _j_',
    '# big\n-# small\n> quote\n>>> all\n- item\n* item\n1. one\n12. twelve',
    ':smile: <:x:1234567890> <a:y:123> <t:0:R> </cmd:123> <id:home>',
    'mailto:a@b.test tel:+1 <+123456789> <a@b.test>',
    '\u202e\u2066drow\u0000\u001b[31mred\u001b[0m\ud800',
    '👨‍👩‍👧‍👦'.repeat(900),
    'a'.repeat(9000),
    '漢'.repeat(5000),
    `e${'\u0301'.repeat(3000)}`,
    '|| `',
    '¯\\_(ツ)_/¯',
  ),
  fc
    .array(
      fc.constantFrom(
        '*',
        '**',
        '_',
        '`',
        '```',
        '\\',
        '@',
        'here',
        '\n',
        '- ',
        '> ',
        '#',
        ' ',
        '<',
        '>',
        '🏳️‍🌈',
        'é',
        '||',
        '~~',
        '[',
        '](',
        ')',
        '1.',
        ':',
        'x',
        'https://a.b',
      ),
      { maxLength: 800 },
    )
    .map((parts) => parts.join('')),
);

const STATES: StageState[] = [
  'waiting',
  'running',
  'succeeded',
  'unchanged',
  'failed',
  'rolled-back',
  'blocked',
  'skipped',
  'cancelled',
];

const url = fc.oneof(
  fc.constantFrom(
    '',
    'https://x.test/a_(b)*c?d=[e]',
    'javascript:alert(1)',
    'not one',
    `https://x.test/${'p'.repeat(700)}`,
  ),
  fc.webUrl({ withQueryParameters: true }),
);
export const stage: fc.Arbitrary<Stage> = fc.record(
  {
    name: nasty,
    state: fc.constantFrom(...STATES),
    digest: nasty,
    revision: nasty,
    cause: nasty,
    next: nasty,
    log: fc.array(nasty, { maxLength: 20 }),
    ms: fc.nat(),
    url,
    logUrl: url,
  },
  { requiredKeys: ['name', 'state'] },
);
const commit: fc.Arbitrary<Commit> = fc.record({
  sha: fc.constantFrom('a'.repeat(40), ''),
  subject: nasty,
  author: nasty,
  url,
});

export const story: fc.Arbitrary<Story> = fc.record({
  title: nasty,
  environment: nasty,
  state: fc.constantFrom('started', 'running', 'succeeded', 'failed', 'cancelled'),
  repository: nasty,
  runUrl: url,
  run: nasty,
  actor: nasty,
  commits: fc.record({
    head: commit,
    base: fc.constantFrom('', 'b'.repeat(40)),
    count: fc.nat({ max: 9999 }),
    list: fc.array(commit, { maxLength: 8 }),
    authors: fc.array(nasty, { maxLength: 12 }),
    url,
  }),
  stages: fc.array(stage, { maxLength: 40 }),
  streak: fc.option(fc.record({ failures: fc.nat(), since: fc.nat() }), { nil: undefined }),
  links: fc.array(fc.record({ label: nasty, url }), { maxLength: 15 }),
  now: fc.nat({ max: 2_000_000_000_000 }),
  ms: fc.option(fc.nat(), { nil: undefined }),
});

export const PLAIN: Style = {
  format: 'embed',
  color: undefined,
  url: '',
  image: '',
  username: '',
  avatarUrl: '',
  description: '',
  content: '',
  template: {},
  bareTitle: false,
  hideContext: false,
  hideStages: false,
  hideTime: false,
};

/** A run of two components, of which the first one was rolled back. */
export const SAMPLE: Story = {
  title: 'pipeline',
  environment: 'dev',
  state: 'failed',
  repository: 'acme/sample',
  runUrl: 'https://github.test/acme/sample/actions/runs/42',
  run: '42',
  actor: 'ada',
  commits: {
    head: {
      sha: 'a1b2c3d'.padEnd(40, '0'),
      subject: 'Search by tag',
      author: 'ada',
      url: 'https://github.test/acme/sample/commit/a1b2c3d',
    },
    base: '',
    count: 1,
    list: [],
    authors: ['ada'],
    url: '',
  },
  stages: [
    { name: 'web', state: 'succeeded', ms: 31_200, digest: `sha256:${'4b'.repeat(32)}` },
    {
      name: 'bot',
      state: 'rolled-back',
      ms: 75_000,
      cause: 'its container ended with exit code 3',
      next: 'Look at its log',
      log: ['starting', 'cannot reach the gateway'],
    },
  ],
  streak: undefined,
  links: [],
  now: Date.UTC(2026, 10, 21, 9, 30),
  ms: 106_200,
};
