import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Git, openGit } from '../../lib/git/repository.ts';
import { readInputs } from '../../lib/inputs.ts';
import { isOnPath, processes } from '../../lib/process.ts';
import { runAction } from '../../lib/runner.ts';
import { compareByApi } from './compare-api.ts';
import { fields } from './inputs.ts';
import { writeFiles } from './lists.ts';
import { run } from './run.ts';

await runAction('changes', async ({ input, env, log, signal, context }) => {
  const inputs = readInputs(fields, input);
  const { token, ledger: kind } = inputs;
  if (token !== '') log.mask(token);
  const client = async () => (await import('../../lib/github/client.ts')).github({ context, token, signal });
  const { workspace, tempDir, serverUrl, repository } = context;
  const openRepository = async (): Promise<Git> => {
    if (token !== '' && repository.slug !== '' && !isOnPath('git', env)) {
      log.info('There is no git on PATH: trees come from GitHub’s API');
      return (await import('../../lib/git/api.ts')).apiGit({ client, repository });
    }
    const origin = { url: `${serverUrl}/${repository.slug}.git`, token };
    const options = { processes: processes(log), workspace, tempDir, env, signal };
    return openGit({ ...options, ...(repository.slug !== '' && { origin }) });
  };
  return run(inputs, {
    git: await openRepository(),
    // Loaded when they are needed: most runs ask neither the ledger nor the API.
    ledger: async () => (await import('../../lib/ledger/open.ts')).openLedger({ kind, token, context, signal }),
    compare: compareByApi(token === '' ? undefined : client, repository, log),
    readFile: async (path) =>
      readFile(resolve(workspace, path), 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      }),
    writeFiles: (files) => writeFiles(tempDir, files),
    rawInput: (name) => env[`INPUT_${name.toUpperCase()}`] ?? '',
    context,
    log,
  });
});
