import { SHAPES, type Shape } from '../../../lib/container-shapes.ts';
import { Problem } from '../../../lib/errors.ts';
import type { SsmInputs } from '../inputs.ts';
import { secretsOf } from './secrets.ts';
import { RELEASE_LENGTH, releaseFingerprint, type Spec } from './spec.ts';

const seconds = (ms: number) => Math.ceil(ms / 1000);
const optional = (ms: number | undefined) => (ms === undefined ? undefined : seconds(ms));

/** Name of the component on the hosts. @throws Problem when nothing names it. */
export function componentOf(inputs: Pick<SsmInputs, 'name' | 'component'>): string {
  return checked("input 'name'", inputs.name || inputs.component, SHAPES.name, 'Set `name` or `component`');
}

/** The desired state that the inputs describe. @throws Problem for anything that a host could not carry out as it is written. */
export function specOf(inputs: SsmInputs): Spec {
  const component = componentOf(inputs);
  const image = checked("input 'image'", inputs.image, SHAPES.image, SHAPES.image.fix);
  const spec = {
    v: 1,
    component,
    image,
    ...some('revision', inputs.revision),
    order: orderOf(inputs),
    ...some('http', httpOf(inputs)),
    ...some('publish', inputs.publish),
    ...some('env', environmentOf(inputs)),
    ...some('secrets', secretsOf(inputs.secrets, inputs['secrets-as-environment'])),
    ...some('volumes', inputs.volumes),
    ...some('tmpfs', inputs.tmpfs),
    ...some('networks', networksOf(inputs)),
    ...some('memory', inputs.memory),
    ...some('cpus', inputs.cpus),
    ...some('pids', inputs.pids),
    restart: inputs.restart,
    ...some('labels', inputs.labels),
    ...some('user', inputs.user),
    ...some('entrypoint', inputs.entrypoint),
    ...some('command', inputs.command),
    ...some('read-only', inputs['read-only'] || undefined),
    init: inputs.init,
    ...some('cap-add', inputs['cap-add']),
    ...some('cap-drop', inputs['cap-drop']),
    ...some('extra-hosts', inputs['extra-hosts']),
    ...some('ulimits', inputs.ulimits),
    ...some('shm-size', inputs['shm-size']),
    ...some('hostname', inputs.hostname),
    ...some('stop-signal', inputs['stop-signal']),
    'stop-timeout': seconds(inputs['stop-timeout']),
    ...some('log-driver', inputs['log-driver']),
    ...some('log-options', inputs['log-options']),
    ...some('health-check', healthOf(inputs)),
    'healthy-within': seconds(inputs['healthy-within']),
    'stable-for': seconds(inputs['stable-for']),
    'drain-within': seconds(inputs['drain-within']),
  } as Omit<Spec, 'release'>;
  return { ...spec, release: releaseFingerprint(spec).slice(0, RELEASE_LENGTH) };
}

/** The key with its value, or nothing where there is none: an absent key is the image's or docker's own. */
function some(key: string, value: unknown): Record<string, unknown> {
  if (value === undefined || value === '') return {};
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) return {};
  return { [key]: value };
}

/**
 * @throws Problem for a reference where a value belongs: nobody looks it up, and the container would get the reference; and for what
 * a secret is too.
 */
function environmentOf(inputs: SsmInputs): Record<string, string> {
  const { 'environment-variables': env, secrets, 'secrets-as-environment': asEnvironment } = inputs;
  const given = Object.keys(secrets).map((name) => (asEnvironment.includes(name) ? name : `${name}_FILE`));
  const twice = given.find((variable) => Object.hasOwn(env, variable));
  if (twice !== undefined) {
    throw new Problem({
      what: `environment variable ${twice}`,
      cause: 'the container gets it from `secrets` too, and one of the two would be lost',
      fix: 'Leave it out of `environment-variables`, or give the secret another name',
    });
  }
  const [name] = Object.entries(env).find(([, value]) => /^\$\{(?:ssm|secretsmanager|output):/.test(value)) ?? [];
  if (name === undefined) return env;
  throw new Problem({
    what: `environment variable ${name}`,
    seen: env[name],
    cause: 'it is a reference, and a variable of this input is given to the container as it is written',
    fix: 'Give it in `secrets`, with its name in `secrets-as-environment` if it has to be a variable; slipway/slipway (ship) looks references of the config file up',
  });
}

/** A bot must not run twice and a published port exists once; what the proxy stands before may. */
function orderOf({ order, port, publish }: SsmInputs): Spec['order'] {
  if (publish.length > 0 && order === 'start-first') {
    throw new Problem({
      what: "input 'order'",
      seen: order,
      cause: 'two containers cannot publish one port, so that the old one has to stop before the new one starts',
      fix: 'Put HTTP behind the proxy with `port`, or set `order: stop-first`',
    });
  }
  return publish.length > 0 ? 'stop-first' : (order ?? (port === '' ? 'stop-first' : 'start-first'));
}

function httpOf({ port, 'host-names': hosts, 'health-path': path }: SsmInputs): Spec['http'] {
  if (port === '') {
    const stray = hosts.length > 0 ? 'host-names' : path === '' ? undefined : 'health-path';
    if (stray === undefined) return undefined;
    throw new Problem({
      what: `input '${stray}'`,
      cause: 'it is for what the proxy stands before, and there is no `port`',
      fix: "Set `port`, for instance to 80:3000, or leave it out and use the image's HEALTHCHECK",
    });
  }
  const [host = 0, container = host] = port.split(':').map(Number);
  const wrong = [host, container].find((number) => number < 1 || number > 65_535);
  if (wrong !== undefined)
    throw new Problem({
      what: "input 'port'",
      seen: port,
      cause: `${wrong} is no port`,
      fix: 'Write numbers from 1 to 65535',
    });
  return {
    port: host,
    'container-port': container,
    ...(hosts.length > 0 && { hosts }),
    ...(path !== '' && { 'health-path': path }),
  };
}

function networksOf({ networks, port }: SsmInputs): string[] {
  const own = networks.find((name) => name === 'host' || name === 'none');
  if (own !== undefined && port !== '') {
    throw new Problem({
      what: "input 'networks'",
      seen: own,
      cause: 'in that network a container has no port of its own that the proxy could reach beside the old one',
      fix: 'Leave it out, or leave out `port`',
    });
  }
  return networks;
}

function healthOf(inputs: SsmInputs): Spec['health-check'] {
  const check = {
    ...some('command', inputs['health-command']),
    ...some('interval', optional(inputs['health-interval'])),
    ...some('timeout', optional(inputs['health-timeout'])),
    ...some('retries', inputs['health-retries']),
    ...some('start-period', optional(inputs['health-start-period'])),
  };
  return Object.keys(check).length === 0 ? undefined : check;
}

function checked(what: string, seen: string, shape: Shape, fix: string): string {
  if (shape.pattern.test(seen)) return seen;
  throw new Problem({
    what,
    seen: seen === '' ? undefined : seen,
    cause: seen === '' ? 'it is empty' : shape.cause,
    fix: seen === '' ? fix : shape.fix,
  });
}
