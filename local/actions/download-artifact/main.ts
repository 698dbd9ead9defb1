// Stand-in for actions/download-artifact on one machine.
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const { env } = process;
const fail = (message: string): never => {
  console.log(`::error::${message}`);
  process.exit(1);
};
const source = join(env.LOCAL_ARTIFACTS ?? fail('LOCAL_ARTIFACTS names no folder'), env.GITHUB_RUN_ID ?? '0');
const path = resolve(env.GITHUB_WORKSPACE ?? '.', env.INPUT_PATH || '.');
mkdirSync(path, { recursive: true });
if (env.INPUT_NAME) {
  if (!existsSync(join(source, env.INPUT_NAME)))
    fail(`Unable to download artifact(s): Artifact not found for name: ${env.INPUT_NAME}`);
  cpSync(join(source, env.INPUT_NAME), path, { recursive: true });
  console.log(`Downloaded ${env.INPUT_NAME}`);
} else {
  const words = (env.INPUT_PATTERN || '*').split('*').map((word) => word.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const pattern = new RegExp(`^${words.join('.*')}$`);
  const names = existsSync(source) ? readdirSync(source) : [];
  const found = names.filter((name) => pattern.test(name) && !name.endsWith('.part'));
  for (const name of found) {
    const target = env['INPUT_MERGE-MULTIPLE'] === 'true' ? path : join(path, name);
    cpSync(join(source, name), target, { recursive: true });
  }
  console.log(`Found ${found.length} artifacts: ${found.join(', ')}`);
}
