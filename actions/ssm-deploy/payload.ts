import { createHash } from 'node:crypto';
import { Problem } from '../../lib/errors.ts';
import { encodePayload, PAYLOAD_LIMIT } from './document.ts';
import type { SsmInputs } from './inputs.ts';

export interface Container {
  name: string;
  image: string;
  revision: string;
  port: string;
  network: string;
  memory: string;
  order: string;
  volumes: readonly string[];
  environment: Record<string, string>;
  /** Variable name to SSM parameter name. */
  secrets: Record<string, string>;
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,60}$/;
const IMAGE = /^[\w.:-]+\/[\w./-]+@sha256:[0-9a-f]{64}$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const REFERENCE = /^\$\{ssm:(\/[\w./-]+|[\w.-]+)\}$/;
const PORT = /^(?:\d{1,3}(?:\.\d{1,3}){3}:)?\d{1,5}:\d{1,5}(?:\/(?:tcp|udp))?$/;

/** The container that the inputs describe. @throws Problem for anything that the host could not carry out. */
export function containerOf(inputs: SsmInputs): Container {
  const name = inputs.name || inputs.component;
  check(
    NAME.test(name),
    "input 'name'",
    name,
    'a container name has letters, digits, dots, dashes and underscores',
    'Set `name` or `component`',
  );
  if (inputs.operation === 'deploy') {
    check(
      IMAGE.test(inputs.image),
      "input 'image'",
      inputs.image,
      'it is not HOST/NAME@sha256:DIGEST; a tag may move between two hosts',
      'Pass the output `image` of ecr-build-push',
    );
  }
  if (inputs.port !== '')
    check(
      PORT.test(inputs.port),
      "input 'port'",
      inputs.port,
      'it is not HOST:CONTAINER',
      'Write for instance 80:8080',
    );
  for (const variable of [...Object.keys(inputs['environment-variables']), ...Object.keys(inputs.secrets)]) {
    check(
      VARIABLE.test(variable),
      'environment variable',
      variable,
      'it is no name of a variable',
      'Use letters, digits and underscores',
    );
  }
  return {
    name,
    image: inputs.image,
    revision: inputs.revision,
    port: inputs.port,
    network: inputs.network,
    memory: inputs.memory,
    // Two containers cannot publish one port.
    order: inputs.port === '' ? inputs.order : 'stop-first',
    volumes: inputs.volumes,
    environment: inputs['environment-variables'],
    secrets: Object.fromEntries(
      Object.entries(inputs.secrets).map(([variable, value]) => [variable, parameterOf(variable, value)]),
    ),
  };
}

function parameterOf(variable: string, value: string): string {
  const match = REFERENCE.exec(value);
  if (match?.[1]) return match[1];
  throw new Problem({
    what: `input 'secrets', ${variable}`,
    cause: 'it is not a reference; a literal secret would stay readable in the command history of the account',
    fix: 'Store it as a SecureString parameter and write ${ssm:/path/of/it}',
  });
}

/** Hash over everything that makes a container what it is: equal means that there is nothing to deploy. */
export function releaseFingerprint(container: Container): string {
  const sorted = (record: Record<string, string>) => Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const image = container.image.replace(/^[^/]+\//, '');
  const facts = {
    ...container,
    image,
    order: undefined,
    environment: sorted(container.environment),
    secrets: sorted(container.secrets),
  };
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}

/** The payload for a host. @throws Problem when it is larger than our document takes. */
export function payloadOf(
  operation: string,
  container: Container,
  timing: { stableMs: number; healthyMs: number },
): string {
  const present = (value: string) => (value === '' ? undefined : value);
  const spec = {
    v: 1,
    component: container.name,
    release: releaseFingerprint(container).slice(0, 16),
    image: container.image,
    revision: container.revision,
    order: container.order,
    publish: container.port === '' ? [] : [container.port],
    env: container.environment,
    secrets: Object.entries(container.secrets).map(([name, parameter]) => ({ name, from: `ssm:${parameter}` })),
    volumes: container.volumes,
    networks: container.network === '' ? [] : [container.network],
    memory: present(container.memory),
    'stable-for': Math.ceil(timing.stableMs / 1000),
    'healthy-within': Math.ceil(timing.healthyMs / 1000),
  };
  const payload = encodePayload({
    v: 1,
    operation,
    component: container.name,
    ...(operation === 'deploy' ? { spec } : {}),
  });
  check(
    payload.length <= PAYLOAD_LIMIT,
    'container options',
    `${payload.length} bytes`,
    `they are over the ${PAYLOAD_LIMIT} bytes that an SSM command takes`,
    'Move large values into parameters or files of the image',
  );
  return payload;
}

function check(fine: boolean, what: string, seen: string, cause: string, fix: string): void {
  if (!fine)
    throw new Problem({ what, seen: seen === '' ? undefined : seen, cause: seen === '' ? 'it is empty' : cause, fix });
}
