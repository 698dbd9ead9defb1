/**
 * What makes one shared engine look like an engine of the host's own: names get a prefix on the way in and lose it on the way
 * out, everything made carries labels, ports are published on the host's address, and paths of the host's disk are those of
 * its directory on this machine. Pure: JSON in, JSON out.
 */
export interface HostScope {
  /** "slipway-INSTANCE-i0123456-" */
  prefix: string;
  labels: Readonly<Record<string, string>>;
  /** Address in 127/8 that stands for the host's own. */
  address: string;
  /** Directory on this machine under which the shared directories lie. */
  root: string;
  /** Directories of the host that containers may mount, as absolute paths. */
  shared: readonly string[];
}

type Json = Record<string, unknown>;

const BUILT_IN_NETWORKS = new Set(['', 'default', 'bridge', 'host', 'none']);

export function scopedName(scope: HostScope, name: string): string {
  return /^[0-9a-f]{12,64}$/.test(name) || name.startsWith(scope.prefix) ? name : `${scope.prefix}${name}`;
}

export function plainName(scope: HostScope, name: string): string {
  return name.replace(new RegExp(`^(/?)${scope.prefix}`), '$1');
}

/** Source of a mount: a path of the host's disk becomes the one on this machine. A volume's name gets the prefix. */
export function mountSource(scope: HostScope, source: string): string {
  if (!source.startsWith('/')) return scopedName(scope, source);
  const shared = scope.shared.some((directory) => source === directory || source.startsWith(`${directory}/`));
  return shared ? `${scope.root}${source}` : source;
}

/** Body of POST /containers/create. */
export function scopeContainer(scope: HostScope, body: Json): Json {
  const host = (body.HostConfig ?? {}) as Json;
  const ports = (host.PortBindings ?? {}) as Record<string, { HostIp?: string; HostPort?: string }[] | null>;
  const published = Object.keys(ports).length > 0;
  const networkMode = networkOf(scope, String(host.NetworkMode ?? ''), published);
  const networking = body.NetworkingConfig as { EndpointsConfig?: Json } | undefined;
  return {
    ...body,
    Labels: { ...(body.Labels as Json | undefined), ...scope.labels },
    HostConfig: {
      ...host,
      NetworkMode: networkMode,
      PortBindings: Object.fromEntries(
        Object.entries(ports).map(([port, bindings]) => [port, (bindings ?? []).map((b) => publishedOn(scope, b))]),
      ),
      ...(Array.isArray(host.Binds) ? { Binds: host.Binds.map((bind) => scopeBind(scope, String(bind))) } : {}),
      ...(Array.isArray(host.Mounts) ? { Mounts: host.Mounts.map((mount) => scopeMount(scope, mount as Json)) } : {}),
    },
    ...(networking
      ? {
          NetworkingConfig: {
            ...networking,
            EndpointsConfig: scopeEndpoints(scope, networking.EndpointsConfig, networkMode),
          },
        }
      : {}),
  };
}

/**
 * The default bridge reaches everything that the host reaches. What the host reaches here is this machine's loopback, which no
 * bridge does: so a container that publishes nothing shares the host's network instead.
 */
function networkOf(scope: HostScope, mode: string, published: boolean): string {
  if (mode.startsWith('container:')) return `container:${scopedName(scope, mode.slice('container:'.length))}`;
  if (!BUILT_IN_NETWORKS.has(mode)) return scopedName(scope, mode);
  const bridge = mode === '' || mode === 'default' || mode === 'bridge';
  return bridge && !published ? 'host' : mode;
}

function scopeEndpoints(scope: HostScope, endpoints: Json | undefined, mode: string): Json {
  if (mode === 'host') return {};
  return Object.fromEntries(
    Object.entries(endpoints ?? {}).map(([name, v]) => [
      BUILT_IN_NETWORKS.has(name) ? name : scopedName(scope, name),
      v,
    ]),
  );
}

function publishedOn(scope: HostScope, binding: { HostIp?: string; HostPort?: string }) {
  const everywhere = !binding.HostIp || binding.HostIp === '0.0.0.0' || binding.HostIp === '127.0.0.1';
  return { ...binding, HostIp: everywhere ? scope.address : binding.HostIp };
}

function scopeBind(scope: HostScope, bind: string): string {
  const [source = '', ...rest] = bind.split(':');
  return [mountSource(scope, source), ...rest].join(':');
}

function scopeMount(scope: HostScope, mount: Json): Json {
  return typeof mount.Source === 'string' && mount.Source !== '' && mount.Type !== 'tmpfs'
    ? { ...mount, Source: mountSource(scope, mount.Source) }
    : mount;
}

/**
 * The `filters` parameter of a list or of events: only what is this host's, and names as they are here. By all labels, since a host's id
 * comes from the world: another local pipeline of this machine, or one that was killed, has a host of the same id.
 */
export function scopeFilters(scope: HostScope, filters: string | null): string {
  // Docker writes { name: ["x"] }, older clients { name: { x: true } }.
  const given = JSON.parse(filters || '{}') as Record<string, string[] | Record<string, boolean>>;
  const lists = Object.fromEntries(Object.entries(given).map(([k, v]) => [k, Array.isArray(v) ? v : Object.keys(v)]));
  if (lists.name) {
    lists.name = lists.name.map((name) =>
      name.replace(/^\^?\/?/, (start) => (start.startsWith('^') ? `^/?${scope.prefix}` : '')),
    );
  }
  if (lists.container) lists.container = lists.container.map((name) => scopedName(scope, name));
  lists.label = [...(lists.label ?? []), ...Object.entries(scope.labels).map(([key, value]) => `${key}=${value}`)];
  return JSON.stringify(lists);
}

/** An entry of a list, or what `inspect` says, with the names that the host knows. */
export function unscope(scope: HostScope, value: Json): Json {
  return {
    ...value,
    ...(Array.isArray(value.Names) ? { Names: value.Names.map((name) => plainName(scope, String(name))) } : {}),
    ...(typeof value.Name === 'string' ? { Name: plainName(scope, value.Name) } : {}),
  };
}
