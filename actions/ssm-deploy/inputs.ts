import * as v from 'valibot';
import { SHAPES, type Shape } from '../../lib/container-shapes.ts';
import {
  bool,
  choice,
  componentInputs,
  duration,
  type Inputs,
  integer,
  keyValues,
  lines,
  list,
  oneOf,
  optionalDuration,
  secret,
  text,
  yamlValue,
} from '../../lib/inputs.ts';

export const OPERATIONS = ['deploy', 'rollback', 'status', 'restart', 'logs', 'prune'] as const;
export type Operation = (typeof OPERATIONS)[number];

const say = ({ cause, fix }: Shape) => `${cause}|${fix}`;

/** Text of a shape; not given is ''. */
function shaped(shape: Shape, defaultValue = '') {
  return v.pipe(
    text(defaultValue),
    v.check((s) => s === '' || shape.pattern.test(s), say(shape)),
  );
}

/** Lines (or words with commas) that each have the shape. */
function each(shape: Shape, items: ReturnType<typeof lines> = lines()) {
  return v.pipe(
    items,
    v.check((all) => all.every((item) => shape.pattern.test(item)), `a line of it: ${say(shape)}`),
  );
}

/** NAME=value lines whose names have the shape. */
function named(shape: Shape) {
  return v.pipe(
    keyValues(),
    v.check((all) => Object.keys(all).every((name) => shape.pattern.test(name)), `a name in it: ${say(shape)}`),
  );
}

/** A program and its arguments. */
const words = yamlValue(
  v.array(v.string('expected a word, so quote numbers'), 'expected a list such as [node, server.js]'),
);

/** How the container is run: what becomes the desired state of the hosts, option by option, none of them free text for a shell. */
const containerFields = {
  name: shaped(SHAPES.name),
  image: shaped(SHAPES.image),
  revision: text(),
  port: shaped(SHAPES.port),
  'host-names': each(SHAPES.hostName, list()),
  'health-path': shaped(SHAPES.path),
  publish: each(SHAPES.publish),
  'environment-variables': named(SHAPES.variable),
  secrets: secret(keyValues()),
  'secrets-as-environment': list(),
  'not-secret': list(),
  volumes: each(SHAPES.volume),
  tmpfs: each(SHAPES.tmpfs),
  networks: each(SHAPES.network, list()),
  memory: shaped(SHAPES.size),
  cpus: shaped(SHAPES.cpus),
  pids: integer({ min: 1 }),
  restart: oneOf(['always', 'on-failure', 'no'], 'always'),
  labels: named(SHAPES.label),
  user: shaped(SHAPES.user),
  entrypoint: words,
  command: words,
  'read-only': bool(false),
  init: bool(true),
  'cap-add': each(SHAPES.capability, list()),
  'cap-drop': each(SHAPES.capability, list()),
  'extra-hosts': each(SHAPES.extraHost),
  ulimits: each(SHAPES.ulimit),
  'shm-size': shaped(SHAPES.size),
  hostname: shaped(SHAPES.hostname),
  'stop-signal': shaped(SHAPES.signal),
  'stop-timeout': duration('30s'),
  'log-driver': shaped(SHAPES.word),
  'log-options': named(SHAPES.word),
  'health-command': words,
  'health-interval': optionalDuration(),
  'health-timeout': optionalDuration(),
  'health-retries': integer({ min: 1 }),
  'health-start-period': optionalDuration(),
  order: choice(['start-first', 'stop-first']),
  'healthy-within': duration('2m'),
  'stable-for': duration('5s'),
  'drain-within': duration('30s'),
} as const;

/** Which hosts, in what order, and when to stop. */
const fleetFields = {
  targets: lines(),
  group: shaped(SHAPES.group),
  minimum: integer({ min: 1 }),
  gate: bool(true),
  'max-concurrency': shaped(SHAPES.share, '1'),
  'max-errors': shaped(SHAPES.share, '0'),
  'all-or-nothing': bool(false),
  preflight: bool(true),
  'minimum-disk': shaped(SHAPES.size, '1g'),
  bootstrap: bool(false),
  timeout: duration('15m'),
} as const;

export const fields = {
  ...componentInputs,
  operation: oneOf(OPERATIONS, 'deploy'),
  region: text(),
  ...fleetFields,
  ...containerFields,
  release: shaped(SHAPES.release),
  lines: integer({ min: 1, max: 10_000, default: 200 }),
  since: shaped(SHAPES.age),
  keep: integer({ min: 0, max: 100, default: 2 }),
  'log-group': text(),
  'output-bucket': text(),
  'output-prefix': text(),
} as const;

export type SsmInputs = Inputs<typeof fields>;
