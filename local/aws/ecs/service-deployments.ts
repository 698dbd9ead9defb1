import type {
  ContinueServiceDeploymentRequest,
  ContinueServiceDeploymentResponse,
  DescribeServiceDeploymentsRequest,
  DescribeServiceDeploymentsResponse,
  DescribeServiceRevisionsRequest,
  DescribeServiceRevisionsResponse,
  ListServiceDeploymentsRequest,
  ListServiceDeploymentsResponse,
  StopServiceDeploymentRequest,
  StopServiceDeploymentResponse,
} from '@aws-sdk/client-ecs';
import { pageOf } from '../page.ts';
import type { EcsCore } from './core.ts';
import { applyFact, rollbackCandidate } from './deployments.ts';
import { conflict, invalidParameter, notPlayedHere, serviceDeploymentNotFound } from './faults.ts';
import type { Service, ServiceDeployment } from './model.ts';
import { isEnded, REASONS } from './rollout.ts';
import { missing } from './state.ts';
import { serviceDeploymentBrief, serviceDeploymentView } from './views.ts';

const MOST_DESCRIBED = 20;

export function listServiceDeployments(
  core: EcsCore,
  input: ListServiceDeploymentsRequest,
): ListServiceDeploymentsResponse {
  const service = core.state.service(core.state.cluster(input.cluster), input.service ?? '');
  const now = core.context.clock.now();
  const { before, after } = input.createdAt ?? {};
  const found = service.serviceDeployments
    .filter(({ listedFrom }) => listedFrom <= now)
    .filter(({ status }) => !input.status || input.status.length === 0 || input.status.includes(status))
    .filter(({ createdAt }) => (!before || createdAt < before) && (!after || createdAt > after))
    .map((record) => serviceDeploymentBrief(service, record));
  const { items, ...rest } = pageOf(found, { ...input, maxResults: input.maxResults ?? 20, most: 100 });
  return { serviceDeployments: items, ...rest };
}

export function describeServiceDeployments(
  core: EcsCore,
  input: DescribeServiceDeploymentsRequest,
): DescribeServiceDeploymentsResponse {
  const arns = input.serviceDeploymentArns ?? [];
  if (arns.length === 0) throw invalidParameter('serviceDeploymentArns cannot be empty.');
  if (arns.length > MOST_DESCRIBED)
    throw invalidParameter(`Only ${MOST_DESCRIBED} service deployments can be described at a time.`);
  const found = arns.map((arn) => ({ arn, entry: find(core, arn) }));
  return {
    serviceDeployments: found.flatMap(({ entry }) =>
      entry ? [serviceDeploymentView(entry.service, entry.record)] : [],
    ),
    failures: found.flatMap(({ arn, entry }) => (entry ? [] : [missing(arn)])),
  };
}

export function describeServiceRevisions(
  core: EcsCore,
  input: DescribeServiceRevisionsRequest,
): DescribeServiceRevisionsResponse {
  const arns = input.serviceRevisionArns ?? [];
  if (arns.length === 0) throw invalidParameter('serviceRevisionArns cannot be empty.');
  if (arns.length > MOST_DESCRIBED)
    throw invalidParameter(`Only ${MOST_DESCRIBED} service revisions can be described at a time.`);
  const all = core.state.services.flatMap(({ revisions }) => revisions);
  const found = arns.map((arn) => ({
    arn,
    revision: all.find(({ serviceRevisionArn }) => serviceRevisionArn === arn),
  }));
  return {
    serviceRevisions: found.flatMap(({ revision }) => (revision ? [revision] : [])),
    failures: found.flatMap(({ arn, revision }) => (revision ? [] : [missing(arn)])),
  };
}

export function stopServiceDeployment(
  core: EcsCore,
  input: StopServiceDeploymentRequest,
): StopServiceDeploymentResponse {
  const arn = input.serviceDeploymentArn ?? '';
  const entry = find(core, arn);
  if (!entry) throw serviceDeploymentNotFound();
  if (input.stopType === 'ABORT') throw notPlayedHere('The stop type ABORT');
  const { service, record } = entry;
  if (isEnded(record.status)) {
    throw conflict(`The service deployment ${arn} cannot be stopped because its status is ${record.status}.`);
  }
  applyFact(core, service, record, { kind: 'stop', candidate: rollbackCandidate(service) !== undefined });
  core.onChange(service);
  return { serviceDeploymentArn: arn };
}

export function continueServiceDeployment(
  core: EcsCore,
  input: ContinueServiceDeploymentRequest,
): ContinueServiceDeploymentResponse {
  const arn = input.serviceDeploymentArn ?? '';
  const entry = find(core, arn);
  if (!entry) throw serviceDeploymentNotFound();
  const { service, record } = entry;
  const run = record.shift?.hooks.find(({ id }) => id === input.hookId);
  if (record.status !== 'IN_PROGRESS' || run?.status !== 'AWAITING_ACTION')
    throw invalidParameter(`The lifecycle hook ${input.hookId} of the service deployment is not awaiting an action.`);
  run.status = 'SUCCEEDED';
  if (input.action === 'ROLLBACK') {
    const candidate = rollbackCandidate(service) !== undefined;
    applyFact(core, service, record, { kind: 'hook', reason: REASONS.continuedRollback, candidate });
  }
  core.onChange(service);
  return { serviceDeploymentArn: arn };
}

function find(core: EcsCore, arn: string): { service: Service; record: ServiceDeployment } | undefined {
  for (const service of core.state.services) {
    const record = service.serviceDeployments.find((one) => one.arn === arn);
    if (record) return { service, record };
  }
  return undefined;
}
