import type { Clock } from '../../../lib/clock.ts';
import { messageOf } from '../../../lib/errors.ts';
import type { Engine, EngineEvent, RegistryAuth } from '../../engine/engine.ts';
import { ensurePauseImage, tinyProgram } from '../../engine/tiny-program.ts';
import type { EcsFault } from '../../faults.ts';
import type { Lag } from '../../lag.ts';
import type { LogStore } from '../../logs/store.ts';
import { atLeast, type StopCause, type Task, type TaskContainer, type TaskState } from './model.ts';
import {
  cannotPull,
  cannotReadSecret,
  cannotStart,
  ESSENTIAL_EXITED,
  exitReason,
  missingImage,
} from './stop-reasons.ts';
import { mayStart, type PlannedContainer, type Progress, planTask } from './task-plan.ts';

/** Where images of a registry come from; others are used when the engine has them. */
export interface ImageSource {
  /** host:port of the registry, the first part of its images' names. */
  host: string;
  pullCredentials(): RegistryAuth | Promise<RegistryAuth>;
}

export interface TaskRunnerDeps {
  engine: Engine;
  clock: Clock;
  lag: Lag;
  logs: LogStore;
  region: string;
  registry: ImageSource | undefined;
  /** The value of a parameter that a container definition's `secrets` names. Rejects when it cannot be read. */
  secret(valueFrom: string): string | Promise<string>;
  fault(name: EcsFault, task: Task, image: string): boolean;
  healthTimeScale: number;
  /** After each change that the API or the scheduler would see. */
  changed(task: Task): void;
  /** The task's containers run: register it where it takes requests. */
  activate(task: Task): void;
  /** Before its containers are stopped: take it out of service. `alive` says whether it can still serve what it has begun. */
  deactivate(task: Task, alive: boolean): Promise<void>;
}

/** Milliseconds that a task without any health check must stay up before it counts as RUNNING. */
const SETTLE_MS = 1000;
const LINES_KEPT = 50;

interface Running {
  task: Task;
  planned: PlannedContainer[];
  launched: Promise<void>;
  ends: Promise<void>[];
}

/** Turns tasks into containers, and what happens to these into states of the task. */
export class TaskRunner {
  readonly #deps: TaskRunnerDeps;
  readonly #running = new Map<Task, Running>();
  readonly #byEngineId = new Map<string, { task: Task; container: TaskContainer }>();
  readonly #closing = new AbortController();

  constructor(deps: TaskRunnerDeps) {
    this.#deps = deps;
    void deps.engine.events((event) => this.#onEvent(event), this.#closing.signal);
  }

  /** Begins the task; what becomes of it is told by `changed`. */
  launch(task: Task): void {
    const { engine, region, healthTimeScale } = this.#deps;
    const volumePrefix = `slipway-${engine.instance}-${task.id.slice(0, 12)}-`;
    const planned = planTask(task.taskDefinition.definition, task.overrides, {
      region,
      volumePrefix,
      healthTimeScale,
    });
    const entry: Running = { task, planned, launched: Promise.resolve(), ends: [] };
    this.#running.set(task, entry);
    entry.launched = this.#launch(entry).catch((error) =>
      this.#failed(task, { code: 'TaskFailedToStart', reason: messageOf(error) }),
    );
  }

  /** Stops the task for this cause; the first cause counts. Resolves when it is STOPPED. */
  async stop(task: Task, cause: StopCause, alive = true): Promise<void> {
    if (task.desired === 'STOPPED') return;
    task.desired = 'STOPPED';
    task.cause = cause;
    task.stoppingAt = this.#date();
    const entry = this.#running.get(task);
    const served = atLeast(task.state, 'ACTIVATING');
    if (served) this.#advance(task, 'DEACTIVATING');
    else this.#deps.changed(task);
    if (served) await this.#deps.deactivate(task, alive);
    this.#advance(task, 'STOPPING');
    await entry?.launched;
    await Promise.all(task.containers.map((container) => this.#stopContainer(entry, container)));
    await Promise.all(entry?.ends ?? []);
    task.executionStoppedAt = this.#date();
    this.#advance(task, 'DEPROVISIONING');
    await this.#cleanUp(task, entry);
    await this.#deps.clock.sleep(this.#deps.lag.of('ecs.taskStop', task.service?.name));
    task.stoppedAt = this.#date();
    this.#running.delete(task);
    this.#advance(task, 'STOPPED');
  }

  close(): void {
    this.#closing.abort();
  }

  async #launch(entry: Running): Promise<void> {
    const { task } = entry;
    const { clock, lag } = this.#deps;
    await clock.sleep(lag.of('ecs.taskStart', task.service?.name));
    if (task.desired === 'STOPPED') return;
    this.#advance(task, 'PENDING');
    if (!(await this.#pullAll(entry)) || task.desired !== 'RUNNING') return;
    for (const volume of volumesOf(entry)) await this.#deps.engine.createVolume(volume);
    const network = await this.#network(entry);
    if (!(await this.#startAll(entry, network)) || task.desired !== 'RUNNING') return;
    this.#advance(task, 'ACTIVATING');
    this.#deps.activate(task);
    const watched = task.targets.length > 0 || task.containers.some(({ checksHealth }) => checksHealth);
    if (!watched && task.service) await clock.sleep(SETTLE_MS);
    if (task.desired !== 'RUNNING') return;
    task.startedAt = this.#date();
    this.#advance(task, 'RUNNING');
  }

  async #pullAll({ task, planned }: Running): Promise<boolean> {
    task.pullStartedAt = this.#date();
    for (const { name, image } of planned) {
      const container = task.containers.find((one) => one.name === name);
      try {
        const digest = await this.#pull(task, image);
        if (container) container.imageDigest = digest;
      } catch (error) {
        const reason = cannotPull(image, error);
        if (container) container.reason = reason;
        task.pullStoppedAt = this.#date();
        this.#failed(task, { code: 'TaskFailedToStart', reason });
        return false;
      }
    }
    task.pullStoppedAt = this.#date();
    this.#deps.changed(task);
    return true;
  }

  async #pull(task: Task, image: string): Promise<string | undefined> {
    const { engine, registry, fault } = this.#deps;
    if (fault('image-missing', task, image)) throw missingImage(image);
    if (registry && image.startsWith(`${registry.host}/`)) await engine.pull(image, await registry.pullCredentials());
    else if (!(await engine.image(image))) await engine.pull(image);
    const at = image.indexOf('@');
    if (at >= 0) return image.slice(at + 1);
    const digests = (await engine.image(image))?.digests ?? [];
    const repository = image.replace(/:[^:/]+$/, '');
    return digests.find((digest) => digest.startsWith(`${repository}@`))?.split('@')[1];
  }

  /** Containers of one task share an address (awsvpc): a waiting container holds it when there are several. */
  async #network({ task, planned }: Running): Promise<string | undefined> {
    if (planned.length < 2) return undefined;
    const { engine } = this.#deps;
    const ports = planned.flatMap(({ spec }) => spec.ports ?? []);
    const image = await ensurePauseImage(engine);
    const holder = await engine.run({ name: this.#name(task, 'network'), image, ports, labels: labelsOf(task) });
    task.engineIds.unshift(holder.id);
    task.ip = holder.ip;
    for (const container of task.containers) bind(container, holder.ports, planned);
    return `container:${holder.id}`;
  }

  async #startAll(entry: Running, network: string | undefined): Promise<boolean> {
    const { task, planned } = entry;
    const waiting = new Set(planned);
    while (waiting.size > 0 && task.desired === 'RUNNING') {
      const progress = progressOf(task);
      const ready = [...waiting].filter(({ dependsOn }) => mayStart(dependsOn, progress) === 'now');
      const hopeless = [...waiting].find(({ dependsOn }) => mayStart(dependsOn, progress) === 'never');
      if (hopeless) {
        const reason = `Container '${hopeless.name}' could not start: a container that it depends on failed`;
        this.#failed(task, { code: 'TaskFailedToStart', reason });
        return false;
      }
      for (const container of ready) {
        waiting.delete(container);
        if (!(await this.#start(entry, container, network))) return false;
      }
      if (ready.length === 0) await this.#deps.clock.sleep(50);
    }
    return true;
  }

  async #start(entry: Running, planned: PlannedContainer, network: string | undefined): Promise<boolean> {
    const { task } = entry;
    const container = task.containers.find(({ name }) => name === planned.name);
    if (!container) return true;
    try {
      const env = { ...planned.spec.env, ...(await this.#secrets(planned)) };
      const spec = await this.#withFault(task, planned, { ...planned.spec, env });
      const id = await this.#deps.engine.create({
        ...spec,
        ...(network ? { network, ports: [] } : {}),
        name: this.#name(task, planned.name),
        image: planned.image,
        labels: labelsOf(task),
      });
      task.engineIds.push(id);
      container.engineId = id;
      this.#byEngineId.set(id, { task, container });
      await this.#deps.engine.start(id);
      const state = await this.#deps.engine.inspect(id);
      container.state = 'RUNNING';
      if (!network) {
        task.ip = state.ip;
        bind(container, state.ports, [planned]);
      }
      entry.ends.push(this.#follow(task, container, id));
      return true;
    } catch (error) {
      const reason = error instanceof SecretUnreadable ? error.message : cannotStart(error);
      container.reason = reason;
      this.#failed(task, { code: 'TaskFailedToStart', reason });
      return false;
    }
  }

  async #secrets({ secrets }: PlannedContainer): Promise<Record<string, string>> {
    const values: Record<string, string> = {};
    for (const { name, valueFrom } of secrets) {
      try {
        values[name] = await this.#deps.secret(valueFrom);
      } catch (error) {
        throw new SecretUnreadable(cannotReadSecret(valueFrom, messageOf(error)));
      }
    }
    return values;
  }

  async #withFault(
    task: Task,
    { essential, image }: PlannedContainer,
    spec: PlannedContainer['spec'],
  ): Promise<PlannedContainer['spec']> {
    if (!essential) return spec;
    const { engine, fault } = this.#deps;
    const crash = fault('crash-loop', task, image);
    if (!crash && !fault('never-healthy', task, image)) return spec;
    const { architecture } = await engine.ping();
    const content = tinyProgram(crash ? 'exit-1' : 'wait-for-ever', architecture);
    return {
      ...spec,
      entryPoint: ['/slipway-fault'],
      command: [],
      readonlyRoot: false,
      files: { 'slipway-fault': { content, mode: 0o755 } },
    };
  }

  /** Reads the log and waits for the end of one container. */
  async #follow(task: Task, container: TaskContainer, id: string): Promise<void> {
    const { engine, logs } = this.#deps;
    const lines = engine
      .followLogs(
        id,
        ({ message, timestamp }) => {
          if (container.log) logs.append(container.log.group, container.log.stream, { message, timestamp });
          task.lastLines.push(message);
          if (task.lastLines.length > LINES_KEPT) task.lastLines.shift();
        },
        this.#closing.signal,
      )
      .catch(() => undefined);
    const code = await engine.wait(id).catch(() => undefined);
    if (this.#closing.signal.aborted) return;
    await Promise.race([lines, this.#deps.clock.sleep(1000)]);
    const state = await engine.inspect(id).catch(() => undefined);
    container.exitCode = code ?? state?.exitCode;
    container.reason ??= exitReason(state?.oomKilled ?? false);
    container.state = 'STOPPED';
    if (container.checksHealth && container.health === 'HEALTHY') container.health = 'UNKNOWN';
    this.#deps.changed(task);
    if (container.essential)
      void this.stop(
        task,
        ESSENTIAL_EXITED,
        task.containers.some((one) => one.essential && one.state === 'RUNNING'),
      );
  }

  async #stopContainer(entry: Running | undefined, container: TaskContainer): Promise<void> {
    const id = container.engineId;
    if (!id || container.state === 'STOPPED') {
      container.state = 'STOPPED';
      return;
    }
    const grace = entry?.planned.find(({ name }) => name === container.name)?.stopSeconds ?? 0;
    await this.#deps.engine.stop(id, grace).catch(() => this.#deps.engine.kill(id).catch(() => undefined));
  }

  async #cleanUp(task: Task, entry: Running | undefined): Promise<void> {
    const { engine } = this.#deps;
    for (const id of [...task.engineIds].reverse()) {
      this.#byEngineId.delete(id);
      await engine.remove(id).catch(() => undefined);
    }
    for (const volume of entry ? volumesOf(entry) : []) await engine.removeVolume(volume).catch(() => undefined);
  }

  #failed(task: Task, cause: StopCause): void {
    if (!this.#closing.signal.aborted) void this.stop(task, cause, false);
  }

  #onEvent({ id, action }: EngineEvent): void {
    const known = this.#byEngineId.get(id);
    if (!known || (action !== 'healthy' && action !== 'unhealthy')) return;
    known.container.health = action === 'healthy' ? 'HEALTHY' : 'UNHEALTHY';
    this.#deps.changed(known.task);
  }

  #advance(task: Task, state: TaskState): void {
    if (atLeast(task.state, state)) return;
    task.state = state;
    task.version++;
    this.#deps.changed(task);
  }

  #name(task: Task, container: string): string {
    return `slipway-${this.#deps.engine.instance}-${task.taskDefinition.family}-${task.id.slice(0, 12)}-${container}`;
  }

  #date(): Date {
    return new Date(this.#deps.clock.now());
  }
}

class SecretUnreadable extends Error {}

function volumesOf({ planned }: Running): Set<string> {
  return new Set(planned.flatMap(({ spec }) => (spec.binds ?? []).map((bound) => bound.split(':')[0] ?? '')));
}

function labelsOf(task: Task): Record<string, string> {
  return {
    'slipway.ecs.cluster': task.cluster.name,
    'slipway.ecs.group': task.group,
    'slipway.ecs.task': task.id,
  };
}

function progressOf(task: Task): Map<string, Progress> {
  return new Map(
    task.containers.map(({ name, engineId, state, exitCode, health }) => [
      name,
      {
        started: engineId !== undefined && state !== 'PENDING',
        exitCode: state === 'STOPPED' ? exitCode : undefined,
        health,
      },
    ]),
  );
}

function bind(
  container: TaskContainer,
  ports: Readonly<Record<string, number>>,
  planned: readonly PlannedContainer[],
): void {
  const own = planned.find(({ name }) => name === container.name)?.spec.ports ?? [];
  container.bindings = own.flatMap(({ containerPort, protocol }) => {
    const hostPort = ports[`${containerPort}/${protocol ?? 'tcp'}`];
    return hostPort === undefined
      ? []
      : [{ bindIP: '127.0.0.1', containerPort, hostPort, protocol: protocol ?? 'tcp' }];
  });
}
