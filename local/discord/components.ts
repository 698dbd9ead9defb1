import type { Checks, Json, Path } from './checks.ts';
import { DiscordFault, type FormErrors } from './errors.ts';
import { LIMITS, lengthOf } from './limits.ts';

/** Component types. Source: developers/components/reference.mdx. */
export const TYPE = {
  row: 1,
  button: 2,
  section: 9,
  text: 10,
  thumbnail: 11,
  gallery: 12,
  file: 13,
  separator: 14,
  container: 17,
} as const;
const SELECTS: readonly number[] = [3, 5, 6, 7, 8];
const TOP_LEVEL: readonly number[] = [
  TYPE.row,
  TYPE.section,
  TYPE.text,
  TYPE.gallery,
  TYPE.file,
  TYPE.separator,
  TYPE.container,
];
const LINK_STYLE = 5;

export interface ComponentRules {
  v2: boolean;
  /** Buttons with an action and selects: only for webhooks that an application owns, and for interactions. */
  interactive: boolean;
}

/** The components of a message, checked by type, place, number and text; undefined when none were given. */
export function readComponents(
  value: unknown,
  rules: ComponentRules,
  check: Checks,
  errors: FormErrors,
): Json[] | undefined {
  const given = check.list(value, ['components'], {
    max: rules.v2 ? LIMITS.components.value : LIMITS.actionRows.value,
  });
  if (!given) return undefined;
  const allowed = rules.v2 ? TOP_LEVEL : [TYPE.row];
  const walk = { rules, check, errors };
  const components = given.map((one, index) => readOne(one, ['components', index], allowed, walk));
  const found = components.filter((one) => one !== undefined);
  if (rules.v2) checkWhole(found, errors);
  return found;
}

interface Walk {
  rules: ComponentRules;
  check: Checks;
  errors: FormErrors;
}

function readOne(value: unknown, path: Path, allowed: readonly number[], walk: Walk): Json | undefined {
  const json = walk.check.object(value, path);
  if (!json) return undefined;
  const type = Number(json.type);
  if (!allowed.includes(type)) {
    const message = `Value of field "type" must be one of (${allowed.join(', ')},).`;
    walk.errors.add([...path, 'type'], 'UNION_TYPE_CHOICES', message);
    return undefined;
  }
  READERS[type]?.(json, path, walk);
  return json;
}

function children(
  json: Json,
  path: Path,
  name: string,
  allowed: readonly number[],
  size: { min: number; max: number },
  walk: Walk,
): void {
  const at = [...path, name];
  if (json[name] === undefined) walk.errors.add(at, 'BASE_TYPE_REQUIRED', 'This field is required');
  for (const [index, one] of (walk.check.list(json[name], at, size) ?? []).entries())
    readOne(one, [...at, index], allowed, walk);
}

const READERS: Record<number, (json: Json, path: Path, walk: Walk) => void> = {
  [TYPE.row]: (json, path, walk) =>
    children(json, path, 'components', [TYPE.button, ...SELECTS], { min: 1, max: LIMITS.buttonsPerRow.value }, walk),
  [TYPE.button]: readButton,
  [TYPE.section](json, path, walk) {
    children(json, path, 'components', [TYPE.text], { min: 1, max: LIMITS.sectionTexts.value }, walk);
    if (json.accessory === undefined)
      walk.errors.add([...path, 'accessory'], 'BASE_TYPE_REQUIRED', 'This field is required');
    else readOne(json.accessory, [...path, 'accessory'], [TYPE.button, TYPE.thumbnail], walk);
  },
  [TYPE.text]: (json, path, { check }) =>
    void check.text(json.content, [...path, 'content'], { max: LIMITS.displayableText.value, min: 1, required: true }),
  [TYPE.thumbnail]: (json, path, { check }) => media(json.media, [...path, 'media'], check),
  [TYPE.gallery](json, path, { check }) {
    const items = check.list(json.items, [...path, 'items'], { min: 1, max: LIMITS.galleryItems.value }) ?? [];
    for (const [index, item] of items.entries())
      media((item as Json | null)?.media, [...path, 'items', index, 'media'], check);
  },
  [TYPE.container](json, path, walk) {
    walk.check.integer(json.accent_color, [...path, 'accent_color'], { min: 0, max: 0xffffff });
    const inside = TOP_LEVEL.filter((type) => type !== TYPE.container);
    children(json, path, 'components', inside, { min: 1, max: LIMITS.components.value }, walk);
  },
};
for (const type of SELECTS) READERS[type] = (_json, path, walk) => interactiveOnly(path, walk);

function media(value: unknown, path: Path, check: Checks): void {
  check.url(check.object(value, path)?.url, [...path, 'url'], ['http', 'https', 'attachment']);
}

function interactiveOnly(path: Path, { rules, errors }: Walk): void {
  if (rules.interactive) return;
  errors.add(
    path,
    'COMPONENT_INTERACTIVE_NOT_ALLOWED',
    'Only webhooks owned by an application can send interactive components.',
  );
}

function readButton(json: Json, path: Path, walk: Walk): void {
  const { check, errors } = walk;
  const style = check.integer(json.style, [...path, 'style'], { min: 1, max: 6 });
  if (style === undefined) errors.add([...path, 'style'], 'BASE_TYPE_REQUIRED', 'This field is required');
  const label = check.text(json.label, [...path, 'label'], { max: LIMITS.buttonLabel.value });
  if (!label && !json.emoji) {
    errors.add(path, 'COMPONENT_LABEL_EMOJI_REQUIRED', 'A button must have either a label or an emoji.');
  }
  if (style !== LINK_STYLE) {
    interactiveOnly(path, walk);
    return;
  }
  check.text(json.url, [...path, 'url'], { max: LIMITS.buttonUrl.value, required: true });
  check.url(json.url, [...path, 'url'], ['http', 'https', 'discord']);
  if (json.custom_id !== undefined) {
    errors.add(
      [...path, 'custom_id'],
      'COMPONENT_CUSTOM_ID_NOT_ALLOWED',
      'A custom id cannot be used with a link button.',
    );
  }
}

/** Every component of a message, nested ones and accessories included. */
export function flatten(components: readonly Json[]): Json[] {
  return components.flatMap((one) => {
    const nested = Array.isArray(one.components) ? (one.components as Json[]) : [];
    const accessory = one.accessory && typeof one.accessory === 'object' ? [one.accessory as Json] : [];
    return [one, ...flatten([...nested, ...accessory])];
  });
}

/** The text of all text displays, in order. */
export function textsOf(components: readonly Json[]): string[] {
  return flatten(components)
    .filter((one) => one.type === TYPE.text)
    .map((one) => String(one.content ?? ''));
}

/** Names of attachments that components show; others may not be sent with Components V2. */
export function attachmentsOf(components: readonly Json[]): Set<string> {
  const names = [...JSON.stringify(components).matchAll(/"attachment:\/\/([^"]+)"/g)].map((match) => match[1] ?? '');
  return new Set(names);
}

function checkWhole(components: readonly Json[], errors: FormErrors): void {
  const count = flatten(components).length;
  const { value: most } = LIMITS.components;
  if (count > most) {
    const message = `Message has ${count} components; the maximum is ${most}.`;
    errors.add(['components'], 'COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED', message);
  }
  const texts = textsOf(components);
  const total = texts.reduce((sum, text) => sum + lengthOf(text), 0);
  if (total > LIMITS.displayableText.value) {
    const message = `Displayable text size exceeds maximum size of ${LIMITS.displayableText.value}`;
    errors.add(['components'], 'COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED', message);
  }
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) + 12 * texts.length;
  if (!errors.any && bytes > LIMITS.textDisplayBytes.value)
    throw new DiscordFault(500, 0, '500: Internal Server Error');
}
