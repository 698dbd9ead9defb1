import type { Service } from '../../lib/ecs/api.ts';
import { textOf } from '../../lib/ecs/json.ts';
import type { ServiceRef } from '../../lib/ecs/names.ts';
import { isGood, type Outcome } from '../../lib/outcome.ts';
import type { EcsDeployInputs } from './inputs.ts';
import type { Release } from './planned-release.ts';
import type { EcsDeployPorts } from './ports.ts';
import { preflight, preflightSummary, refusal } from './preflight/preflight.ts';
import { type Retained, retain, retentionSummary } from './retention/retain.ts';
import { isCodeDeploy } from './running.ts';
import type { End } from './summary.ts';
import { takeBack } from './take-back.ts';
import { stepsAfter, stepsBefore } from './tasks/from-inputs.ts';
import { failedStep, runSteps, tasksSummary } from './tasks/run-steps.ts';
import type { TaskEnd } from './tasks/run-task.ts';

export interface Subject {
  ref: ServiceRef;
  release: Release;
  /** As it is before the deployment. */
  service: Service;
}

/** What belongs to a deployment and is not the rollout: the look before it, the tasks before and after, the revisions that go. */
export class Beside {
  private sections = '';
  private readonly ends: TaskEnd[] = [];
  private retained: Retained | undefined;
  private readonly inputs: EcsDeployInputs;
  private readonly subject: Subject;
  private readonly ports: EcsDeployPorts;

  constructor(inputs: EcsDeployInputs, subject: Subject, ports: EcsDeployPorts) {
    this.inputs = inputs;
    this.subject = subject;
    this.ports = ports;
  }

  /** The outcome when the deployment cannot succeed; undefined when nothing speaks against it. */
  async preflight(): Promise<Outcome | undefined> {
    if (!this.inputs.preflight) return undefined;
    const { release, service } = this.subject;
    const region = this.ports.account?.region ?? '';
    const found = await preflight(release.definition, service, region, this.ports);
    this.sections += preflightSummary(found);
    return found.problems.length > 0 ? refusal(found.problems) : undefined;
  }

  /** Runs the tasks before the service is touched. @returns the outcome when one of them did not end well */
  async before(taskDefinition: string): Promise<Outcome | undefined> {
    const steps = stepsBefore(this.inputs, this.subject.release.definition);
    const failed = await this.runAll(steps, taskDefinition);
    return failed && failedStep(failed, 'before the deployment', 'the service was not touched');
  }

  /** Runs the tasks after a deployment that ended well, and lets old revisions go. */
  async after(taskDefinition: string, outcome: Outcome): Promise<Outcome> {
    if (!isGood(outcome)) return outcome;
    const steps = stepsAfter(this.inputs, this.subject.release.definition);
    const failed = await this.runAll(steps, taskDefinition);
    if (failed) return this.afterFailure(failed, taskDefinition);
    const keep = this.inputs['keep-revisions'];
    if (keep !== undefined) {
      const family = textOf(this.subject.release.definition.family);
      const also = [taskDefinition, this.subject.service.taskDefinition ?? '', ...this.inputs['protected-revisions']];
      this.retained = await retain({ family, keep, also }, this.ports);
    }
    return outcome;
  }

  /** Goes back where that was asked for and there is something to go back to; a cancelled run changes nothing more. */
  private async afterFailure(failed: TaskEnd, taskDefinition: string): Promise<Outcome> {
    const { service } = this.subject;
    const previous = service.taskDefinition ?? '';
    const back =
      this.inputs['rollback-on-failure'] &&
      failed.outcome.status !== 'stopped' &&
      previous !== '' &&
      previous !== taskDefinition &&
      !isCodeDeploy(service);
    if (!back) return failedStep(failed, 'after the deployment', 'the new revision serves');
    return takeBack(this.inputs, previous, failedStep(failed, 'after the deployment', ''), this.ports);
  }

  /** The end of the deployment, with what happened beside it. */
  end(taskDefinition: string, outcome: Outcome): End {
    const waited = this.ends.filter((e) => e.arn !== '');
    return {
      taskDefinition,
      outcome,
      running: new Map(),
      sections: this.sections + tasksSummary(this.ends) + retentionSummary(this.retained),
      outputs:
        waited.length > 0 ? { 'run-task-arn': JSON.stringify(waited.map((e) => e.arn)), ...this.lastLines() } : {},
    };
  }

  private async runAll(steps: Parameters<typeof runSteps>[0], taskDefinition: string): Promise<TaskEnd | undefined> {
    if (steps.length === 0) return undefined;
    const { ref, release, service } = this.subject;
    const context = { cluster: ref.cluster, taskDefinition, definition: release.definition, service };
    const { ends, failed } = await runSteps(steps, context, this.ports);
    this.ends.push(...ends);
    return failed;
  }

  /** The log of a task that failed is the log of the deployment. */
  private lastLines(): Record<string, string> {
    const failed = this.ends.find((e) => !isGood(e.outcome));
    return failed ? { log: failed.lines.join('\n') } : {};
  }
}
