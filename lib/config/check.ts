import { graphMistakes, needs } from './graph.ts';
import type { Mistake } from './mistakes.ts';
import { parseReferences, texts } from './references.ts';
import type { AppComponent, Component, ConfigData } from './schema.ts';
import { suggestion } from './suggest.ts';
import { brokenExpressions } from './verify-check.ts';

/** Names of outputs and words of inputs; a component of that name would hide them. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([
  'all', 'any', 'base', 'bases', 'cause', 'changes', 'components', 'files', 'fingerprints', 'head', 'none', 'notify', 'outcome', 'path',
  'reasons', 'ship',
  'matrix-ami', 'matrix-terraform', 'matrix-terraform-1', 'matrix-terraform-2', 'matrix-terraform-3', 'matrix-app-1', 'matrix-app-2', 'matrix-app-3', 'matrix-bot-1', 'matrix-bot-2', 'matrix-bot-3',
]); // biome-ignore format: one list

/** What the schema cannot say: rules between keys, names, graph, references. */
export function checkConfig(config: ConfigData): Mistake[] {
  const { components } = config;
  const mistakes = [...names(components), ...graphMistakes(components), ...environments(config)];
  for (const [name, component] of Object.entries(components)) mistakes.push(...checkComponent(config, name, component));
  return mistakes;
}

/** Rules inside one component; used for the component as written and as each environment overrides it. */
export function checkComponent(config: ConfigData, name: string, component: Component): Mistake[] {
  const path = ['components', name];
  const mistakes = [...references(config, name, component, path), ...patterns(component, path)];
  if (component.kind !== 'ami' && component.kind !== 'terraform')
    mistakes.push(...images(config, component, path), ...verification(component, [...path, 'verify']));
  if (component.kind === 'ami' && component.template === undefined && component.paths === undefined) {
    mistakes.push({
      path,
      cause: 'it says neither where its Packer template is nor which files belong to it',
      fix: "Add `template: infra/ami` or `paths: ['infra/ami/**']`",
    });
  }
  return mistakes;
}

function names(components: ConfigData['components']): Mistake[] {
  const list = Object.keys(components);
  if (list.length === 0) {
    return [{ path: ['components'], cause: 'it names no component', fix: 'Describe at least one, such as web' }];
  }
  return list
    .filter((name) => RESERVED_NAMES.has(name))
    .map((name) => ({
      path: ['components', name],
      cause: `'${name}' is the name of an output or a word of an input, so the component would hide it`,
      fix: 'Rename the component',
    }));
}

function environments({ environments = {}, components }: ConfigData): Mistake[] {
  const mistakes: Mistake[] = [];
  const known = Object.keys(environments);
  for (const [name, environment] of Object.entries(environments)) {
    for (const component of Object.keys(environment.components ?? {})) {
      if (Object.hasOwn(components, component)) continue;
      const fix = suggestion(component, Object.keys(components), 'component');
      const path = ['environments', name, 'components', component];
      mistakes.push({ path, seen: component, cause: 'no component has this name', fix });
    }
    const { after } = environment;
    if (after !== undefined && !known.includes(after)) {
      const fix = suggestion(
        after,
        known.filter((n) => n !== name),
        'other environment',
      );
      mistakes.push({ path: ['environments', name, 'after'], seen: after, cause: 'no environment has this name', fix });
    }
  }
  if (mistakes.length > 0) return mistakes;
  for (const start of known) {
    const trail = [start];
    for (let next = environments[start]?.after; next !== undefined; next = environments[next]?.after) {
      trail.push(next);
      if (next === start) {
        const cause = 'each of these environments is promoted from the next, so none could ever come first';
        return [{ path: ['environments', start, 'after'], seen: trail.join(' → '), cause, fix: 'Remove one `after`' }];
      }
      if (trail.length > known.length) break;
    }
  }
  return mistakes;
}

function images(config: ConfigData, component: AppComponent, path: readonly string[]): Mistake[] {
  const { image, images: several } = component;
  if (image && several) {
    const fix = 'Keep `image` for one, `images` (by container name) for several';
    return [{ path: [...path, 'images'], cause: 'both `image` and `images` are given', fix }];
  }
  if (!image && (several === undefined || Object.keys(several).length === 0)) {
    const fix = `Add \`image: { repository: ${path[1]}, context: ${path[1]} }\``;
    return [{ path, cause: `a ${component.kind} needs an image, and none is given`, fix }];
  }
  const mistakes: Mistake[] = [];
  if (config.registry === undefined) {
    const cause = 'images have to be pushed somewhere, and there is no `registry` at the top of the file';
    mistakes.push({ path: [...path, image ? 'image' : 'images'], cause, fix: REGISTRY_FIX });
  }
  const { deploy } = component;
  if (several && deploy.to === 'ssm' && Object.keys(several).length > 1) {
    const fix = 'Deploy to ecs, or make a component of each container';
    mistakes.push({ path: [...path, 'images'], cause: 'a host gets one container a component', fix });
  }
  if (several && deploy.to !== 'ssm' && deploy.container !== undefined) {
    const fix = 'Remove `deploy.container`';
    const at = [...path, 'deploy', 'container'];
    mistakes.push({ path: at, cause: 'the keys of `images` already say which container gets which image', fix });
  }
  return mistakes;
}

function verification({ verify }: AppComponent, path: readonly string[]): Mistake[] {
  if (!verify) return [];
  const mistakes: Mistake[] = [];
  if (verify.url === undefined && verify.endpoints === undefined)
    mistakes.push({ path, cause: 'it says nowhere what to probe', fix: 'Add `url: https://www.example.com/health`' });
  if (verify.baseline && !verify.soak)
    mistakes.push({
      path: [...path, 'baseline'],
      cause: 'there is nothing to compare with it: no soak is asked for',
      fix: 'Add `soak: { duration: 1m }`, or remove `baseline`',
    });
  const expectations = [
    { expect: verify.expect, at: [...path, 'expect'] },
    ...(verify.endpoints ?? []).map(({ expect }, i) => ({ expect, at: [...path, 'endpoints', i, 'expect'] })),
  ];
  for (const { expect, at } of expectations)
    mistakes.push(
      ...brokenExpressions(expect ?? {}).map(({ path: inner, ...rest }) => ({ path: [...at, ...inner], ...rest })),
    );
  return mistakes;
}

const REGISTRY_FIX = "Add `registry: { account: '123456789012', region: eu-central-1 }`";

function patterns(component: Component, path: readonly string[]): Mistake[] {
  const { paths } = component;
  const [rule] = paths ?? [];
  const first = typeof rule === 'object' ? Object.values(rule).flat()[0] : rule;
  if (!first?.startsWith('!')) return [];
  const cause = 'the list starts with an exclusion, and nothing was included before it that it could take away';
  return [{ path: [...path, 'paths', 0], seen: first, cause, fix: "Put what belongs to it first, for instance '**'" }];
}

function references(config: ConfigData, name: string, component: Component, path: readonly string[]): Mistake[] {
  const { paths: _, 'depends-on': __, after: ___, ...rest } = component;
  const mistakes: Mistake[] = [];
  const before = needs(config, name);
  for (const { path: inner, text } of texts(rest)) {
    // Those of hosts have forms of their own (Secrets Manager), are looked up by nobody here, and the schema has checked them.
    if (inner[0] === 'deploy' && inner[1] === 'secrets') continue;
    const at = [...path, ...inner];
    const { parts, bad } = parseReferences(text);
    mistakes.push(...bad.map((b) => ({ path: at, ...b })));
    for (const part of parts) {
      if (part.type === 'identity' && inner[0] !== 'verify') {
        const fix = `Remove it; a literal is written {{${part.name}}}`;
        mistakes.push({ path: at, seen: text, cause: `{${part.name}} is known to verification only`, fix });
      }
      if (part.type === 'output') mistakes.push(...outputMistakes(config, part.component, before, at, text));
    }
  }
  return mistakes;
}

function outputMistakes(
  { components }: ConfigData,
  target: string,
  before: readonly string[],
  path: Mistake['path'],
  seen: string,
): Mistake[] {
  const known = Object.keys(components).filter(
    (n) => components[n]?.kind === 'terraform' || components[n]?.kind === 'ami',
  );
  const kind = components[target]?.kind;
  if (kind === undefined) {
    return [
      {
        path,
        seen,
        cause: `no component is called '${target}'`,
        fix: suggestion(target, known, 'component with outputs'),
      },
    ];
  }
  if (kind !== 'terraform' && kind !== 'ami') {
    return [
      {
        path,
        seen,
        cause: `${target} is a ${kind}, and only terraform and ami have outputs`,
        fix: suggestion(target, known, 'component with outputs'),
      },
    ];
  }
  if (before.includes(target)) return [];
  const cause = `it reads an output of ${target}, but nothing says that ${target} ships first`;
  return [
    {
      path,
      seen,
      cause,
      fix: `Add \`after: [${target}]\` (order alone) or \`depends-on: [${target}]\` to the component`,
    },
  ];
}
