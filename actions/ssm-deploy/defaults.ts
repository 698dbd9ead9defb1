import type { Configured, Defaults } from '../../lib/config/action.ts';
import type { SsmDeploy } from '../../lib/config/schema.ts';
import { Problem } from '../../lib/errors.ts';

/** Keys of `deploy` that are inputs of another name, or are written in another way than all the others. */
const OWN = new Set(['to', 'targets', 'env']);
/** Lists whose items may hold commas or spaces: argv, given as JSON. */
const ARGV = new Set(['command', 'entrypoint', 'health-command']);

/** The inputs as the component's `deploy` in the config file gives them: each key but a few is the input of the same name. */
export function defaults({ component, environment, name }: Configured): Defaults {
  const deploy = component && 'deploy' in component && component.deploy.to === 'ssm' ? component.deploy : undefined;
  const region = environment?.region;
  if (!deploy) return { region };
  const same = Object.entries(deploy).filter(([key]) => !OWN.has(key));
  return {
    region,
    targets: targetLines(deploy.targets),
    'environment-variables': written('env', deploy.env),
    name,
    ...Object.fromEntries(same.map(([key, value]) => [key, written(key, value)])),
  };
}

function targetLines(targets: SsmDeploy['targets']): string {
  const lines = Object.entries(targets).flatMap(([key, values]) =>
    [values].flat().map((value) => (key === 'instance-ids' ? value : `${key}=${value}`)),
  );
  return lines.join('\n');
}

/** A value of the config file as the input would be written. @throws Problem for a value of several lines, which no input line can hold. */
function written(key: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (ARGV.has(key)) return JSON.stringify(value);
  const items =
    typeof value === 'object' && value !== null
      ? Array.isArray(value)
        ? value.map(String)
        : Object.entries(value).map(([name, one]) => `${name}=${one}`)
      : [String(value)];
  const long = items.find((item) => /[\r\n]/.test(item));
  if (long !== undefined) {
    throw new Problem({
      what: `config file: deploy.${key}`,
      cause: `${typeof value === 'object' && !Array.isArray(value) ? `the value of ${long.split('=')[0]}` : 'a value'} has several lines, which the command line of a container cannot be given safely`,
      fix: 'Put it into a file of the image, or into a secret, which is mounted as a file',
      kind: 'config',
    });
  }
  return items.join('\n');
}
