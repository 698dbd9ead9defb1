import { isObject, type Json, type JsonObject, objects, textOf } from '../../../lib/ecs/json.ts';
import { canonicalJson } from '../../../lib/fingerprint/canonical.ts';

/**
 * A definition in the one form that two definitions of the same meaning share: what ECS fills in by itself when it
 * stores one is taken away, and lists that are sets are sorted. Only for comparing and for showing differences; what is
 * registered is never this. Source of the defaults: ECS API reference, RegisterTaskDefinition and ContainerDefinition.
 */
export function canonical(definition: JsonObject): JsonObject {
  const out = withoutEmpty(definition);
  for (const key of ['cpu', 'memory'] as const) {
    const value = out[key];
    if (typeof value === 'number' || typeof value === 'string') out[key] = size(key, String(value));
  }
  if (out.networkMode === 'bridge') delete out.networkMode;
  if (Array.isArray(out.requiresCompatibilities)) out.requiresCompatibilities = sorted(out.requiresCompatibilities);
  const awsvpc = definition.networkMode === 'awsvpc';
  out.containerDefinitions = objects(definition.containerDefinitions)
    .map((container) => canonicalContainer(container, awsvpc))
    .toSorted(byName);
  if (Array.isArray(out.volumes)) out.volumes = objects(out.volumes).map(withoutEmptyDeep).toSorted(byName);
  if (out.enableFaultInjection === false) delete out.enableFaultInjection;
  return out;
}

function canonicalContainer(container: JsonObject, awsvpc: boolean): JsonObject {
  const out = withoutEmpty(container);
  if (out.cpu === 0) delete out.cpu;
  if (out.essential === true) delete out.essential;
  for (const key of ['environment', 'secrets', 'systemControls', 'ulimits'])
    if (Array.isArray(out[key])) out[key] = objects(out[key]).toSorted(byName);
  if (Array.isArray(out.portMappings))
    out.portMappings = objects(out.portMappings).map((p) => canonicalPort(p, awsvpc));
  if (isObject(out.healthCheck))
    out.healthCheck = { interval: 30, timeout: 5, retries: 3, ...withoutEmpty(out.healthCheck) };
  if (isObject(out.logConfiguration)) out.logConfiguration = withoutEmpty(out.logConfiguration);
  if (Array.isArray(out.mountPoints))
    out.mountPoints = objects(out.mountPoints).map((m) => without(m, (k, v) => k === 'readOnly' && v === false));
  return out;
}

function canonicalPort(port: JsonObject, awsvpc: boolean): JsonObject {
  return without(
    port,
    (key, value) =>
      (key === 'protocol' && value === 'tcp') ||
      (key === 'hostPort' && (value === 0 || (awsvpc && value === port.containerPort))),
  );
}

/** ECS stores "0.5 vCPU" as 512 and "1 GB" as 1024. */
function size(key: 'cpu' | 'memory', value: string): string {
  const match = /^\s*(\d*\.?\d+)\s*(vcpu|gb)\s*$/i.exec(value);
  if (!match) return value.trim();
  const unit = match[2]?.toLowerCase();
  if ((key === 'cpu') !== (unit === 'vcpu')) return value.trim();
  return String(Math.round(Number(match[1]) * 1024));
}

function sorted(values: readonly Json[]): Json[] {
  return [...values].sort((a, b) => (String(a) < String(b) ? -1 : 1));
}

function byName(a: JsonObject, b: JsonObject): number {
  const [x, y] = [textOf(a.name), textOf(b.name)];
  return x < y ? -1 : x > y ? 1 : 0;
}

function without(object: JsonObject, drop: (key: string, value: Json) => boolean): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key, value]) => !drop(key, value)));
}

const isEmpty = (value: Json) =>
  value === null ||
  (Array.isArray(value) && value.length === 0) ||
  (isObject(value) && Object.keys(value).length === 0);

function withoutEmpty(object: JsonObject): JsonObject {
  return without(object, (_, value) => isEmpty(value));
}

/** Empty text stays: it means something where an absent member does not. */
function withoutEmptyDeep(object: JsonObject): JsonObject {
  const deep = Object.entries(object).map(([k, v]): [string, Json] => [k, isObject(v) ? withoutEmptyDeep(v) : v]);
  // A bind mount without a source path comes back as `host: {}`.
  return without(Object.fromEntries(deep), (_, value) => isEmpty(value));
}

export function sameDefinition(a: JsonObject, b: JsonObject): boolean {
  return canonicalJson(canonical(a)) === canonicalJson(canonical(b));
}
