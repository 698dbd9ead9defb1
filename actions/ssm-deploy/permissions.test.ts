import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { readInputs } from '../../lib/inputs.ts';
import { fields } from './inputs.ts';
import { specOf } from './spec/from-inputs.ts';
import { specText } from './spec/spec.ts';
import { GIVEN, PARAMETER, type PlayOptions, play } from './test/play.ts';
import { bucket, good, type Script } from './test/scripted-ssm.ts';

// The policies in the README are those of the calls that are made: each feature is played, and what reaches the wire compared.

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
const README = read('./README.md');

interface Statement {
  Action: string | string[];
  Resource: string | string[];
}

/** The statements of a feature's policy, which stands under a marker of its name. */
function statements(feature: string): Statement[] {
  const block = new RegExp(`<!-- policy: ${feature} -->\\s*\`\`\`json\\n([\\s\\S]*?)\`\`\``).exec(README)?.[1];
  if (block === undefined) throw new Error(`the README has no policy "${feature}"`);
  return [JSON.parse(block) as Statement | Statement[]].flat();
}

const policy = (feature: string) => [...new Set(statements(feature).flatMap((s) => s.Action))].sort();

interface Scene {
  script: Script;
  options?: PlayOptions;
}

const [ONE, TWO] = ['i-00000000000000001', 'i-00000000000000002'] as const;
const hosts: Script['hosts'] = { [ONE]: {}, [TWO]: {} };
const plain: Scene = { script: { hosts }, options: { inputs: { preflight: 'true' } } };

async function callsOf(...scenes: Scene[]): Promise<string[]> {
  const calls: string[] = [];
  for (const { script, options } of scenes)
    calls.push(...(await play(script, options)).ssm.calls.map((c) => c.operation));
  return [...new Set(calls)].sort();
}

/** The calls of the scenes that a plain deployment does not make. */
async function beyondPlain(...scenes: Scene[]): Promise<string[]> {
  const known = policy('deploy');
  return (await callsOf(...scenes)).filter((call) => !known.includes(call));
}

test('for a deployment, whatever its end', async () => {
  const again: Scene = { script: { hosts, parameters: { [PARAMETER]: ['{}'] } } };
  const first: Scene = { script: { hosts, document: false } };
  const hangs: Scene = {
    script: { hosts: { [ONE]: { does: () => ({ ms: 600_000 }) } } },
    options: { inputs: { timeout: '5s' } },
  };
  const calls = await callsOf(plain, again, first, hangs);
  // Only the post step of a run that was killed at one moment asks for this: test/process.test.ts has it.
  expect([...calls, 'ssm:ListCommands'].sort()).toEqual(policy('deploy'));
});

test.each(['status', 'restart', 'logs', 'prune'])('for %s nothing more', async (operation) => {
  expect(await beyondPlain({ script: { hosts }, options: { inputs: { operation, image: '' } } })).toEqual([]);
});

test('for a rollback', async () => {
  const spec = (memory: string) => specText(specOf(readInputs(fields, (name) => ({ ...GIVEN, memory })[name] ?? '')));
  const script = { hosts, parameters: { [PARAMETER]: [spec('1m'), spec('2m')] } };
  const calls = await beyondPlain({ script, options: { inputs: { operation: 'rollback', image: '' } } });
  expect(calls).toEqual(policy('rollback'));
});

test('for output in CloudWatch Logs and in S3', async () => {
  const long = {
    [ONE]: {
      does: (p: Parameters<typeof good>[0]) => ({
        ...good(p),
        ms: 3_000,
        lines: [{ at: 0, text: 'x'.repeat(30_000) }],
      }),
    },
  };
  const logged = await beyondPlain({
    script: { hosts: long },
    options: { inputs: { 'log-group': '/slipway/deploy' } },
  });
  expect(logged).toEqual(policy('logs'));
  const stored = await beyondPlain({ script: { hosts: long }, options: { inputs: { 'output-bucket': bucket } } });
  expect(stored).toEqual(policy('bucket'));
});

test('the role may send our documents alone', () => {
  const send = statements('deploy').filter((s) => [s.Action].flat().includes('ssm:SendCommand'));
  const documents = send.flatMap((s) => s.Resource).filter((arn) => arn.includes(':document/'));
  expect(documents).toEqual(['arn:aws:ssm:*:*:document/Slipway-Deploy-*']);
});

test('no call is in the code that no policy of the README allows', () => {
  const files = readdirSync(new URL('.', import.meta.url), { recursive: true, encoding: 'utf8' });
  const sources = files
    .filter((file) => file.endsWith('.ts') && !/\.test\.ts$|^test\//.test(file))
    .map((file) => `./${file}`);
  const made = sources.flatMap((path) =>
    [...read(path).matchAll(/operation: '([a-z0-9]+:\w+)'/g)].map((m) => m[1] ?? ''),
  );
  const allowed = ['deploy', 'rollback', 'logs', 'bucket'].flatMap(policy);
  // Of lib/aws/log-reads.ts, where ecs-deploy reads too.
  expect([...new Set(allowed)].sort()).toEqual([...new Set([...made, 'logs:GetLogEvents'])].sort());
});
