import { existsSync, statSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { amiTemplate } from '../../lib/config/defaults.ts';
import { Problem } from '../../lib/errors.ts';
import { type DescribedPorts, describedComponent, texts } from '../../lib/leg/described.ts';
import type { PackerInputs } from './inputs.ts';

export interface Target {
  /** Folder that Packer runs in, relative to the workspace. */
  folder: string;
  /** The template in that folder: a file's name, or '.'. */
  template: string;
  vars: Record<string, string>;
  /** SSM parameter that receives the image's id; '' for none. */
  parameter: string;
  /** Further regions that get a copy. */
  regions: string[];
  /** How many builds are kept; undefined keeps all. */
  keep: number | undefined;
}

/**
 * What to build, from the inputs and the component's section of the config file; an input wins over the section.
 * @throws Problem when neither names a template, it is not there, or the component is of another kind.
 */
export async function readTarget(inputs: PackerInputs, ports: DescribedPorts & { workspace: string }): Promise<Target> {
  const described = inputs.component === '' ? undefined : await describedComponent('ami', inputs, ports);
  const template = inputs.template || (described ? amiTemplate(described) : '');
  if (template === '') {
    throw new Problem({
      what: "input 'template'",
      cause: 'neither it nor a component was given, so it is not known what to build',
      fix: "Set 'template' to a Packer template or its folder, or 'component' to a component of kind ami",
    });
  }
  const path = resolve(ports.workspace, template);
  if (!existsSync(path)) {
    throw new Problem({
      what: "input 'template'",
      seen: template,
      cause: `there is no such file or folder in ${ports.workspace}`,
      fix: 'Check out the repository before this step, or correct the path',
    });
  }
  const isFolder = statSync(path).isDirectory();
  return {
    folder: relative(ports.workspace, isFolder ? path : dirname(path)) || '.',
    template: isFolder ? '.' : basename(path),
    vars: { ...texts(described?.vars), ...inputs.vars },
    parameter: checkedParameter(inputs.parameter || described?.parameter || ''),
    regions: inputs.regions.length > 0 ? inputs.regions : (described?.regions ?? []),
    keep: inputs.keep ?? described?.keep,
  };
}

function checkedParameter(name: string): string {
  if (name === '' || /^\/[\w.\-/]{1,1000}$/.test(name)) return name;
  throw new Problem({
    what: "input 'parameter'",
    seen: name,
    cause: 'it is not the full name of an SSM parameter',
    fix: 'Write the whole path from the slash on, such as /sample/ami',
  });
}
