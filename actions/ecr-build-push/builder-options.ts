import { Problem } from '../../lib/errors.ts';
import type { BuilderOptions } from './build-request.ts';
import type { BuildInputs } from './inputs.ts';

/** The builder's options from the inputs. */
export function builderOptions(inputs: BuildInputs): Omit<BuilderOptions, 'cacheFrom' | 'cacheTo'> {
  return {
    addHosts: inputs['add-hosts'],
    network: inputs.network,
    shmSize: inputs['shm-size'],
    ulimits: inputs.ulimit,
    cgroupParent: inputs['cgroup-parent'],
    allow: inputs.allow,
    builder: inputs.builder,
    pull: inputs.pull,
    noCacheFilters: inputs['no-cache-filters'],
    ssh: inputs.ssh,
    provenance: inputs.provenance,
    sbom: inputs.sbom,
    annotations: inputs.annotations,
  };
}

/** @throws Problem for an input of docker/build-push-action that would end in something else here. */
export function refuseForeign(inputs: BuildInputs): void {
  const refuse = (name: keyof BuildInputs & string, seen: string, cause: string, fix: string) => {
    throw new Problem({ what: `input '${name}'`, seen, cause, fix });
  };
  if (/^(?:[a-z+]+:\/\/|git@|\{\{)/i.test(inputs.context))
    refuse(
      'context',
      inputs.context,
      'it is no folder of the checkout, and only what git has in its trees can be known again',
      'Check the source out in a step before this one (actions/checkout), and give its folder',
    );
  if (inputs.outputs !== '')
    refuse(
      'outputs',
      inputs.outputs,
      'this action ends in an image in ECR, and in nothing else',
      'Use docker/build-push-action to export files',
    );
  if (inputs.attests !== '')
    refuse(
      'attests',
      inputs.attests,
      'attestations are asked for one by one here',
      'Set `provenance` and `sbom` instead',
    );
  if (inputs.call !== '' && inputs.call !== 'build')
    refuse(
      'call',
      inputs.call,
      'this action builds; it does not check or outline',
      'Use `lint` for a look at the Dockerfile',
    );
  if (inputs.load && inputs.push)
    refuse(
      'load',
      'true',
      'with `push` the image goes to ECR, from where a later step can pull it by the digest in the outputs',
      'Leave `load` out, or set `push: false`',
    );
  const reference = inputs.tags.find((tag) => !tag.startsWith('raw=') && /[/:]/.test(tag));
  if (reference !== undefined)
    refuse(
      'tags',
      reference,
      'it is an image reference, and this action takes rules for tags; registry and name come from `repository`',
      'Write sha, semver, branch, … or raw=TEXT with the part after the colon',
    );
}
