import { LIMITS } from '../limits.ts';
import { type Embed, type EmbedField, totalOf } from '../payload.ts';
import type { Link, Stage } from '../story.ts';
import { link, plainLine } from '../text/escape.ts';
import { cut } from '../text/graphemes.ts';
import { block, cutMarkdown } from '../text/markdown.ts';
import { byUrgency, isUrgent, SIGNS } from './states.ts';
import { factsOf, lastOf, stageLine, stageName, troubleOf, type View } from './view.ts';

/** What the parts of an embed may take, so that together they stay below the total of 6,000. */
const ROOM = {
  title: LIMITS.title,
  footer: 256,
  note: 1500,
  commits: 900,
  links: 1200,
  /** Of a stage that did not end well, at least: enough for its name, its state and a sentence. */
  trouble: 260,
  /** Names of those that have no room for more than their names. */
  hidden: 560,
  /** What part of the room for stages those may take that need nobody, beside those that do. */
  calmShare: 0.35,
} as const;

/** Beside each other three in a row; more rows than this read worse than a list. */
const TILES = 9;
/** A field for what did not fit, and one for the list of the others. */
const SPARE_FIELDS = 2;

/** A view as one embed within every limit: of what is too long, the least important is left out, and says so. Pure. */
export function embedOf(view: View, told: { image: string; at: number | undefined }): Embed {
  const links = linksLine(view.links, ROOM.links);
  const lead = [cutMarkdown(view.note, ROOM.note), cutMarkdown(view.commits, ROOM.commits), view.streak];
  const description = [...lead, links].filter(Boolean).join('\n');
  const embed: Embed = {
    title: cutMarkdown(view.title, ROOM.title),
    ...(view.titleUrl !== '' && { url: view.titleUrl }),
    color: view.look.color,
    ...(description !== '' && { description }),
    ...(view.footer !== '' && { footer: { text: cut(view.footer, ROOM.footer) } }),
    ...(told.image !== '' && { image: { url: told.image } }),
    ...(told.at !== undefined && { timestamp: new Date(told.at).toISOString() }),
  };
  const fields = fieldsOf(view.stages, LIMITS.total - totalOf([embed]));
  return fields.length === 0 ? embed : { ...embed, fields };
}

function fieldsOf(stages: readonly Stage[], room: number): EmbedField[] {
  const urgent = byUrgency(stages).filter(isUrgent);
  const calm = stages.filter((stage) => !isUrgent(stage));
  const calmFields = calmOnes(calm, urgent.length, urgent.length === 0 ? room : Math.floor(room * ROOM.calmShare));
  const left = room - sizeOf(calmFields);
  const fit = Math.min(LIMITS.fields - SPARE_FIELDS - calmFields.length, Math.floor(left / ROOM.trouble));
  const shown = urgent.slice(
    0,
    urgent.length <= fit ? fit : Math.max(0, Math.floor((left - ROOM.hidden) / ROOM.trouble)),
  );
  const hidden = urgent.slice(shown.length);
  const rest = hidden.length === 0 ? [] : [hiddenOnes(hidden)];
  const each = Math.floor((left - sizeOf(rest)) / Math.max(1, shown.length));
  return [...shown.map((stage) => troubleField(stage, each)), ...rest, ...calmFields];
}

const sizeOf = (fields: readonly EmbedField[]): number =>
  fields.reduce((sum, { name, value }) => sum + name.length + value.length, 0);

/** Stages that need nobody: beside each other while they are few, as a list where they are many. */
function calmOnes(stages: readonly Stage[], urgent: number, room: number): EmbedField[] {
  if (stages.length === 0) return [];
  const tiles = stages.length <= TILES && urgent <= TILES ? stages.map(tile) : [];
  if (tiles.length > 0 && sizeOf(tiles) <= room) return tiles;
  const name = urgent > 0 ? 'The others' : `${stages.length} components`;
  const limit = Math.min(LIMITS.fieldValue, room - name.length);
  return [{ name, value: lines(stages.map(stageLine), limit), inline: false }];
}

function tile(stage: Stage): EmbedField {
  return { name: nameOf(stage), value: cutMarkdown(factsOf(stage, '\n'), 200), inline: true };
}

function hiddenOnes(stages: readonly Stage[]): EmbedField {
  const names = stages.map((stage) => `${SIGNS[stage.state]} ${stageName(stage)}`);
  return { name: `and ${stages.length} more that did not end well`, value: lines(names, 500, ' · '), inline: false };
}

/** A stage that somebody has to look at: state, cause, next step, and the end of its log as far as there is room. */
function troubleField(stage: Stage, room: number): EmbedField {
  const name = nameOf(stage);
  const limit = Math.min(LIMITS.fieldValue, room - name.length);
  const { cause, next } = troubleOf(stage);
  const facts = factsOf(stage, ' · ');
  const head = cutMarkdown(facts, Math.min(160, limit));
  const left = limit - head.length - 2;
  // Half for the cause, since the log often says the same in more words.
  const hasLog = (stage.log?.length ?? 0) > 0;
  const why = cutMarkdown(
    cause,
    hasLog ? Math.floor(left * 0.5) : left - Math.min(next.length, Math.floor(left * 0.3)),
  );
  const then = cutMarkdown(next, Math.min(300, left - why.length));
  const text = [head, why, then].filter(Boolean).join('\n');
  const log = hasLog ? block(lastOf(stage), limit - text.length - 1) : '';
  return { name, value: log === '' ? text : `${text}\n${log}`, inline: false };
}

function nameOf(stage: Stage): string {
  return cutMarkdown(`${SIGNS[stage.state]} ${stageName(stage)}`, LIMITS.fieldName);
}

/** As many whole lines as there is room for, and how many are missing. */
export function lines(all: readonly string[], limit: number, divider = '\n'): string {
  const more = (n: number) => `${divider}and ${n} more`;
  const kept: string[] = [];
  let size = 0;
  for (const [at, line] of all.entries()) {
    const next = size + (at === 0 ? 0 : divider.length) + line.length;
    const last = at === all.length - 1;
    if (next + (last ? 0 : more(all.length).length) > limit) break;
    kept.push(line);
    size = next;
  }
  const missing = all.length - kept.length;
  if (missing === 0) return kept.join(divider);
  return kept.length === 0 ? `${all.length} of them` : kept.join(divider) + more(missing);
}

/** Links side by side: as many as fit; the first one is the run. */
function linksLine(links: readonly Link[], limit: number): string {
  let line = '';
  for (const { label, url } of links) {
    const next = line + (line === '' ? '' : ' · ') + link(plainLine(label), url);
    if (next.length > limit) continue;
    line = next;
  }
  return line;
}
