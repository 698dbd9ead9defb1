import type { DeploymentConfigInfo, DeploymentGroupInfo, DeploymentInfo, ECSTarget } from '@aws-sdk/client-codedeploy';
import { callAws } from '../../../lib/aws/client.ts';
import type { AwsCall } from '../../../lib/aws/errors.ts';
import { type JsonService, jsonService } from '../../../lib/aws/json-service.ts';
import type { CredentialProvider } from '../../../lib/aws/renewal.ts';
import { isObject, type JsonObject } from '../../../lib/ecs/json.ts';
import { Problem } from '../../../lib/errors.ts';

// Types alone, of the SDK as it documents the service; nothing of it is loaded.
export type { DeploymentGroupInfo, ECSTarget };

/** A deployment; of its times only the first is used, in milliseconds since the epoch. */
export type FoundDeployment = Omit<DeploymentInfo, 'createTime'> & { createdAt?: number | undefined };

export interface GroupRef {
  application: string;
  group: string;
}

export interface NewDeployment extends GroupRef {
  /** The AppSpec, as JSON. */
  content: string;
  sha256: string;
  description?: string | undefined;
  config?: string | undefined;
}

/** What a deployment does in steps: percentage and minutes between two; undefined where all traffic moves at once. */
export interface Routing {
  percent: number;
  minutes: number;
  linear: boolean;
}

/** What the action asks of AWS CodeDeploy. Each call throws a Problem that names the permission or resource. */
export interface CodeDeployApi {
  group(ref: GroupRef): Promise<DeploymentGroupInfo>;
  routing(config: string): Promise<Routing | undefined>;
  /** @returns the id of the new deployment, or of the one that is in its way: a group has one at a time. */
  create(deployment: NewDeployment): Promise<{ id: string } | { active: string }>;
  /** @throws Problem kind `not-found` */
  deployment(id: string): Promise<FoundDeployment>;
  /** The service as the deployment's target; undefined as long as there is none. */
  target(id: string): Promise<ECSTarget | undefined>;
  /** Stops it and lets CodeDeploy go back. */
  stop(id: string): Promise<void>;
  /** Lets the traffic move that a deployment holds back. */
  proceed(id: string): Promise<void>;
  within(signal: AbortSignal): CodeDeployApi;
}

export interface CodeDeployOptions {
  region: string;
  signal: AbortSignal;
  credentials?: CredentialProvider | undefined;
}

/** Its own SDK client is not used: it would add as much to the bundles as all the rest of this. */
export function codeDeployApi({ region, signal, credentials }: CodeDeployOptions): CodeDeployApi {
  const target = { service: 'codedeploy', target: 'CodeDeploy_20141006' };
  const call = jsonService({ ...target, region, action: 'ecs-deploy', credentials });
  return callsOf(call, signal);
}

function callsOf(send: JsonService, signal: AbortSignal): CodeDeployApi {
  const call = (what: AwsCall, input: JsonObject): Promise<JsonObject> =>
    callAws(what, () => send(what.operation.replace('codedeploy:', ''), input, signal));
  return {
    async group({ application, group }) {
      const input = { applicationName: application, deploymentGroupName: group };
      const answer = await call(
        { operation: 'codedeploy:GetDeploymentGroup', resource: groupName({ application, group }) },
        input,
      );
      return (answer.deploymentGroupInfo ?? {}) as DeploymentGroupInfo;
    },

    async routing(config) {
      const resource = `deployment configuration ${config}`;
      const answer = await call(
        { operation: 'codedeploy:GetDeploymentConfig', resource },
        { deploymentConfigName: config },
      );
      const { trafficRoutingConfig } = (answer.deploymentConfigInfo ?? {}) as DeploymentConfigInfo;
      const { timeBasedLinear, timeBasedCanary } = trafficRoutingConfig ?? {};
      if (timeBasedLinear) {
        const { linearPercentage = 100, linearInterval = 0 } = timeBasedLinear;
        return { percent: linearPercentage, minutes: linearInterval, linear: true };
      }
      if (!timeBasedCanary) return undefined;
      const { canaryPercentage = 100, canaryInterval = 0 } = timeBasedCanary;
      return { percent: canaryPercentage, minutes: canaryInterval, linear: false };
    },

    async create({ application, group, content, sha256, description, config }) {
      const resource = groupName({ application, group });
      const input = {
        applicationName: application,
        deploymentGroupName: group,
        revision: { revisionType: 'AppSpecContent', appSpecContent: { content, sha256 } },
        ...(description && { description }),
        ...(config && { deploymentConfigName: config }),
      };
      try {
        const { deploymentId } = await call({ operation: 'codedeploy:CreateDeployment', resource }, input);
        if (typeof deploymentId === 'string') return { id: deploymentId };
      } catch (error) {
        const active = activeDeployment(error);
        if (active === undefined) throw error;
        return { active };
      }
      throw new Problem({
        what: `codedeploy:CreateDeployment on ${resource}`,
        cause: 'the answer holds no deployment',
        fix: 'Run it again; if it stays, look at the AWS Health Dashboard',
        kind: 'service',
      });
    },

    async deployment(id) {
      const { deploymentInfo } = await call(
        { operation: 'codedeploy:GetDeployment', resource: `deployment ${id}` },
        { deploymentId: id },
      );
      const { createTime, ...info } = isObject(deploymentInfo) ? deploymentInfo : {};
      const createdAt = typeof createTime === 'number' ? createTime * 1000 : undefined;
      return { ...(info as Omit<DeploymentInfo, 'createTime'>), createdAt };
    },

    async target(id) {
      const listing = await call(
        { operation: 'codedeploy:ListDeploymentTargets', resource: `deployment ${id}` },
        { deploymentId: id },
      );
      const [targetId] = (listing.targetIds ?? []) as string[];
      if (targetId === undefined) return undefined;
      const resource = `target ${targetId} of deployment ${id}`;
      const answer = await call(
        { operation: 'codedeploy:GetDeploymentTarget', resource },
        { deploymentId: id, targetId },
      );
      return isObject(answer.deploymentTarget) ? (answer.deploymentTarget.ecsTarget as ECSTarget) : undefined;
    },

    async stop(id) {
      const input = { deploymentId: id, autoRollbackEnabled: true };
      await call({ operation: 'codedeploy:StopDeployment', resource: `deployment ${id}` }, input);
    },

    async proceed(id) {
      const input = { deploymentId: id, deploymentWaitType: 'READY_WAIT' };
      await call({ operation: 'codedeploy:ContinueDeployment', resource: `deployment ${id}` }, input);
    },

    within: (other) => callsOf(send, other),
  };
}

export function groupName({ application, group }: GroupRef): string {
  return `deployment group ${application}/${group}`;
}

/**
 * The deployment that DeploymentLimitExceededException names: "The Deployment Group 'x' already has an active Deployment
 * 'd-ABC123'". No member of the exception carries it.
 */
export function activeDeployment(error: unknown): string | undefined {
  const { underlying } = error instanceof Problem ? error.parts : { underlying: error };
  if (!(underlying instanceof Error) || underlying.name !== 'DeploymentLimitExceededException') return undefined;
  return /'(d-[A-Z0-9]+)'/.exec(underlying.message)?.[1];
}
