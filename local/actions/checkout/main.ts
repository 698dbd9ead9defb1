// Stand-in for actions/checkout on one machine: the same result in the workspace, from a bare repository beside it.
import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';

const { env } = process;
const remote = env.LOCAL_GIT_REMOTE;
const workspace = env.GITHUB_WORKSPACE ?? process.cwd();
if (!remote) {
  console.log('::error::LOCAL_GIT_REMOTE names no bare repository to check out from');
  process.exit(1);
}
const git = (...args: string[]) =>
  execFileSync('git', args, { cwd: workspace, stdio: ['ignore', 'inherit', 'inherit'] });
const ref = env.INPUT_REF || env.GITHUB_SHA || 'HEAD';
const depth = env['INPUT_FETCH-DEPTH'] || '1';

git('-c', 'init.defaultBranch=main', 'init', '--quiet', '.');
// By URL, because git ignores a depth on a plain path.
git('remote', 'add', 'origin', remote.includes('://') ? remote : pathToFileURL(remote).href);
if (depth === '0') {
  git('fetch', '--quiet', '--prune', 'origin', '+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*');
} else {
  git('fetch', '--quiet', '--no-tags', `--depth=${depth}`, 'origin', ref);
}
git(
  '-c',
  'advice.detachedHead=false',
  'checkout',
  '--quiet',
  '--force',
  '--detach',
  depth === '0' ? ref : 'FETCH_HEAD',
);
console.log(`Checked out ${ref}`);
