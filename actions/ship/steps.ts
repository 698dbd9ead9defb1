import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { regionFrom } from '../../lib/aws/client.ts';
import { renewingCredentials } from '../../lib/aws/renewal.ts';
import { systemClock } from '../../lib/clock.ts';
import { type Configured, type Defaults, withDefaults } from '../../lib/config/action.ts';
import { type ImageToBuild, imagesOf } from '../../lib/config/defaults.ts';
import type { EnvironmentView } from '../../lib/config/load.ts';
import { type ReferencePorts, resolve as resolveReference } from '../../lib/config/references.ts';
import type { AppComponent } from '../../lib/config/schema.ts';
import { Problem } from '../../lib/errors.ts';
import { type InputFields, type Inputs, readInputs } from '../../lib/inputs.ts';
import { recordingLog } from '../../lib/log.ts';
import { isGood } from '../../lib/outcome.ts';
import type { Report } from '../../lib/report.ts';
import type { Edge } from '../../lib/runner.ts';
import { defaults as buildDefaults } from '../ecr-build-push/defaults.ts';
import { fields as buildFields } from '../ecr-build-push/inputs.ts';
import { defaults as ecsDefaults } from '../ecs-deploy/defaults.ts';
import { fields as ecsFields } from '../ecs-deploy/inputs.ts';
import { remembering } from '../ecs-deploy/post.ts';
import { defaults as ssmDefaults } from '../ssm-deploy/defaults.ts';
import { fields as ssmFields } from '../ssm-deploy/inputs.ts';
import { defaults as verifyDefaults } from '../verify-health/defaults.ts';
import { fields as verifyFields } from '../verify-health/inputs.ts';
import type { Image, Steps } from './ports.ts';

export interface StepOptions {
  configured: Configured & { component: AppComponent };
  /** The component with its references looked up; asked for when a step first needs them. */
  settled(): Promise<AppComponent>;
  references(): Promise<ReferencePorts>;
  edge: Edge;
}

type Overrides = Record<string, string>;

// A room and its AWS client are loaded with the step that needs them: a bot's leg never parses the ECS client.
const builder = () => import('../ecr-build-push/ports.ts');

/** The rooms' own run(), each with the inputs that it would get from the config file by itself. */
export function realSteps(options: StepOptions): Steps {
  const { configured } = options;
  const build = buildSteps(options);
  return {
    ...build,
    ...(configured.component.deploy.to === 'ssm' ? ssmSteps(options) : ecsSteps(options)),
    ...verifyStep(options),
  };
}

/** The inputs of a room: what is given here, then what the config file says of the component. */
function inputsOf<F extends InputFields>(
  fields: F,
  { configured, edge }: StepOptions,
  component: AppComponent,
  defaults: (configured: Configured) => Defaults,
  overrides: Overrides,
): Inputs<F> {
  const given: Overrides = { component: configured.name, environment: edge.input('environment'), ...overrides };
  return readInputs(
    fields,
    withDefaults((name) => given[name] ?? '', defaults({ ...configured, component })),
  );
}

function buildSteps(options: StepOptions): Pick<Steps, 'build' | 'promoted'> {
  const { configured, edge } = options;
  const { component, config } = configured;
  return {
    async build() {
      const reports: Report[] = [];
      const images: Image[] = [];
      for (const image of imagesOf(component)) {
        const report = await buildOne(image, options);
        reports.push(report);
        if (!isGood(report.outcome)) break;
        images.push(imageOf(image.container ?? '', report));
      }
      return { report: combined(reports), images };
    },
    async promoted(entry) {
      const { promotedImages } = await import('./promoted.ts');
      return promotedImages(entry, { config: config as EnvironmentView, component, edge });
    },
  };
}

async function buildOne(image: ImageToBuild, options: StepOptions): Promise<Report> {
  const { configured, edge } = options;
  const { container: _, secrets, ...config } = image;
  const { images: _images, ...rest } = configured.component;
  const { names, env } = await buildSecrets(secrets ?? {}, options);
  const component = { ...rest, image: config } as AppComponent;
  const inputs = inputsOf(buildFields, options, component, buildDefaults, {
    'secret-envs': names,
    refresh: String(edge.input('operation') === 'refresh'),
  });
  const { portsOf } = await builder();
  const { run } = await import('../ecr-build-push/run.ts');
  const { settingsOf } = await import('../ecr-build-push/settings.ts');
  const settings = settingsOf(inputs);
  return run(inputs, settings, portsOf(inputs, settings, { ...edge, env: { ...edge.env, ...env } }));
}

/** Values of secrets that a build mounts: masked, and in the environment of the builder alone. */
async function buildSecrets(secrets: Readonly<Record<string, string>>, { references }: StepOptions) {
  const env: NodeJS.ProcessEnv = {};
  const names: string[] = [];
  const ports = Object.keys(secrets).length > 0 ? await references() : {};
  for (const [id, reference] of Object.entries(secrets)) {
    const variable = `SLIPWAY_SECRET_${id.toUpperCase().replace(/\W/g, '_')}`;
    env[variable] = await resolveReference(reference, ports, `build secret ${id}`);
    names.push(`${id}=${variable}`);
  }
  return { names: names.join('\n'), env };
}

function imageOf(container: string, { outputs }: Report): Image {
  return {
    container,
    reference: outputs.image ?? '',
    revision: outputs.revision ?? '',
    buildFingerprint: outputs.fingerprint ?? '',
  };
}

/** One report of several builds: the first that went wrong decides; built when any was. */
function combined(reports: readonly Report[]): Report {
  const bad = reports.find((r) => !isGood(r.outcome));
  const built = reports.find((r) => r.outcome.status === 'succeeded');
  const [first] = reports;
  const outcome = (bad ?? built ?? first)?.outcome ?? { status: 'unchanged', cause: 'the component has no image' };
  return { outcome, outputs: {}, summary: reports.map((r) => r.summary).join('') };
}

type DeploySteps = Pick<Steps, 'fingerprint' | 'deploy' | 'rollback' | 'status'>;

function ecsSteps(options: StepOptions): DeploySteps {
  const { edge } = options;
  const { env, signal, log, context } = edge;
  // A scheduled task has no service: its deployment is that its revision is the family's newest.
  const scheduled = options.configured.component.kind === 'task';
  const operation = scheduled ? 'register' : 'deploy';
  const go = async (overrides: Overrides, quiet = false, change = (component: AppComponent) => component) => {
    const inputs = inputsOf(ecsFields, options, change(await options.settled()), ecsDefaults, overrides);
    const region = regionFrom(inputs.region, env);
    const credentials = renewingCredentials({ env, region, idToken: edge.idToken, log });
    const [{ run }, { ecsApi }, { awsEvidence }, { codeDeployApi }, { awsAccount }, { awsTaskLogs }] =
      await Promise.all([
        import('../ecs-deploy/run.ts'),
        import('../../lib/ecs/api.ts'),
        import('../ecs-deploy/evidence.ts'),
        import('../ecs-deploy/codedeploy/api.ts'),
        import('../ecs-deploy/preflight/account.ts'),
        import('../ecs-deploy/tasks/logs.ts'),
      ]);
    return run(inputs, {
      ecs: ecsApi({ region, action: 'ship', signal, credentials }),
      evidence: awsEvidence({ region, signal, credentials }),
      codeDeploy: codeDeployApi({ region, signal, credentials }),
      clock: systemClock,
      log: quiet ? recordingLog() : log,
      signal,
      readText: (path) => readFile(resolve(context.workspace, path), 'utf8'),
      remember: remembering(edge, region),
      account: { ...awsAccount({ region, signal, credentials }), region },
      taskLogs: awsTaskLogs({ region, signal, credentials }),
    });
  };
  return {
    async fingerprint(images) {
      const { outputs } = await go({ ...imageInputs(images), operation, 'dry-run': 'true', preflight: 'false' }, true);
      return outputs['release-fingerprint'] ?? '';
    },
    deploy: (images, kept) => go({ ...imageInputs(images), operation, 'protected-revisions': kept.join(',') }),
    rollback: (taskDefinition) => {
      if (scheduled) return go(again(taskDefinition), false, asRegistered);
      return go({ operation: 'rollback', ...(taskDefinition && { 'task-definition': taskDefinition }) });
    },
    status: () => go({ operation: 'status' }),
  };
}

/** An old revision is made the newest by registering it again, as it was. */
function again(taskDefinition: string): Overrides {
  if (taskDefinition !== '') return { operation: 'register', 'task-definition': taskDefinition };
  throw new Problem({
    what: 'revision to go back to',
    cause: 'the ledger does not name one, and a scheduled task has no history of its own',
    fix: 'Name it in `task-definition`',
    kind: 'not-found',
  });
}

/** Nothing of what the config file puts into a definition, and no commands: the revision was proved when it was new. */
function asRegistered(component: AppComponent): AppComponent {
  if (component.deploy.to !== 'ecs') return component;
  const { before: _before, ...rest } = component;
  const { to, cluster } = component.deploy;
  return { ...rest, deploy: { to, cluster } } as AppComponent;
}

function imageInputs(images: readonly Image[]): Overrides {
  const [first] = images;
  const revision = first?.revision ?? '';
  if (images.length === 1 && first?.container === '') return { image: first.reference, revision };
  return { images: images.map((i) => `${i.container}=${i.reference}`).join('\n'), revision };
}

function ssmSteps(options: StepOptions): DeploySteps {
  const inputs = async (overrides: Overrides) =>
    inputsOf(ssmFields, options, await options.settled(), ssmDefaults, overrides);
  const go = async (overrides: Overrides) => {
    const read = await inputs(overrides);
    const [{ run }, { portsOf }] = await Promise.all([import('../ssm-deploy/run.ts'), import('../ssm-deploy/edge.ts')]);
    return run(read, portsOf(options.edge, read.region, 'ship'));
  };
  const ofImages = ([first]: readonly Image[]) => ({ image: first?.reference ?? '', revision: first?.revision ?? '' });
  return {
    async fingerprint(images) {
      const [{ specOf }, { releaseFingerprint }] = await Promise.all([
        import('../ssm-deploy/spec/from-inputs.ts'),
        import('../ssm-deploy/spec/spec.ts'),
      ]);
      return releaseFingerprint(specOf(await inputs(ofImages(images))));
    },
    deploy: (images) => go(ofImages(images)),
    rollback: (_, release) => go({ operation: 'rollback', ...(release && { release }) }),
    status: () => go({ operation: 'status' }),
  };
}

function verifyStep(options: StepOptions): Pick<Steps, 'verify' | 'baseline'> {
  let baseline = '';
  const go = async (component: AppComponent, overrides: Overrides) => {
    const inputs = inputsOf(verifyFields, options, component, verifyDefaults, overrides);
    const [{ run }, { portsOf }] = await Promise.all([
      import('../verify-health/run.ts'),
      import('../verify-health/edge.ts'),
    ]);
    return run(inputs, portsOf(inputs, options.edge, 'ship'));
  };
  return {
    async baseline() {
      const component = await options.settled();
      const { soak, baseline: wanted = false } = component.verify ?? {};
      if (!soak || wanted === false) return undefined;
      const report = await go(component, { operation: 'baseline' });
      baseline = report.outputs.baseline ?? '';
      return report;
    },
    async verify({ revision, digest }, restored = false) {
      const component = await options.settled();
      if (!component.verify) return undefined;
      // What served before has borne its traffic already.
      if (restored) return go(withoutSoak(component), { revision, digest });
      return go(component, { revision, digest, baseline });
    },
  };
}

function withoutSoak(component: AppComponent): AppComponent {
  const { soak: _soak, 'load-balancer': _balancer, baseline: _baseline, ...verify } = component.verify ?? {};
  return { ...component, verify };
}
