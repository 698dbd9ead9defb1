/**
 * Terraform on one folder with the stand-in providers, for those who write modules:
 *
 *   node test/terraform/run.ts validate|test|plan FOLDER
 *
 * The folder is copied with everything beside it, so that nothing of a run is left in the tree.
 */
import { join, relative, resolve } from 'node:path';
import { SCHEMAS, startProviders } from './provider/server.ts';
import { missingFrom, typesUsed } from './provider/used-types.ts';
import { terraformIn, workingCopy } from './terraform.ts';

const [verb = 'validate', folder = '.'] = process.argv.slice(2).filter((word) => word !== '--');
const target = resolve(folder);
const missing = missingFrom(SCHEMAS, typesUsed(target));
for (const sentence of missing) process.stderr.write(`${sentence}\n`);
// A module reads its neighbours, so all of terraform/ is copied: the outermost folder of that name.
const parts = target.split('/');
const base = parts.includes('terraform') ? parts.slice(0, parts.indexOf('terraform') + 1).join('/') : target;
const providers = await startProviders();
const copy = workingCopy(base);
try {
  const run = terraformIn(join(copy.folder, relative(base, target)), providers.env);
  for (const argv of [
    ['init', '-backend=false', '-input=false'],
    [verb, ...(verb === 'plan' ? ['-input=false'] : [])],
  ]) {
    const { status, output } = await run(argv);
    if (argv[0] !== 'init' || status !== 0) process.stdout.write(output);
    process.exitCode = status;
    if (status !== 0) break;
  }
} finally {
  providers.stop();
  copy.remove();
}
