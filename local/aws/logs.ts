import type {
  CreateLogGroupRequest,
  DescribeLogGroupsRequest,
  DescribeLogStreamsRequest,
  FilterLogEventsRequest,
  GetLogEventsRequest,
} from '@aws-sdk/client-cloudwatch-logs';
import type { LocalContext } from '../context.ts';
import { filterOf } from '../logs/filter.ts';
import type { LogGroup, LogStream, StoredEvent } from '../logs/store.ts';
import { pageOf } from './page.ts';
import { AwsFault, type AwsService } from './service.ts';

const MOST_EVENTS = 10_000;

type LogsDeps = Pick<LocalContext, 'account' | 'region' | 'clock' | 'logs'>;

/** CloudWatch Logs over the log store. Source: CloudWatch Logs API reference. */
export function createLogs(deps: LogsDeps): AwsService {
  return { id: 'logs', operations: new Logs(deps).operations() };
}

class Logs {
  readonly #deps: LogsDeps;

  constructor(deps: LogsDeps) {
    this.#deps = deps;
  }

  operations(): AwsService['operations'] {
    return {
      CreateLogGroup: (input: CreateLogGroupRequest) => this.#createLogGroup(input),
      DescribeLogGroups: (input: DescribeLogGroupsRequest) => this.#describeLogGroups(input),
      DescribeLogStreams: (input: DescribeLogStreamsRequest) => this.#describeLogStreams(input),
      GetLogEvents: (input: GetLogEventsRequest) => this.#getLogEvents(input),
      FilterLogEvents: (input: FilterLogEventsRequest) => this.#filterLogEvents(input),
    };
  }

  #createLogGroup(input: CreateLogGroupRequest) {
    if (!this.#deps.logs.createGroup(String(input.logGroupName))) {
      throw new AwsFault('ResourceAlreadyExistsException', 'The specified log group already exists');
    }
    return {};
  }

  #describeLogGroups(input: DescribeLogGroupsRequest) {
    const wanted = (name: string) =>
      name.startsWith(input.logGroupNamePrefix ?? '') && name.includes(input.logGroupNamePattern ?? '');
    const groups = this.#deps.logs
      .groups()
      .filter(({ name }) => wanted(name))
      .sort((a, b) => a.name.localeCompare(b.name));
    const { items, ...rest } = pageOf(groups, { nextToken: input.nextToken, maxResults: input.limit, most: 50 });
    return {
      logGroups: items.map(({ name, createdAt }) => ({
        logGroupName: name,
        creationTime: createdAt,
        metricFilterCount: 0,
        storedBytes: 0,
        arn: `${this.#arnOf(name)}:*`,
        logGroupArn: this.#arnOf(name),
      })),
      ...rest,
    };
  }

  #describeLogStreams(input: DescribeLogStreamsRequest) {
    const group = this.#groupOf(input);
    const latest = (stream: LogStream) => this.#visible(stream, {}).at(-1)?.timestamp ?? 0;
    const streams = [...group.streams.values()].filter((s) => s.name.startsWith(input.logStreamNamePrefix ?? ''));
    streams.sort((a, b) => (input.orderBy === 'LastEventTime' ? latest(a) - latest(b) : a.name.localeCompare(b.name)));
    if (input.descending) streams.reverse();
    const { items, ...rest } = pageOf(streams, { nextToken: input.nextToken, maxResults: input.limit, most: 50 });
    return {
      logStreams: items.map((stream) => {
        const events = this.#visible(stream, {});
        return {
          logStreamName: stream.name,
          creationTime: stream.createdAt,
          firstEventTimestamp: events[0]?.timestamp,
          lastEventTimestamp: events.at(-1)?.timestamp,
          lastIngestionTime: events.at(-1)?.ingestedAt,
          arn: `${this.#arnOf(group.name)}:log-stream:${stream.name}`,
          storedBytes: 0,
        };
      }),
      ...rest,
    };
  }

  #getLogEvents(input: GetLogEventsRequest) {
    const stream = this.#groupOf(input).streams.get(String(input.logStreamName));
    if (stream === undefined)
      throw new AwsFault('ResourceNotFoundException', 'The specified log stream does not exist.');
    const events = this.#visible(stream, input);
    const limit = Math.min(input.limit ?? MOST_EVENTS, MOST_EVENTS);
    const page = turn(events, input, limit);
    // At either end the token comes back as it was given: that is how a reader knows.
    const given = tokenOf(input.nextToken);
    const first = page[0]?.sequence ?? given?.sequence ?? 0;
    const last = page.at(-1)?.sequence ?? given?.sequence ?? 0;
    return {
      events: byTime(page).map(({ timestamp, message, ingestedAt }) => ({
        timestamp,
        message,
        ingestionTime: ingestedAt,
      })),
      nextForwardToken: `f/${last}/s`,
      nextBackwardToken: `b/${first}/s`,
    };
  }

  #filterLogEvents(input: FilterLogEventsRequest) {
    const group = this.#groupOf(input);
    const matches = patternOf(input.filterPattern);
    const names = input.logStreamNames;
    const streams = [...group.streams.values()].filter(
      ({ name }) => (names?.includes(name) ?? true) && name.startsWith(input.logStreamNamePrefix ?? ''),
    );
    const found = streams.flatMap((stream) =>
      this.#visible(stream, input)
        .filter((e) => matches(e.message))
        .map((e) => ({ ...e, stream: stream.name })),
    );
    const { items, ...rest } = pageOf(byTime(found), {
      nextToken: input.nextToken,
      maxResults: input.limit,
      most: MOST_EVENTS,
    });
    return {
      events: items.map((e) => ({
        logStreamName: e.stream,
        timestamp: e.timestamp,
        message: e.message,
        ingestionTime: e.ingestedAt,
        eventId: String(e.sequence).padStart(56, '0'),
      })),
      searchedLogStreams: [],
      ...rest,
    };
  }

  #arnOf(group: string): string {
    const { account, region } = this.#deps;
    return `arn:aws:logs:${region}:${account}:log-group:${group}`;
  }

  #groupOf(input: { logGroupName?: string | undefined; logGroupIdentifier?: string | undefined }): LogGroup {
    const name = input.logGroupName ?? input.logGroupIdentifier?.replace(/^arn:.*:log-group:/, '').replace(/:\*$/, '');
    if (name === undefined) {
      throw new AwsFault(
        'InvalidParameterException',
        'Exactly one of logGroupName and logGroupIdentifier must be given.',
      );
    }
    const group = this.#deps.logs.group(name);
    if (group === undefined) throw new AwsFault('ResourceNotFoundException', 'The specified log group does not exist.');
    return group;
  }

  #visible(stream: LogStream, range: { startTime?: number | undefined; endTime?: number | undefined }): StoredEvent[] {
    const now = this.#deps.clock.now();
    const { startTime = 0, endTime = Number.POSITIVE_INFINITY } = range;
    return stream.events.filter((e) => e.visibleAt <= now && e.timestamp >= startTime && e.timestamp < endTime);
  }
}

function patternOf(pattern: string | undefined): (message: string) => boolean {
  try {
    return filterOf(pattern);
  } catch (error) {
    throw new AwsFault('InvalidParameterException', (error as Error).message);
  }
}

interface Token {
  direction: 'f' | 'b';
  sequence: number;
}

function tokenOf(token: string | undefined): Token | undefined {
  if (token === undefined) return undefined;
  const match = /^([fb])\/(\d+)\/s$/.exec(token);
  if (!match) throw new AwsFault('InvalidParameterException', 'The specified nextToken is invalid.');
  return { direction: match[1] as 'f' | 'b', sequence: Number(match[2]) };
}

/** The page that a token, or its absence, asks for. */
function turn(events: readonly StoredEvent[], input: GetLogEventsRequest, limit: number): StoredEvent[] {
  const token = tokenOf(input.nextToken);
  if (token?.direction === 'f') return events.filter((e) => e.sequence > token.sequence).slice(0, limit);
  if (token?.direction === 'b') return events.filter((e) => e.sequence < token.sequence).slice(-limit);
  return input.startFromHead ? events.slice(0, limit) : events.slice(-limit);
}

function byTime<T extends StoredEvent>(events: readonly T[]): T[] {
  return [...events].sort((a, b) => a.timestamp - b.timestamp || a.sequence - b.sequence);
}
