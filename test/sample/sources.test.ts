import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { loadConfig } from '../../lib/config/load.ts';

const SAMPLE = join(import.meta.dirname, '../../sample-app');
const read = (path: string) => readFileSync(join(SAMPLE, path), 'utf8');

test('its config file is valid, and what it names is there', () => {
  const config = loadConfig(read('.github/slipway.yml'), '.github/slipway.yml');
  expect(Object.keys(config.components)).toEqual(['infra', 'web', 'bot']);
  for (const path of ['infra/main.tf', 'web/Dockerfile', 'web/task-definition.json', 'bot/Dockerfile']) {
    expect(existsSync(join(SAMPLE, path))).toBe(true);
  }
});

test.each(['web', 'bot'])('the lock file of %s names no registry and fits its package', (name) => {
  const lock = JSON.parse(read(`${name}/package-lock.json`)) as { packages: Record<string, Record<string, unknown>> };
  const wanted = JSON.parse(read(`${name}/package.json`)) as Record<string, unknown>;
  expect(lock.packages['']).toMatchObject({
    dependencies: wanted.dependencies,
    devDependencies: wanted.devDependencies,
  });
  for (const [path, entry] of Object.entries(lock.packages)) {
    expect(entry).not.toHaveProperty('resolved');
    if (path !== '') expect(entry.integrity).toMatch(/^sha512-/);
  }
});

test.each(['web', 'bot'])('%s uses nothing of the Slipway sources', (name) => {
  for (const file of readdirSync(join(SAMPLE, name, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (file.endsWith('.ts'))
      expect(read(join(name, 'src', file))).not.toMatch(/from '(\.\.\/){2,}(lib|actions|local)/);
  }
});

test('the task definition has the container that the config deploys, with its own health check', () => {
  const definition = JSON.parse(read('web/task-definition.json'));
  const [container] = definition.containerDefinitions;
  expect(container).toMatchObject({ name: 'web', portMappings: [{ containerPort: 8080 }] });
  expect(container.healthCheck.command).toEqual(['CMD', 'node', 'dist/healthcheck.js']);
});

test('what the bot dispatches are inputs of the workflow', () => {
  const workflow = parse(read('.github/workflows/pipeline.yml'));
  const known = Object.keys(workflow.on.workflow_dispatch.inputs);
  const [, inputs = ''] = /github\.dispatch\(\{([^}]*)\}\)/.exec(read('bot/src/commands/deploy.ts')) ?? [];
  const sent = inputs.split(',').map((one) => one.trim().split(':')[0]);
  expect(sent).toEqual(['operation', 'environment', 'components']);
  expect(known).toEqual(expect.arrayContaining(sent));
});

test('the outputs that the config reads are those of the Terraform root, and its files are formatted', () => {
  const outputs = [...read('infra/outputs.tf').matchAll(/^output "(\w+)"/gm)].map((match) => match[1]);
  const used = [...read('.github/slipway.yml').matchAll(/\$\{output:infra\.(\w+)\}/g)].map((match) => match[1]);
  expect(outputs).toEqual(expect.arrayContaining(used));
  expect(execFileSync('terraform', ['fmt', '-check', '-recursive', join(SAMPLE, 'infra')]).toString()).toBe('');
});
