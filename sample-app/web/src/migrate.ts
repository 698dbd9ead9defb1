import { CATALOGUE } from './catalogue.ts';
import { readConfig } from './config.ts';
import { reach } from './readiness.ts';

/**
 * What a new version needs done once before it serves: `node dist/migrate.js`, run by the pipeline in a task of its own (`before` in
 * .github/slipway.yml). The sample keeps nothing, so it proves what a real migration would stand on: its data are consistent, its
 * dependencies answer. Ends with 1 and a reason when they are not, which stops the deployment.
 */
async function migrate(): Promise<void> {
  const config = readConfig(process.env);
  say('info', 'migration begins', { revision: config.revision, environment: config.environment });
  const ids = CATALOGUE.map(({ id }) => id);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice !== undefined) throw new Error(`the catalogue has ${twice} twice`);
  for (const dependency of config.dependencies) {
    const { status, cause } = await reach(dependency);
    if (status === 'failed') throw new Error(`${dependency.name} does not answer: ${cause}`);
  }
  say('info', 'migration done', { items: ids.length, dependencies: config.dependencies.length });
}

function say(level: string, message: string, more: object = {}): void {
  console.log(JSON.stringify({ level, service: 'sample-web', time: new Date().toISOString(), message, ...more }));
}

try {
  await migrate();
} catch (error) {
  say('fatal', (error as Error).message);
  process.exitCode = 1;
}
