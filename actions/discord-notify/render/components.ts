import { COMPONENT_LIMITS as LIMITS } from '../limits.ts';
import { type Component, FIRST_ID } from '../payload.ts';
import type { Stage } from '../story.ts';
import { link, plain } from '../text/escape.ts';
import { cut } from '../text/graphemes.ts';
import { block, cutMarkdown } from '../text/markdown.ts';
import { lines } from './embed.ts';
import { byUrgency, isUrgent } from './states.ts';
import { lastOf, stageLine, troubleOf, type View } from './view.ts';

/** Text within both limits of a message of components: characters, and bytes as Discord's server counts them. */
class Budget {
  #chars = LIMITS.text;
  #bytes = LIMITS.textBytes;

  /** Cuts the text to what is left and to `most`, and takes it off. '' when nothing useful has room. */
  take(text: string, most: number = LIMITS.text): string {
    if (text === '') return '';
    let limit = Math.min(most, this.#chars);
    let shown = cutMarkdown(text, limit);
    // A character has up to three bytes for each of its units, and how many is known only afterwards.
    while (bytesOf(shown) > this.#bytes && limit > 1) {
      limit = Math.min(limit - 1, Math.floor((limit * this.#bytes) / bytesOf(shown)));
      shown = cutMarkdown(text, limit);
    }
    if (shown.trim() === '' || bytesOf(shown) > this.#bytes) return '';
    this.#chars -= shown.length;
    this.#bytes -= bytesOf(shown);
    return shown;
  }

  /** Sets room aside for what comes last and must not be lost. */
  keep(text: string): string {
    return this.take(text, 800);
  }

  get left(): number {
    return Math.min(this.#chars, Math.floor((this.#bytes - LIMITS.bytesPerText) / 3));
  }
}

const bytesOf = (text: string): number => Buffer.byteLength(text) + LIMITS.bytesPerText;

const text = (content: string): Component => ({ type: 10, content });
const line: Component = { type: 14, divider: true, spacing: 1 };

/** Stages that did not end well are shown one by one up to this many; each is one text. */
const TROUBLES = 12;

/**
 * A view as Components V2 within their limits: a coloured container with texts, and buttons for the links. Pure.
 * @param ping mentions; in such a message they have to stand in a text
 */
export function componentsOf(
  view: View,
  told: { ping: string; image: string; at: number | undefined; files: readonly string[] },
) {
  const budget = new Budget();
  const ping = budget.keep(told.ping);
  const title = budget.keep(`### ${link(cutMarkdown(view.title, 250), view.titleUrl)}`) || '### …';
  const when = told.at === undefined ? '' : `<t:${Math.floor(told.at / 1000)}:R>`;
  const footer = budget.keep(
    [`-# ${plain(cut(view.footer, 256))}`, when]
      .filter(Boolean)
      .join(' · ')
      .replace(/^-# · /, '-# '),
  );
  const urgent = byUrgency(view.stages).filter(isUrgent);
  const calm = view.stages.filter((stage) => !isUrgent(stage));
  const lead = [view.note, view.commits, view.streak].filter(Boolean).join('\n');
  const leadText = budget.take(lead, 1200);
  const calmText = budget.take(calm.length === 0 ? '' : lines(calm.map(stageLine), 800));
  const troubles = troublesOf(urgent, budget);
  const inside: Component[] = [
    text(title),
    ...(leadText === '' ? [] : [text(leadText)]),
    ...(troubles.length + calmText.length > 0 ? [line] : []),
    ...troubles.map(text),
    ...(calmText === '' ? [] : [text(calmText)]),
    ...(told.image === '' ? [] : [{ type: 12 as const, items: [{ media: { url: told.image } }] }]),
    ...told.files.map((name): Component => ({ type: 13, file: { url: `attachment://${name}` } })),
    ...(footer === '' ? [] : [text(footer)]),
    ...buttons(view),
  ];
  const said = budget.take(view.content);
  const id = told.at === undefined ? {} : { id: FIRST_ID + (told.at % 1000) };
  return [
    ...[ping, said].filter(Boolean).map(text),
    { type: 17, ...id, accent_color: view.look.color, components: inside } satisfies Component,
  ];
}

function troublesOf(stages: readonly Stage[], budget: Budget): string[] {
  const shown = stages.slice(0, TROUBLES);
  const hidden = stages.length - shown.length;
  const texts = shown.map((stage, at) => {
    const each = Math.floor(budget.left / (shown.length - at + (hidden > 0 ? 1 : 0)));
    return budget.take(troubleText(stage, Math.min(1400, each)));
  });
  const rest = hidden > 0 ? budget.take(`and ${hidden} more that did not end well`) : '';
  return [...texts, rest].filter((one) => one !== '');
}

function troubleText(stage: Stage, limit: number): string {
  const { cause, next } = troubleOf(stage);
  const head = stageLine(stage);
  const left = limit - head.length - 2;
  const why = cutMarkdown(cause, Math.floor(left * 0.5));
  const said = [head, why, cutMarkdown(next, Math.min(300, Math.floor(left * 0.25)))].filter(Boolean).join('\n');
  const log = block(lastOf(stage), limit - said.length - 1);
  return log === '' ? said : `${said}\n${log}`;
}

function buttons({ links }: View): Component[] {
  if (links.length === 0) return [];
  const components = links
    .slice(0, LIMITS.buttonsPerRow)
    .map(({ label, url }): Component => ({ type: 2, style: 5, label: cut(label, LIMITS.buttonLabel), url }));
  return [{ type: 1, components }];
}
