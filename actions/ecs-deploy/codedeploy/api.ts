import type { CodeDeployClient, DeploymentGroupInfo, DeploymentInfo, ECSTarget } from '@aws-sdk/client-codedeploy';
import { awsConfig, callAws } from '../../../lib/aws/client.ts';
import type { CredentialProvider } from '../../../lib/aws/renewal.ts';
import { Problem } from '../../../lib/errors.ts';

export type { DeploymentGroupInfo, DeploymentInfo, ECSTarget };

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
  deployment(id: string): Promise<DeploymentInfo>;
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

/** The client is loaded with the first call: most services are deployed by ECS itself. */
export function codeDeployApi({ region, signal, credentials }: CodeDeployOptions): CodeDeployApi {
  let loaded: Promise<{ sdk: typeof import('@aws-sdk/client-codedeploy'); client: CodeDeployClient }> | undefined;
  const load = () => {
    loaded ??= import('@aws-sdk/client-codedeploy').then((sdk) => ({
      sdk,
      client: new sdk.CodeDeployClient(awsConfig({ region, action: 'ecs-deploy', credentials })),
    }));
    return loaded;
  };
  return callsOf(load, signal);
}

type Load = () => Promise<{ sdk: typeof import('@aws-sdk/client-codedeploy'); client: CodeDeployClient }>;

function callsOf(load: Load, abortSignal: AbortSignal): CodeDeployApi {
  const options = { abortSignal };
  return {
    async group({ application, group }) {
      const { sdk, client } = await load();
      const command = new sdk.GetDeploymentGroupCommand({ applicationName: application, deploymentGroupName: group });
      const call = { operation: 'codedeploy:GetDeploymentGroup', resource: groupName({ application, group }) };
      const { deploymentGroupInfo } = await callAws(call, () => client.send(command, options));
      return deploymentGroupInfo ?? {};
    },

    async routing(config) {
      const { sdk, client } = await load();
      const command = new sdk.GetDeploymentConfigCommand({ deploymentConfigName: config });
      const call = { operation: 'codedeploy:GetDeploymentConfig', resource: `deployment configuration ${config}` };
      const { deploymentConfigInfo } = await callAws(call, () => client.send(command, options));
      const { timeBasedLinear, timeBasedCanary } = deploymentConfigInfo?.trafficRoutingConfig ?? {};
      if (timeBasedLinear)
        return {
          percent: timeBasedLinear.linearPercentage ?? 100,
          minutes: timeBasedLinear.linearInterval ?? 0,
          linear: true,
        };
      if (!timeBasedCanary) return undefined;
      const { canaryPercentage = 100, canaryInterval = 0 } = timeBasedCanary;
      return { percent: canaryPercentage, minutes: canaryInterval, linear: false };
    },

    async create({ application, group, content, sha256, description, config }) {
      const { sdk, client } = await load();
      const command = new sdk.CreateDeploymentCommand({
        applicationName: application,
        deploymentGroupName: group,
        revision: { revisionType: 'AppSpecContent', appSpecContent: { content, sha256 } },
        ...(description && { description }),
        ...(config && { deploymentConfigName: config }),
      });
      const call = { operation: 'codedeploy:CreateDeployment', resource: groupName({ application, group }) };
      try {
        const { deploymentId } = await callAws(call, () => client.send(command, options));
        if (deploymentId) return { id: deploymentId };
      } catch (error) {
        const active = activeDeployment(error);
        if (active === undefined) throw error;
        return { active };
      }
      throw new Problem({
        what: `${call.operation} on ${call.resource}`,
        cause: 'the answer holds no deployment',
        fix: 'Run it again; if it stays, look at the AWS Health Dashboard',
        kind: 'service',
      });
    },

    async deployment(id) {
      const { sdk, client } = await load();
      const call = { operation: 'codedeploy:GetDeployment', resource: `deployment ${id}` };
      const command = new sdk.GetDeploymentCommand({ deploymentId: id });
      const { deploymentInfo } = await callAws(call, () => client.send(command, options));
      return deploymentInfo ?? {};
    },

    async target(id) {
      const { sdk, client } = await load();
      const list = new sdk.ListDeploymentTargetsCommand({ deploymentId: id });
      const listing = { operation: 'codedeploy:ListDeploymentTargets', resource: `deployment ${id}` };
      const { targetIds } = await callAws(listing, () => client.send(list, options));
      const [targetId] = targetIds ?? [];
      if (targetId === undefined) return undefined;
      const command = new sdk.GetDeploymentTargetCommand({ deploymentId: id, targetId });
      const call = { operation: 'codedeploy:GetDeploymentTarget', resource: `target ${targetId} of deployment ${id}` };
      const { deploymentTarget } = await callAws(call, () => client.send(command, options));
      return deploymentTarget?.ecsTarget;
    },

    async stop(id) {
      const { sdk, client } = await load();
      const command = new sdk.StopDeploymentCommand({ deploymentId: id, autoRollbackEnabled: true });
      const call = { operation: 'codedeploy:StopDeployment', resource: `deployment ${id}` };
      await callAws(call, () => client.send(command, options));
    },

    async proceed(id) {
      const { sdk, client } = await load();
      const command = new sdk.ContinueDeploymentCommand({ deploymentId: id, deploymentWaitType: 'READY_WAIT' });
      const call = { operation: 'codedeploy:ContinueDeployment', resource: `deployment ${id}` };
      await callAws(call, () => client.send(command, options));
    },

    within: (signal) => callsOf(load, signal),
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
