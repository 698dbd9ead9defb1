import { humanDuration } from '../../lib/clock.ts';
import { type AllowedMentions, type Embed, LIMITS, type Message, totalOf } from './limits.ts';
import type { Stage, StageState, Story, StoryState } from './story.ts';
import { block, cut, link, plain } from './text.ts';

/** Colour, sign and word: the state can be read without the colour. */
const STATES: Readonly<Record<StoryState, { color: number; sign: string; word: string }>> = {
  started: { color: 0x3b82f6, sign: '🚀', word: 'started' },
  succeeded: { color: 0x22c55e, sign: '✅', word: 'succeeded' },
  failed: { color: 0xef4444, sign: '❌', word: 'failed' },
  cancelled: { color: 0x94a3b8, sign: '⏹️', word: 'was cancelled' },
};

const SIGNS: Readonly<Record<StageState, string>> = {
  waiting: '▫️',
  running: '🔄',
  succeeded: '✅',
  unchanged: '➖',
  failed: '❌',
  'rolled-back': '↩️',
  blocked: '🚧',
  skipped: '⏭️',
  cancelled: '⏹️',
};

const DETAIL_LIMIT = 900;

/** Renders a story as a webhook message that fits every limit of Discord, whatever its texts hold. Pure. */
export function render(story: Story, mentions: readonly Mention[] = []): Message {
  const { color, sign, word } = STATES[story.state];
  const place = story.environment === '' ? '' : ` in ${plain(story.environment)}`;
  const failed = story.state === 'failed';
  const embed: Embed = {
    title: cut(`${sign} ${plain(story.title)} ${word}${place}`, LIMITS.title),
    ...(story.runUrl !== '' && { url: story.runUrl }),
    color,
    description: cut(description(story), LIMITS.description),
    fields: ordered(story.stages).slice(0, LIMITS.fields).map(field),
    footer: { text: cut(`${story.repository}, by ${story.actor}`, LIMITS.footer) },
  };
  const pinged = failed ? mentions : [];
  return { content: pinged.map(mentionText).join(' '), embeds: [withinTotal(embed)], allowed_mentions: allow(pinged) };
}

function description({ commit, runUrl, stages }: Story): string {
  const id = commit.sha === '' ? '' : link(commit.sha.slice(0, 7), commit.url);
  const what = commit.message === '' ? '' : `${plain(cut(commit.message, 300))}`;
  const first = [id, what, commit.author && `by ${plain(cut(commit.author, 80))}`].filter(Boolean).join(' ');
  const hidden = stages.length - LIMITS.fields;
  return [first, hidden > 0 ? `and ${hidden} more components` : '', runUrl && link('Open the run', runUrl)]
    .filter(Boolean)
    .join('\n');
}

const ORDER: readonly StageState[] = [
  'failed',
  'rolled-back',
  'blocked',
  'cancelled',
  'running',
  'succeeded',
  'unchanged',
  'skipped',
  'waiting',
];

/** What needs a person comes first, so that it is the last to be cut. */
function ordered(stages: readonly Stage[]): Stage[] {
  return stages.toSorted((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
}

function field(stage: Stage): { name: string; value: string; inline: boolean } {
  const name = cut(`${SIGNS[stage.state]} ${plain(stage.name)}`, LIMITS.fieldName);
  const facts = [
    stage.state,
    stage.ms === undefined ? '' : humanDuration(stage.ms),
    stage.detail ? plain(stage.detail) : '',
  ]
    .filter(Boolean)
    .join(' · ');
  const head = [
    facts,
    stage.cause ? plain(cut(stage.cause, 400)) : '',
    stage.next ? `→ ${plain(cut(stage.next, 200))}` : '',
  ]
    .filter(Boolean)
    .join('\n');
  const room = DETAIL_LIMIT - head.length;
  const tail = stage.log?.length && room > 60 ? `\n${block(stage.log.join('\n'), room)}` : '';
  return { name, value: cut(head, LIMITS.fieldValue - tail.length) + tail, inline: false };
}

/** Drops the least important fields until the total fits; they are ordered by importance. */
function withinTotal(embed: Embed): Embed {
  const fields = [...(embed.fields ?? [])];
  let fitted = { ...embed, fields };
  while (totalOf([fitted]) > LIMITS.total && fields.length > 0) {
    fields.pop();
    fitted = { ...embed, fields };
  }
  return totalOf([fitted]) > LIMITS.total ? { ...fitted, description: cut(fitted.description ?? '', 1000) } : fitted;
}

export interface Mention {
  kind: 'user' | 'role';
  id: string;
}

function mentionText({ kind, id }: Mention): string {
  return kind === 'user' ? `<@${id}>` : `<@&${id}>`;
}

function allow(mentions: readonly Mention[]): AllowedMentions {
  const ids = (kind: Mention['kind']) => mentions.filter((m) => m.kind === kind).map((m) => m.id);
  const users = ids('user');
  const roles = ids('role');
  return { parse: [], ...(users.length > 0 && { users }), ...(roles.length > 0 && { roles }) };
}
