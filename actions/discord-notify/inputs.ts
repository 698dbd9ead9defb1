import * as v from 'valibot';
import {
  bool,
  choice,
  componentInputs,
  duration,
  type Inputs,
  lines,
  list,
  oneOf,
  optionalBool,
  secret,
  text,
  yamlValue,
} from '../../lib/inputs.ts';
import { LIMITS } from './limits.ts';
import { templateSchema } from './render/template.ts';

const needsSchema = v.record(
  v.string(),
  // act writes null for the outputs of a job that did not run, where GitHub writes {}.
  v.object({ result: v.string(), outputs: v.nullish(v.record(v.string(), v.string()), {}) }),
);

/** Our own words, GitHub's for a job or step, and the outcomes of this suite's actions. */
export const STATUS_WORDS = [
  'started',
  'running',
  'succeeded',
  'failed',
  'cancelled',
  'success',
  'failure',
  'skipped',
  'unchanged',
  'rolled-back',
  'superseded',
  'stopped',
  'timed-out',
  'denied',
] as const;

const COLOR = /^(?:#|0x)([0-9a-f]{6})$/i;

/** #RRGGBB, 0xRRGGBB or the number itself. */
function color() {
  const parse = (s: string): number => (COLOR.test(s) ? Number.parseInt(s.slice(-6), 16) : Number(s));
  const usable = (s: string) => s === '' || COLOR.test(s) || (/^\d+$/.test(s) && Number(s) <= 0xffffff);
  return v.pipe(
    v.string(),
    v.trim(),
    v.check(usable, 'it is not a colour|Write for instance #22c55e, 0x22c55e or 2278750'),
    v.transform((s): number | undefined => (s === '' ? undefined : parse(s))),
  );
}

/** Source: Discord developer documentation, "Create Webhook". */
function username() {
  return v.pipe(
    v.string(),
    v.trim(),
    v.check(
      (s) => s.length <= LIMITS.username && !/clyde|discord/i.test(s),
      `Discord takes no name over ${LIMITS.username} characters and none with "clyde" or "discord" in it|Choose another`,
    ),
  );
}

/** Names separated by commas, spaces or line ends, or JSON arrays of them as actions put them out. */
function names() {
  return v.pipe(
    v.string(),
    v.transform((s) => s.split(/[[\]",\s]+/).filter(Boolean)),
  );
}

export const fields = {
  environment: componentInputs.environment,
  webhook: secret(lines()),
  // By place: the n-th is of the n-th webhook, and may be empty.
  'message-id': v.pipe(
    v.string(),
    v.transform((s) => s.split(',').map((id) => id.trim())),
  ),
  // By place as well, unless it is one for all.
  'thread-id': v.pipe(
    v.string(),
    v.transform((s) => s.split(',').map((id) => id.trim())),
    v.check(
      (ids) => ids.every((id) => /^\d{0,20}$/.test(id)),
      'it is not an id of Discord|Copy the thread’s id (developer mode, Copy ID)',
    ),
  ),
  'thread-name': text(),
  'thread-tags': v.pipe(
    list(),
    v.check(
      (ids) => ids.length <= LIMITS.threadTags && ids.every((id) => /^\d{1,20}$/.test(id)),
      `it is not up to ${LIMITS.threadTags} ids of tags|Copy them in the forum’s settings (developer mode, Copy ID)`,
    ),
  ),
  title: text(),
  description: text(),
  content: text(),
  status: v.pipe(
    choice(STATUS_WORDS),
    v.transform((word) => word ?? ''),
  ),
  needs: yamlValue(needsSchema, 'JSON'),
  results: text(),
  components: names(),
  running: names(),
  base: text(),
  links: lines(),
  mention: list(),
  format: oneOf(['embed', 'components'], 'embed'),
  template: yamlValue(templateSchema),
  log: oneOf(['attachment', 'thread', 'message'], 'attachment'),
  'log-file': lines(),
  token: secret(text()),
  'time-limit': duration('10s'),
  'fail-on-error': bool(false),
  'dry-run': bool(false),
  preflight: bool(false),
  url: text(),
  image: text(),
  color: color(),
  username: username(),
  avatar_url: text(),
  job: text(),
  'job-status': text(),
  nofail: optionalBool(),
  nocontext: bool(false),
  noprefix: bool(false),
  nodetail: bool(false),
  notimestamp: bool(false),
  ack_no_webhook: bool(false),
} as const;

export type NotifyInputs = Inputs<typeof fields>;
