import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { Problem } from '../../lib/errors.ts';

/**
 * The act program: where scripts/setup.sh puts it, or on PATH.
 * @throws Problem kind `environment` when there is none
 */
export async function findAct(root: string, path = process.env.PATH ?? ''): Promise<string> {
  for (const folder of [join(root, '.tools/bin'), ...path.split(delimiter)]) {
    const file = join(folder, 'act');
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  throw new Problem({
    what: 'act',
    cause: 'it is neither in .tools/bin nor on PATH',
    fix: 'Run sh scripts/setup.sh demo, which installs it',
    kind: 'environment',
  });
}
