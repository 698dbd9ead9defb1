import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../../lib/clock.ts';
import { Refusal } from './scripted-ecs.ts';

type Answer = Record<string, unknown>;

/** What a moment of the deployment looks like. */
export interface CodeDeployMoment {
  status: string;
  error?: { code: string; message: string };
  rollback?: string;
  /** Lifecycle events by name. */
  events?: Record<string, string>;
  /** Percentage of the traffic that the new task set has. */
  weight?: number;
  running?: number;
  message?: string;
  terminating?: boolean;
}

export interface CodeDeployScript {
  /** The state of d-OWN; called with the time since CreateDeployment. */
  deployment(ms: number): CodeDeployMoment;
  /** The state of the deployment that takes it back. */
  rollback?(ms: number): string;
  /** Members of the deployment group. */
  group?: Answer;
  autoRollback?: { enabled: boolean; events: string[] };
  /** An AppSpec that is being deployed when the script begins, by deployment d-OWN. */
  underWay?: { content: string };
  before?: Record<string, (input: Answer) => Answer | undefined>;
}

export interface ScriptedCodeDeploy {
  url: string;
  calls: { operation: string; input: Answer }[];
  count(operation: string): number;
  /** The AppSpec that was deployed. */
  appSpec(): Answer | undefined;
  close(): Promise<void>;
}

export const ROLLBACK = 'd-BACK';
export const OWN = 'd-OWN1';

/** A CodeDeploy that plays one deployment, speaking the service's own protocol. */
export async function scriptedCodeDeploy(clock: Clock, script: CodeDeployScript): Promise<ScriptedCodeDeploy> {
  const calls: ScriptedCodeDeploy['calls'] = [];
  const state = {
    at: script.underWay ? clock.now() : undefined,
    content: script.underWay?.content ?? '',
  };
  const handlers = handlersOf(clock, script, state);
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const operation = String(request.headers['x-amz-target']).replace('CodeDeploy_20141006.', '');
    const input = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Answer;
    calls.push({ operation, input });
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    try {
      const answer = script.before?.[operation]?.(input) ?? handlers[operation]?.(input);
      if (!answer) throw new Refusal('UnknownOperationException', operation);
      response.end(JSON.stringify(answer));
    } catch (error) {
      const { code, message, status } =
        error instanceof Refusal ? error : new Refusal('ServerException', String(error), 500);
      response.statusCode = status;
      response.end(JSON.stringify({ __type: code, message }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    count: (operation) => calls.filter((c) => c.operation === operation).length,
    appSpec: () => (state.content === '' ? undefined : (JSON.parse(state.content) as Answer)),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function handlersOf(
  clock: Clock,
  script: CodeDeployScript,
  state: { at: number | undefined; content: string },
): Record<string, (input: Answer) => Answer | undefined> {
  const since = () => clock.now() - (state.at ?? clock.now());
  const revision = () => ({ revisionType: 'AppSpecContent', appSpecContent: { content: state.content } });
  return {
    GetDeploymentGroup: () => ({
      deploymentGroupInfo: {
        deploymentConfigName: 'CodeDeployDefault.ECSAllAtOnce',
        ...(state.at !== undefined && {
          lastAttemptedDeployment: { deploymentId: OWN, status: script.deployment(since()).status },
        }),
        ...script.group,
      },
    }),
    CreateDeployment: (input) => {
      const { appSpecContent } = input.revision as { appSpecContent: { content: string } };
      state.at = clock.now();
      state.content = appSpecContent.content;
      return { deploymentId: OWN };
    },
    GetDeployment: (input) => {
      if (input.deploymentId === ROLLBACK)
        return { deploymentInfo: { deploymentId: ROLLBACK, status: script.rollback?.(since()) } };
      const m = script.deployment(since());
      return {
        deploymentInfo: {
          deploymentId: OWN,
          status: m.status,
          revision: revision(),
          createTime: (state.at ?? 0) / 1000,
          instanceTerminationWaitTimeStarted: m.terminating ?? false,
          ...(m.error && { errorInformation: m.error }),
          ...(m.rollback && { rollbackInfo: { rollbackDeploymentId: m.rollback } }),
          ...(script.autoRollback && { autoRollbackConfiguration: script.autoRollback }),
        },
      };
    },
    ListDeploymentTargets: () => ({ targetIds: ['sample:web'] }),
    GetDeploymentTarget: (input) => {
      const { events = {}, weight, running = 0, message } = script.deployment(since());
      return {
        deploymentTarget: {
          deploymentTargetType: 'ECSTarget',
          ecsTarget: {
            deploymentId: input.deploymentId,
            targetId: input.targetId,
            lifecycleEvents: Object.entries(events).map(([lifecycleEventName, status]) => ({
              lifecycleEventName,
              status,
              ...(message && status === 'Failed' && { diagnostics: { errorCode: 'UnknownError', message } }),
            })),
            taskSetsInfo: [
              { taskSetLabel: 'Blue', status: 'PRIMARY', runningCount: 2, desiredCount: 2 },
              {
                taskSetLabel: 'Green',
                status: 'ACTIVE',
                runningCount: running,
                desiredCount: 2,
                trafficWeight: weight,
              },
            ],
          },
        },
      };
    },
    StopDeployment: () => ({ status: 'Pending' }),
    ContinueDeployment: () => ({}),
  };
}
