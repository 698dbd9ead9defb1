// Stand-in for actions/upload-artifact on one machine: a folder per run and artifact.
import { cpSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

const { env } = process;
const fail = (message: string): never => {
  console.log(`::error::${message}`);
  process.exit(1);
};
const name = env.INPUT_NAME || 'artifact';
const path = resolve(env.GITHUB_WORKSPACE ?? '.', env.INPUT_PATH ?? '');
const target = join(env.LOCAL_ARTIFACTS ?? fail('LOCAL_ARTIFACTS names no folder'), env.GITHUB_RUN_ID ?? '0', name);
if (!existsSync(path)) {
  const message = `No files were found with the provided path: ${path}. No artifacts will be uploaded.`;
  if (env['INPUT_IF-NO-FILES-FOUND'] === 'error') fail(message);
  if (env['INPUT_IF-NO-FILES-FOUND'] !== 'ignore') console.log(`::warning::${message}`);
  process.exit(0);
}
if (existsSync(target)) {
  if (env.INPUT_OVERWRITE !== 'true') fail(`Conflict: an artifact with the name ${name} already exists on the run`);
  rmSync(target, { recursive: true });
}
// Whole or not at all: another job may be downloading by pattern.
const part = `${target}.${process.pid}.part`;
mkdirSync(part, { recursive: true });
cpSync(path, statSync(path).isDirectory() ? part : join(part, basename(path)), { recursive: true });
renameSync(part, target);
console.log(`Artifact ${name} has been uploaded`);
