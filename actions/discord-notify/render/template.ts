import * as v from 'valibot';
import type { StoryState } from '../story.ts';
import { plainLine } from '../text/escape.ts';

const parts = {
  title: v.optional(v.string()),
  description: v.optional(v.string()),
  footer: v.optional(v.string()),
  content: v.optional(v.string()),
};
const partsSchema = v.strictObject(parts);

/** The parts of a message in words of one's own, for every state or for some. */
export const templateSchema = v.strictObject({
  ...parts,
  started: v.optional(partsSchema),
  running: v.optional(partsSchema),
  succeeded: v.optional(partsSchema),
  failed: v.optional(partsSchema),
  cancelled: v.optional(partsSchema),
});

export type TemplateParts = v.InferOutput<typeof partsSchema>;
export type Template = v.InferOutput<typeof templateSchema>;

export function templateFor(template: Template, state: StoryState): TemplateParts {
  const { title, description, footer, content } = template;
  const own = template[state] ?? {};
  return {
    title: own.title ?? title,
    description: own.description ?? description,
    footer: own.footer ?? footer,
    content: own.content ?? content,
  };
}

/** Data, which is escaped, or Markdown that is ready. */
export type Values = Readonly<Record<string, string | { markdown: string }>>;

/** The placeholders that templates, titles and descriptions may hold. */
export const PLACEHOLDERS = [
  'sign',
  'status',
  'environment',
  'repository',
  'actor',
  'run',
  'run_url',
  'commit',
  'message',
  'author',
  'authors',
  'count',
  'duration',
  'failed',
  'cause',
] as const;

const PLACEHOLDER = /(\{[a-z_]+\})/;

/**
 * Fills {name} in; what it stands for is data and cannot format, link or mention. Other braces stay as they are.
 * @param shown how data is made harmless
 * @param literal what becomes of the text around: as it is where its author may write Markdown
 */
export function filled(
  text: string,
  values: Values,
  shown: (data: string) => string = plainLine,
  literal: (text: string) => string = (markdown) => markdown,
): string {
  const piece = (part: string): string => {
    const name = PLACEHOLDER.test(part) ? part.slice(1, -1) : '';
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) return literal(part);
    return typeof value === 'string' ? shown(value) : value.markdown;
  };
  return text.split(PLACEHOLDER).map(piece).join('');
}
