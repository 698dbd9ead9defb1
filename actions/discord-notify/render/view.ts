import { humanDuration } from '../../../lib/clock.ts';
import { type Commit, isBad, type Link, type Stage, type Story, type Streak } from '../story.ts';
import { code, link, oneLine, plain, plainLine, safeUrl } from '../text/escape.ts';
import { cut } from '../text/graphemes.ts';
import { contained } from '../text/markdown.ts';
import { type Look, SIGNS, STATES, WORDS } from './states.ts';
import { filled, type Template, templateFor, type Values } from './template.ts';

/** How a message looks where the workflow says so. All optional. */
export interface Style {
  format: 'embed' | 'components';
  /** Colour instead of the state's. */
  color: number | undefined;
  /** Address behind the title instead of the run's. */
  url: string;
  image: string;
  username: string;
  avatarUrl: string;
  /** Markdown that the workflow's author wrote, with placeholders. */
  description: string;
  content: string;
  template: Template;
  /** The title as given, without sign and state. */
  bareTitle: boolean;
  /** Without commits, repository and people. */
  hideContext: boolean;
  /** Without the stages. */
  hideStages: boolean;
  hideTime: boolean;
}

/** The parts of a message as Markdown, in the order in which they are read. Each may still have to be cut. */
export interface View {
  look: Look;
  title: string;
  titleUrl: string;
  /** What the workflow's author says. */
  note: string;
  commits: string;
  /** "Recovered after 3 failures, 42 min". */
  streak: string;
  links: Link[];
  stages: Stage[];
  /** Without Markdown: places like a footer show its signs. */
  footer: string;
  content: string;
}

/** Commits listed one a line. */
const LISTED = 3;
const SUBJECT = 120;
const NAME = 40;
const AUTHORS = 5;

/** What a story says, in words. Pure. */
export function viewOf(story: Story, style: Style): View {
  const look = lookOf(story);
  const template = templateFor(style.template, story.state);
  const values = valuesOf(story, look);
  const say = (text: string | undefined): string => (text ? contained(filled(text, values)) : '');
  const title = filled(oneLine(story.title), values, plainLine, plain);
  const place = story.environment === '' ? '' : ` in ${plainLine(story.environment)}`;
  return {
    look: style.color === undefined ? look : { ...look, color: style.color },
    title:
      [say(template.title), style.bareTitle ? title : `${look.sign} ${title} ${look.word}${place}`].find(
        (text) => text.trim() !== '',
      ) ?? `${look.sign} ${look.word}`,
    titleUrl: safeUrl(style.url || story.runUrl),
    note: say(template.description ?? style.description),
    commits: style.hideContext ? '' : commitsText(story),
    streak: streakText(story),
    links: linksOf(story),
    stages: style.hideStages ? [] : story.stages.map((stage) => withoutSame(stage, story.commits.head.sha)),
    footer: oneLine(
      template.footer === undefined ? footerText(story, style) : filled(template.footer, values, oneLine),
    ),
    content: say(template.content ?? style.content),
  };
}

/** A name in plain text for a thread, from the workflow's own words or from what the story is about. */
export function threadTitle(story: Story, own: string): string {
  const values = valuesOf(story, lookOf(story));
  const place = story.environment === '' ? '' : ` in ${story.environment}`;
  return oneLine(own === '' ? `${filled(story.title, values, oneLine)}${place}` : filled(own, values, oneLine));
}

/** A run that goes on shows at once that something in it has failed. */
function lookOf({ state, stages }: Story): Look {
  const look = STATES[state];
  if (state !== 'running' || !stages.some(isBad)) return look;
  return { ...look, color: STATES.failed.color, word: 'goes on after a failure' };
}

/** Placeholders of templates: {name}. */
function valuesOf(story: Story, { sign, word }: Look): Values {
  const { commits, stages } = story;
  const failed = stages.filter(({ state }) => state === 'failed' || state === 'rolled-back');
  return {
    sign,
    status: word,
    environment: story.environment,
    repository: story.repository,
    actor: story.actor,
    run: story.run,
    run_url: { markdown: safeUrl(story.runUrl) },
    commit: commits.head.sha.slice(0, 7),
    message: commits.head.subject,
    author: commits.head.author,
    authors: commits.authors.join(', '),
    count: String(commits.count),
    duration: story.ms === undefined ? '' : humanDuration(story.ms),
    failed: failed.map(({ name }) => name).join(', '),
    cause: failed[0]?.cause ?? '',
  };
}

function commitsText({ commits }: Story): string {
  const { head, count, list, authors, base, url } = commits;
  if (head.sha === '') return '';
  if (count <= 1) return commitLine(head);
  const range = `${base === '' ? '' : `${base.slice(0, 7)}…`}${head.sha.slice(0, 7)}`;
  const people = authors.slice(0, AUTHORS).map(person).join(', ');
  const others = authors.length > AUTHORS ? ` and ${authors.length - AUTHORS} more` : '';
  const by = people === '' ? '' : ` by ${people}${others}`;
  const shown = list.slice(0, LISTED);
  const rest = count - shown.length;
  return [
    `${link(code(range), url || head.url)} ${count} commits${by}`,
    ...shown.map((commit) => `- ${commitLine(commit, authors.length > 1)}`),
    rest > 0 ? `- and ${rest} more` : '',
  ]
    .filter(Boolean)
    .join('\n');
}

function commitLine({ sha, subject, author, url }: Commit, named = true): string {
  const what = plainLine(cut(oneLine(subject), SUBJECT));
  return [link(code(sha.slice(0, 7)), url), what, named && author !== '' ? `by ${person(author)}` : '']
    .filter(Boolean)
    .join(' ');
}

const person = (name: string): string => plainLine(cut(oneLine(name), NAME));

function streakText({ streak, state, now }: Story): string {
  if (!streak) return '';
  const since = minutes(now - streak.since);
  if (state === 'succeeded') return `🩹 **Recovered** after ${failures(streak)}, ${since}`;
  if (state === 'failed') return `🔁 **Failed ${streak.failures + 1} times in a row**, for ${since}`;
  return '';
}

const failures = ({ failures: n }: Streak): string => (n === 1 ? '1 failure' : `${n} failures`);

/** A span in which seconds do not matter any more. */
function minutes(ms: number): string {
  const whole = Math.max(0, Math.round(ms / 60_000));
  if (whole < 1) return 'less than a minute';
  if (whole < 60) return `${whole} min`;
  const hours = Math.floor(whole / 60);
  if (hours < 48) return `${hours} h ${String(whole % 60).padStart(2, '0')} min`;
  return `${Math.floor(hours / 24)} days`;
}

const LINKS = 10;
const LABEL = 40;

/** The run first: it is the link to the whole. Then what the stages have of their own, what failed before what did not. */
function linksOf({ runUrl, stages, links }: Story): Link[] {
  const bad = stages.filter(({ state }) => state === 'failed' || state === 'rolled-back');
  const many = stages.length > 1;
  const all = [
    { label: 'Run', url: runUrl },
    ...bad.map(({ name, logUrl = '' }) => ({ label: many ? `Log of ${name}` : 'Log', url: logUrl })),
    ...links,
    ...stages.map(({ name, url = '' }) => ({ label: many ? `Open ${name}` : 'Service', url })),
  ];
  const usable = all
    .map(({ label, url }) => ({ label: cut(oneLine(label), LABEL) || 'Link', url: safeUrl(url) }))
    .filter(({ url }) => url !== '');
  return usable.filter((one, at) => usable.findIndex(({ url }) => url === one.url) === at).slice(0, LINKS);
}

function footerText(story: Story, { hideContext }: Style): string {
  if (hideContext) return '';
  const { repository, run, actor, ms, state } = story;
  const took = ms === undefined ? '' : state === 'running' ? `for ${humanDuration(ms)}` : `took ${humanDuration(ms)}`;
  return [repository, run && `run ${run}`, actor && `by ${actor}`, took].filter(Boolean).join(' · ');
}

/** A stage in one line: name, state, duration, image. */
export function stageLine(stage: Stage): string {
  return `${SIGNS[stage.state]} **${stageName(stage)}** ${factsOf(stage, ' · ')}`;
}

export function stageName({ name }: Stage): string {
  return plainLine(cut(oneLine(name), 80)) || 'unnamed';
}

/** State, duration and image of a stage, divided by a sign or by line ends. */
export function factsOf({ state, ms, digest, revision }: Stage, divider: string): string {
  const image = digest ? code(digest.replace(/^sha256:/, '').slice(0, 12)) : '';
  const built = revision ? `built at ${code(revision.slice(0, 7))}` : '';
  return [WORDS[state], ms === undefined ? '' : humanDuration(ms), image, built].filter(Boolean).join(divider);
}

/** The commit of an image matters where it is another than the run's: the image was reused. */
function withoutSame({ revision, ...stage }: Stage, head: string): Stage {
  return revision === undefined || revision === head ? stage : { ...stage, revision };
}

/** What is wrong with a stage and what to do, as far as it goes. */
export function troubleOf({ cause = '', next = '' }: Stage): { cause: string; next: string } {
  return { cause: plain(cause.trim()), next: next.trim() === '' ? '' : `→ ${plain(next.trim())}` };
}

/** Lines of a log that a message shows: the whole is a file, or behind the link to the run. */
const LOG_LINES = 6;

export function lastOf({ log = [] }: Stage): string {
  const lines = log.join('\n').trimEnd().split('\n');
  const shown = lines.slice(-LOG_LINES).join('\n');
  return lines.length > LOG_LINES ? `…\n${shown}` : shown;
}
