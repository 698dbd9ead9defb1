export interface LogEvent {
  /** Milliseconds since the epoch, as the writer says. */
  timestamp: number;
  message: string;
}

export interface StoredEvent extends LogEvent {
  /** When it can be read: the moment it came in, plus the ingestion lag. */
  visibleAt: number;
  ingestedAt: number;
  /** Counts up over the whole store; the order of equal timestamps. */
  sequence: number;
}

export interface LogStream {
  name: string;
  createdAt: number;
  events: readonly StoredEvent[];
}

export interface LogGroup {
  name: string;
  createdAt: number;
  streams: ReadonlyMap<string, LogStream>;
}

export interface LogStore {
  /** Makes the group; false when it exists already. */
  createGroup(group: string): boolean;
  /** Makes group and stream as they are needed, as the log drivers do with `awslogs-create-group`. */
  append(group: string, stream: string, event: LogEvent): void;
  group(name: string): LogGroup | undefined;
  groups(): readonly LogGroup[];
}

export interface LogStoreOptions {
  now(): number;
  /** Milliseconds until an event can be read. */
  ingestionLag(group: string): number;
  /** The newest events that a stream keeps. */
  keep?: number;
  onAppend?(group: string, stream: string, event: LogEvent): void;
}

interface MutableStream extends LogStream {
  events: StoredEvent[];
}

export function createLogStore(options: LogStoreOptions): LogStore {
  const groups = new Map<string, { name: string; createdAt: number; streams: Map<string, MutableStream> }>();
  const keep = options.keep ?? 20_000;
  let sequence = 0;

  function ensure(name: string) {
    let group = groups.get(name);
    if (group === undefined) {
      group = { name, createdAt: options.now(), streams: new Map() };
      groups.set(name, group);
    }
    return group;
  }

  return {
    createGroup(name) {
      if (groups.has(name)) return false;
      ensure(name);
      return true;
    },
    append(groupName, streamName, event) {
      const group = ensure(groupName);
      const now = options.now();
      let stream = group.streams.get(streamName);
      if (stream === undefined) {
        stream = { name: streamName, createdAt: now, events: [] };
        group.streams.set(streamName, stream);
      }
      // Events become visible in the order they came in, however the lags are drawn.
      const earliest = stream.events.at(-1)?.visibleAt ?? 0;
      const visibleAt = Math.max(earliest, now + options.ingestionLag(groupName));
      stream.events.push({ ...event, ingestedAt: now, visibleAt, sequence: ++sequence });
      if (stream.events.length > keep) stream.events.splice(0, stream.events.length - keep);
      options.onAppend?.(groupName, streamName, event);
    },
    group: (name) => groups.get(name),
    groups: () => [...groups.values()],
  };
}
