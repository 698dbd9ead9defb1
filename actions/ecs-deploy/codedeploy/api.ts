import type { DeploymentGroupInfo, DeploymentInfo, ECSTarget } from '@aws-sdk/client-codedeploy';
import type { CredentialProvider } from '../../../lib/aws/client.ts';
import { awsConfig, callAws } from '../../../lib/aws/client.ts';
import { Problem } from '../../../lib/errors.ts';

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

/** The client is loaded with the first call: most services are not deployed by CodeDeploy. */
export function codeDeployApi({ region, signal, credentials }: CodeDeployOptions): CodeDeployApi {
  let made: ReturnType<typeof load> | undefined;
  return callsOf(() => {
    made ??= load({ region, credentials });
    return made;
  }, signal);
}

async function load({ region, credentials }: Pick<CodeDeployOptions, 'region' | 'credentials'>) {
  // Taken apart at once, so that the bundler sees what is used of it.
  const {
    CodeDeployClient,
    ContinueDeploymentCommand,
    CreateDeploymentCommand,
    GetDeploymentCommand,
    GetDeploymentConfigCommand,
    GetDeploymentGroupCommand,
    GetDeploymentTargetCommand,
    ListDeploymentTargetsCommand,
    StopDeploymentCommand,
  } = await import('@aws-sdk/client-codedeploy');
  return {
    client: new CodeDeployClient(awsConfig({ region, action: 'ecs-deploy', credentials })),
    ContinueDeploymentCommand,
    CreateDeploymentCommand,
    GetDeploymentCommand,
    GetDeploymentConfigCommand,
    GetDeploymentGroupCommand,
    GetDeploymentTargetCommand,
    ListDeploymentTargetsCommand,
    StopDeploymentCommand,
  };
}

function callsOf(sdk: () => ReturnType<typeof load>, signal: AbortSignal): CodeDeployApi {
  const options = { abortSignal: signal };
  return {
    async group({ application, group }) {
      const { client, GetDeploymentGroupCommand } = await sdk();
      const command = new GetDeploymentGroupCommand({ applicationName: application, deploymentGroupName: group });
      const call = { operation: 'codedeploy:GetDeploymentGroup', resource: groupName({ application, group }) };
      const { deploymentGroupInfo } = await callAws(call, () => client.send(command, options));
      return deploymentGroupInfo ?? {};
    },

    async routing(config) {
      const { client, GetDeploymentConfigCommand } = await sdk();
      const command = new GetDeploymentConfigCommand({ deploymentConfigName: config });
      const call = { operation: 'codedeploy:GetDeploymentConfig', resource: `deployment configuration ${config}` };
      const { deploymentConfigInfo } = await callAws(call, () => client.send(command, options));
      const { timeBasedLinear, timeBasedCanary } = deploymentConfigInfo?.trafficRoutingConfig ?? {};
      if (timeBasedLinear) {
        const { linearPercentage = 100, linearInterval = 0 } = timeBasedLinear;
        return { percent: linearPercentage, minutes: linearInterval, linear: true };
      }
      if (!timeBasedCanary) return undefined;
      const { canaryPercentage = 100, canaryInterval = 0 } = timeBasedCanary;
      return { percent: canaryPercentage, minutes: canaryInterval, linear: false };
    },

    async create({ application, group, content, sha256, description, config }) {
      const { client, CreateDeploymentCommand } = await sdk();
      const resource = groupName({ application, group });
      const command = new CreateDeploymentCommand({
        applicationName: application,
        deploymentGroupName: group,
        revision: { revisionType: 'AppSpecContent', appSpecContent: { content, sha256 } },
        ...(description && { description }),
        ...(config && { deploymentConfigName: config }),
      });
      try {
        const call = { operation: 'codedeploy:CreateDeployment', resource };
        const { deploymentId } = await callAws(call, () => client.send(command, options));
        if (deploymentId !== undefined) return { id: deploymentId };
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
      const { client, GetDeploymentCommand } = await sdk();
      const call = { operation: 'codedeploy:GetDeployment', resource: `deployment ${id}` };
      const command = new GetDeploymentCommand({ deploymentId: id });
      const { deploymentInfo } = await callAws(call, () => client.send(command, options));
      const { createTime, ...info } = deploymentInfo ?? {};
      return { ...info, createdAt: createTime?.getTime() };
    },

    async target(id) {
      const { client, GetDeploymentTargetCommand, ListDeploymentTargetsCommand } = await sdk();
      const list = { operation: 'codedeploy:ListDeploymentTargets', resource: `deployment ${id}` };
      const listing = new ListDeploymentTargetsCommand({ deploymentId: id });
      const { targetIds } = await callAws(list, () => client.send(listing, options));
      const [targetId] = targetIds ?? [];
      if (targetId === undefined) return undefined;
      const call = { operation: 'codedeploy:GetDeploymentTarget', resource: `target ${targetId} of deployment ${id}` };
      const command = new GetDeploymentTargetCommand({ deploymentId: id, targetId });
      const { deploymentTarget } = await callAws(call, () => client.send(command, options));
      return deploymentTarget?.ecsTarget;
    },

    async stop(id) {
      const { client, StopDeploymentCommand } = await sdk();
      const command = new StopDeploymentCommand({ deploymentId: id, autoRollbackEnabled: true });
      const call = { operation: 'codedeploy:StopDeployment', resource: `deployment ${id}` };
      await callAws(call, () => client.send(command, options));
    },

    async proceed(id) {
      const { client, ContinueDeploymentCommand } = await sdk();
      const command = new ContinueDeploymentCommand({ deploymentId: id, deploymentWaitType: 'READY_WAIT' });
      const call = { operation: 'codedeploy:ContinueDeployment', resource: `deployment ${id}` };
      await callAws(call, () => client.send(command, options));
    },

    within: (other) => callsOf(sdk, other),
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
