import type {
  GetMetricDataInput,
  GetMetricDataOutput,
  MetricDataQuery,
  MetricDataResult,
} from '@aws-sdk/client-cloudwatch';
import type { Balancer } from '../balancer/balancer.ts';
import { METRICS, type MetricName } from '../balancer/request-metrics.ts';
import type { LocalContext } from '../context.ts';
import { AwsFault, type AwsService } from './service.ts';

const NAMESPACE = 'AWS/ApplicationELB';
const PERIOD = 60;

type Deps = Pick<LocalContext, 'clock' | 'lag'> & { balancers: readonly Balancer[] };

/** CloudWatch metrics, as far as the load balancers' 5xx answers are read. Source: CloudWatch API reference, GetMetricData. */
export function createMonitoring(deps: Deps): AwsService {
  return {
    id: 'monitoring',
    operations: { GetMetricData: (input: GetMetricDataInput) => getMetricData(deps, input) },
  };
}

function getMetricData(deps: Deps, input: GetMetricDataInput): GetMetricDataOutput {
  const { StartTime, EndTime, MetricDataQueries = [] } = input;
  if (!StartTime || !EndTime || StartTime >= EndTime)
    throw invalid('The parameter StartTime must be less than the parameter EndTime.');
  if (input.NextToken !== undefined) throw notModelled('NextToken');
  const ids = MetricDataQueries.map(({ Id }) => Id);
  if (new Set(ids).size < ids.length) throw invalid('The values for parameter id in MetricDataQueries are not unique.');
  const results = MetricDataQueries.map((query) => resultOf(deps, query, StartTime.getTime(), EndTime.getTime()));
  const newestFirst = input.ScanBy !== 'TimestampAscending';
  return { MetricDataResults: newestFirst ? results.map(reversed) : results, Messages: [] };
}

function reversed(result: MetricDataResult): MetricDataResult {
  return { ...result, Timestamps: result.Timestamps?.toReversed(), Values: result.Values?.toReversed() };
}

function resultOf({ balancers, clock, lag }: Deps, query: MetricDataQuery, from: number, to: number): MetricDataResult {
  const { Id, Expression, MetricStat } = query;
  if (!/^[a-z][A-Za-z0-9_]*$/.test(Id ?? ''))
    throw invalid(`The value ${Id} for parameter MetricDataQueries.member.Id is invalid.`);
  if (Expression !== undefined || !MetricStat) throw notModelled('Expression');
  const { Metric, Period, Stat } = MetricStat;
  if (Period !== PERIOD) throw notModelled(`Period ${Period}`);
  if (Stat !== 'Sum') throw notModelled(`Stat ${Stat}`);
  const name = METRICS.find((known) => known === Metric?.MetricName);
  if (Metric?.Namespace !== NAMESPACE || name === undefined)
    throw notModelled(`metric ${Metric?.Namespace} ${Metric?.MetricName}`);
  const of = (dimension: string) => Metric.Dimensions?.find(({ Name }) => Name === dimension)?.Value;
  const values = valuesOf(balancers, name, of('LoadBalancer'), of('TargetGroup'), from, to);
  // A minute is published when it is over.
  const published = values.filter(
    ({ minute }) => minute + PERIOD * 1000 + lag.of('monitoring.publication', `${name} ${minute}`) <= clock.now(),
  );
  return {
    Id,
    Label: Metric.MetricName,
    StatusCode: 'Complete',
    Timestamps: published.map(({ minute }) => new Date(minute)),
    Values: published.map(({ count }) => count),
  };
}

/** Names that nobody has give an empty answer, as at AWS: a metric exists by its values. */
function valuesOf(
  balancers: readonly Balancer[],
  name: MetricName,
  balancer: string | undefined,
  group: string | undefined,
  from: number,
  to: number,
) {
  const found = balancers.find(({ arn }) => balancer !== undefined && arn.endsWith(`:loadbalancer/${balancer}`));
  if (!found) return [];
  if (group === undefined) return found.metrics.values('', name, from, to);
  const target = found.targetGroups.find(({ arn }) => arn.endsWith(`:${group}`));
  return target ? found.metrics.values(target.name, name, from, to) : [];
}

function invalid(message: string): AwsFault {
  return new AwsFault('InvalidParameterValue', message);
}

function notModelled(what: string): AwsFault {
  return new AwsFault('InvalidParameterValue', `local/ does not model ${what} of GetMetricData`);
}
