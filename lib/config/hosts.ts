import * as v from 'valibot';
import { SHAPES, type Shape } from '../container-shapes.ts';
import { count, described, duration, flag, option, REFERENCE, say, scalar, text } from './fields.ts';

/** Text of a shape, or with a reference in it, which is checked when it has been looked up. */
const shaped = ({ pattern, cause, fix }: Shape) =>
  v.pipe(v.string(), v.regex(new RegExp(`(?:${pattern.source})|${REFERENCE}`), say(cause, fix)));

const listOf = (shape: Shape) => v.array(shaped(shape));

/** A map whose keys have the shape. */
const namedBy = ({ pattern, cause, fix }: Shape) =>
  v.record(v.pipe(v.string(), v.regex(pattern, say(cause, fix))), scalar);

const argv = v.pipe(
  v.array(v.string()),
  v.minLength(1, say('the list is empty', 'List the program and its arguments, or leave the key out')),
);

/** A number or a percentage: `2` may be written without quotes. */
const share = v.union([count(0), shaped(SHAPES.share)]);

const { variable, secret } = SHAPES;

/** The container as the hosts run it: each key is an option of the action ssm-deploy of the same name. */
const containerEntries = {
  name: option(shaped(SHAPES.name), 'Name on the hosts. Default: the name of the component.'),
  port: option(
    shaped(SHAPES.port),
    "HTTP port of the host and of the container, HOST:CONTAINER or one number for both; the host's proxy switches versions without dropping a request.",
  ),
  'host-names': option(
    listOf(SHAPES.hostName),
    'Host names that are this component at that port; several components may share one. Default: all.',
  ),
  'health-path': option(
    shaped(SHAPES.path),
    "Path that answers 2xx or 3xx when the container is healthy. Default: the image's HEALTHCHECK alone.",
  ),
  publish: option(
    listOf(SHAPES.publish),
    'Ports published past the proxy, such as 53:53/udp; such a container is stopped before the next starts.',
  ),
  env: option(namedBy(variable), 'Environment variables of the container.'),
  secrets: option(
    v.record(
      v.pipe(v.string(), v.regex(variable.pattern, say(variable.cause, variable.fix))),
      v.pipe(v.string(), v.regex(secret.pattern, say(secret.cause, secret.fix))),
    ),
    'Secrets by reference, ${ssm:/path} or ${secretsmanager:NAME#key}. The host reads them with its own role at every start; the container finds the file at NAME_FILE.',
  ),
  'secrets-as-environment': option(
    listOf(variable),
    'Secrets that the container gets as environment variables in place of files.',
  ),
  'not-secret': option(
    listOf(SHAPES.label),
    'Names that look like those of secrets, and are none: variables of the container or of the job, labels, options.',
  ),
  volumes: option(listOf(SHAPES.volume), 'Volumes, SOURCE:TARGET[:ro].'),
  tmpfs: option(listOf(SHAPES.tmpfs), 'File systems in memory, TARGET[:OPTIONS].'),
  networks: option(listOf(SHAPES.network), 'Docker networks to join; those that are missing are made.'),
  memory: option(shaped(SHAPES.size), 'Memory limit such as 256m.'),
  cpus: option(v.union([v.pipe(v.number(), v.minValue(0.01)), shaped(SHAPES.cpus)]), 'Processors such as 0.5.'),
  pids: option(count(1), 'Limit of processes.'),
  restart: option(
    v.picklist(['always', 'on-failure', 'no']),
    'When the host starts it again after its end: always, on-failure or no. Default: always.',
  ),
  labels: option(namedBy(SHAPES.label), 'Labels of the container.'),
  user: option(shaped(SHAPES.user), "User, or USER:GROUP. Default: the image's."),
  entrypoint: option(argv, "Program in place of the image's."),
  command: option(argv, "Arguments in place of the image's."),
  'read-only': option(flag, 'Mount the root file system read-only. Default: false.'),
  init: option(flag, 'Run an init that reaps processes and passes signals on. Default: true.'),
  'cap-add': option(listOf(SHAPES.capability), 'Capabilities to add.'),
  'cap-drop': option(listOf(SHAPES.capability), 'Capabilities to take away, or ALL.'),
  'extra-hosts': option(listOf(SHAPES.extraHost), 'Lines of /etc/hosts, NAME:ADDRESS.'),
  ulimits: option(listOf(SHAPES.ulimit), 'Limits, NAME=SOFT[:HARD].'),
  'shm-size': option(shaped(SHAPES.size), 'Size of /dev/shm.'),
  hostname: option(shaped(SHAPES.hostname), 'Host name in the container.'),
  'stop-signal': option(shaped(SHAPES.signal), "Signal that asks it to end. Default: the image's."),
  'stop-timeout': option(duration, 'Time it has to end before it is killed. Default: 30s.'),
  'log-driver': option(shaped(SHAPES.word), "Log driver. Default: the host's."),
  'log-options': option(namedBy(SHAPES.word), 'Options of the log driver.'),
  'health-command': option(argv, "Health check in place of the image's, a program and its arguments."),
  'health-interval': option(duration, 'Time between two health checks.'),
  'health-timeout': option(duration, 'Time one health check has.'),
  'health-retries': option(count(1), 'Failures in a row that make it unhealthy.'),
  'health-start-period': option(duration, 'Time after the start in which failures do not count.'),
  order: option(
    v.picklist(['start-first', 'stop-first']),
    'Whether the new one starts beside the old one. Default: start-first with `port`, else stop-first (two bots must not run at once).',
  ),
  'healthy-within': option(duration, 'Time to become healthy. Default: 2m.'),
  'stable-for': option(duration, 'How long one without any health check has to live. Default: 5s.'),
  'drain-within': option(duration, 'Time that requests under way have to end on the old one. Default: 30s.'),
};

export const ssmEntries = {
  to: described(v.literal('ssm'), 'Where it runs: a container on EC2 hosts that SSM reaches.'),
  targets: described(
    v.record(
      v.pipe(
        v.string(),
        v.regex(
          /^(?:tag:.+|instance-ids)$/,
          say('it names no hosts', "Write a tag as 'tag:NAME', or instance-ids with a list"),
        ),
      ),
      v.union([text, v.pipe(v.array(text), v.minLength(1, say('the list is empty', 'Name at least one')))]),
    ),
    "Hosts, by tag ('tag:Role': docker-host; of a list any value) or by instance-ids.",
  ),
  group: option(
    shaped(SHAPES.group),
    "Host group, under which the desired state is kept: /slipway/ENVIRONMENT/GROUP/COMPONENT. Default: the value of the only target tag, else the component's name.",
  ),
  ...containerEntries,
  minimum: option(
    count(1),
    'Hosts that have to be online before anything is sent. Default: every id named, one for tags.',
  ),
  gate: option(flag, 'Whether one host is deployed to first, and the rest only if that went well. Default: true.'),
  'max-concurrency': option(share, 'How many hosts at once, a number or a percentage. Default: 1.'),
  'max-errors': option(
    share,
    'How many hosts may fail (a percentage is rounded down) before the others are not tried. Default: 0.',
  ),
  'all-or-nothing': option(flag, 'Put back the hosts that had succeeded when another has failed. Default: false.'),
  preflight: option(flag, 'Ask every host for its engine and its disk before any is changed. Default: true.'),
  'minimum-disk': option(shaped(SHAPES.size), "Free space that docker's disk must have. Default: 1g."),
  bootstrap: option(flag, 'Install what a host lacks (docker, proxy, unit) before the deployment. Default: false.'),
  'log-group': option(text, 'CloudWatch Logs group for live lines and whole output of the commands.'),
  'output-bucket': option(text, 'S3 bucket for the whole output of the commands.'),
  'output-prefix': option(text, 'Prefix of the keys in that bucket.'),
  timeout: option(duration, 'Time for all hosts. Default: 15m.'),
};
