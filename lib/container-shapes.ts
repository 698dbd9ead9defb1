/**
 * How the options of a container on a host are written, one shape an option, for the inputs of ssm-deploy and for the config file.
 * Each is what docker takes (docker run reference), less what would let a value be read as another option or path.
 */
export interface Shape {
  pattern: RegExp;
  cause: string;
  fix: string;
}

const NAME = '[a-zA-Z0-9][a-zA-Z0-9_.-]*';

export const SHAPES = {
  /** Under 50 characters: it becomes part of container names, tags and the parameter's name. */
  name: {
    pattern: /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,49}$/,
    cause: 'it is not a name: letters, digits, dots, dashes and underscores, 50 at most, a letter or digit first',
    fix: 'Write for instance web',
  },
  /** Part of a Parameter Store name. */
  group: {
    pattern: /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,99}$/,
    cause: 'it cannot be part of the name of a parameter: letters, digits, dots, dashes and underscores',
    fix: 'Set `group` to a word such as docker-host',
  },
  image: {
    pattern: /^[\w.:-]+\/[\w./-]+@sha256:[0-9a-f]{64}$/,
    cause: 'it is not HOST/NAME@sha256:DIGEST; a tag may move between two hosts',
    fix: 'Pass the output `image` of ecr-build-push',
  },
  port: {
    pattern: /^(?:\d{1,5}:)?\d{1,5}$/,
    cause: 'it is not HOST:CONTAINER',
    fix: 'Write for instance 80:3000, or one number for both; what is not HTTP, or an address, goes to `publish`',
  },
  publish: {
    pattern: /^(?:\d{1,3}(?:\.\d{1,3}){3}:)?\d{1,5}(?:-\d{1,5})?:\d{1,5}(?:-\d{1,5})?(?:\/(?:tcp|udp|sctp))?$/,
    cause: 'it is not HOST:CONTAINER',
    fix: 'Write for instance 53:53/udp or 127.0.0.1:9000:9000',
  },
  hostName: {
    pattern: /^(?=.{1,253}$)[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*$/,
    cause: 'it is not the name of a host',
    fix: 'Write for instance www.example.com, without a scheme and without a port',
  },
  path: {
    pattern: /^\/[\w./~%:@!$&()*+,;=?-]*$/,
    cause: 'it is not the path of a URL',
    fix: 'Write for instance /health',
  },
  variable: {
    pattern: /^[A-Za-z_][A-Za-z0-9_]*$/,
    cause: "it is not an environment variable's name",
    fix: 'Use letters, digits and underscores, not a digit first',
  },
  secret: {
    pattern: /^\$\{(?:ssm:\/?[A-Za-z0-9_.\-/]+|secretsmanager:[A-Za-z0-9/_+=.@:-]+(?:#[A-Za-z0-9_.-]+)?)\}$/,
    cause: 'it is not a reference; a literal secret would stay readable in the command history of the account',
    fix: 'Store it and refer to it: ${ssm:/path/of/it}, ${secretsmanager:NAME} or ${secretsmanager:NAME#json-key}; treat the literal as leaked',
  },
  volume: {
    pattern: new RegExp(`^(?:${NAME}|/[^:]*):/[^:]*(?::[a-zA-Z,]+)?$`),
    cause: 'it is not SOURCE:TARGET[:ro] with the name of a volume or an absolute path as SOURCE',
    fix: 'Write for instance data:/var/lib/data or /etc/app:/etc/app:ro',
  },
  tmpfs: {
    pattern: /^\/[^:]*(?::[\w,=%-]+)?$/,
    cause: 'it is not TARGET[:OPTIONS]',
    fix: 'Write for instance /tmp:size=64m',
  },
  network: {
    pattern: new RegExp(`^${NAME}$`),
    cause: 'it is not the name of a docker network',
    fix: 'Write for instance backend',
  },
  size: {
    pattern: /^\d+(?:\.\d+)?[bkmgBKMG]?$/,
    cause: 'it is not a size',
    fix: 'Write for instance 256m or 1g',
  },
  cpus: {
    pattern: /^\d+(?:\.\d+)?$/,
    cause: 'it is not a number of processors',
    fix: 'Write for instance 0.5',
  },
  user: {
    pattern: /^[\w.-]+(?::[\w.-]+)?$/,
    cause: 'it is not USER or USER:GROUP',
    fix: 'Write for instance node or 1000:1000',
  },
  capability: {
    pattern: /^(?:CAP_)?[A-Z][A-Z_]*$/,
    cause: 'it is not a capability of Linux',
    fix: 'Write for instance NET_BIND_SERVICE or ALL',
  },
  extraHost: {
    pattern: /^[\w.-]+:(?:[0-9a-fA-F.:]+|host-gateway)$/,
    cause: 'it is not NAME:ADDRESS',
    fix: 'Write for instance db.internal:10.0.0.5 or host.docker.internal:host-gateway',
  },
  ulimit: {
    pattern: /^[a-z]+=-?\d+(?::-?\d+)?$/,
    cause: 'it is not NAME=SOFT[:HARD]',
    fix: 'Write for instance nofile=65536:65536',
  },
  hostname: {
    pattern: /^[a-zA-Z0-9](?:[a-zA-Z0-9.-]{0,61}[a-zA-Z0-9])?$/,
    cause: 'it is not a host name',
    fix: 'Write for instance web',
  },
  signal: {
    pattern: /^(?:(?:SIG)?[A-Z][A-Z0-9+]*|\d{1,2})$/,
    cause: 'it is not a signal',
    fix: 'Write for instance SIGQUIT',
  },
  label: {
    pattern: /^(?!slipway[.:])[\w.:/-]+$/,
    cause: 'it is not the name of a label, or one of the labels slipway.*, which the host sets by itself',
    fix: 'Write for instance com.example.team',
  },
  word: {
    pattern: /^[\w.-]+$/,
    cause: 'it is not one word',
    fix: 'Use letters, digits, dots, dashes and underscores',
  },
  share: {
    pattern: /^(?:\d{1,3}%|\d{1,7})$/,
    cause: 'it is neither a number nor a percentage',
    fix: 'Write for instance 1 or 25%',
  },
  release: {
    pattern: /^[0-9a-f]{16,64}$/,
    cause: 'it is not the fingerprint of a release',
    fix: 'Write 16 to 64 hexadecimal digits, such as the output `release-fingerprint` of the run that deployed it',
  },
  age: {
    pattern: /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$|^\d{4}-\d\d-\d\dT[\d:.]+Z?$/,
    cause: 'it is neither a duration nor a time',
    fix: 'Write for instance 10m or 2026-01-31T12:00:00Z',
  },
} as const satisfies Record<string, Shape>;
