import {
  CloudWatchClient,
  GetMetricDataCommand,
  type MetricDataQuery,
  type MetricDataResult,
} from '@aws-sdk/client-cloudwatch';
import { type AwsSettings, awsConfig, callAws } from '../../../lib/aws/client.ts';
import type { BalancerCounts, BalancerMetrics, Dimensions } from './metrics.ts';

const NAMESPACE = 'AWS/ApplicationELB';

/**
 * The counts of an Application Load Balancer. Names, dimensions and that a count of zero has no value at all: "CloudWatch metrics for
 * your Application Load Balancer".
 */
export function cloudWatchMetrics(settings: AwsSettings & { signal: AbortSignal }): BalancerMetrics {
  const client = new CloudWatchClient(awsConfig(settings));
  return {
    async counts(dimensions, from, to) {
      const queries = queriesFor(dimensions);
      const answer = await callAws(
        { operation: 'cloudwatch:GetMetricData', resource: `load balancer ${dimensions.loadBalancer}` },
        () =>
          client.send(
            new GetMetricDataCommand({
              MetricDataQueries: queries,
              StartTime: new Date(from),
              EndTime: new Date(to),
              ScanBy: 'TimestampAscending',
            }),
            { abortSignal: settings.signal },
          ),
      );
      return countsFrom(answer.MetricDataResults ?? [], queries);
    },
  };
}

/**
 * A metric that CloudWatch could not read has no values, just as one that counted nothing: only its status tells them apart.
 * Source: CloudWatch API reference, MetricDataResult.
 */
export function countsFrom(
  results: readonly MetricDataResult[],
  queries: readonly Pick<MetricDataQuery, 'Id'>[],
): BalancerCounts {
  const of = (id: string | undefined) => results.find((result) => result.Id === id);
  const sum = (id: string) => (of(id)?.Values ?? []).reduce((a, b) => a + b, 0);
  const unread = queries.find(({ Id }) => of(Id)?.StatusCode !== 'Complete');
  const last = of('requests')?.Timestamps?.at(-1);
  return {
    requests: sum('requests'),
    errors: sum('target') + sum('balancer'),
    ...(last && { lastMinute: last.getTime() }),
    ...(unread && { unread: `${unread.Id} is ${of(unread.Id)?.StatusCode ?? 'missing'}` }),
  };
}

/** What the load balancer answers by itself has no target group. */
function queriesFor({ loadBalancer, targetGroup }: Dimensions): MetricDataQuery[] {
  const metric = (id: string, name: string): MetricDataQuery => ({
    Id: id,
    MetricStat: {
      Metric: {
        Namespace: NAMESPACE,
        MetricName: name,
        Dimensions: [
          { Name: 'LoadBalancer', Value: loadBalancer },
          ...(targetGroup === undefined ? [] : [{ Name: 'TargetGroup', Value: targetGroup }]),
        ],
      },
      Period: 60,
      Stat: 'Sum',
    },
  });
  const queries = [metric('requests', 'RequestCount'), metric('target', 'HTTPCode_Target_5XX_Count')];
  return targetGroup === undefined ? [...queries, metric('balancer', 'HTTPCode_ELB_5XX_Count')] : queries;
}
