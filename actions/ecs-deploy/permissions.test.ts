import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

interface Statement {
  Action: string | string[];
}

test('the policy in the README allows exactly the calls that the code can make', () => {
  const made = ['../../lib/ecs/api.ts', './evidence.ts', './codedeploy/api.ts'].flatMap((path) =>
    [...read(path).matchAll(/operation: '([a-z]+:\w+)'/g)].map((m) => m[1] ?? ''),
  );
  const policy = /```json\n([\s\S]*?)```/.exec(read('./README.md'))?.[1] ?? '[]';
  const allowed = (JSON.parse(policy) as Statement[]).flatMap((s) => s.Action);
  // Registering a definition passes its roles to ECS, and CodeDeploy registers an AppSpec: permissions, and no calls.
  expect([...new Set(allowed)].sort()).toEqual(
    [...new Set([...made, 'iam:PassRole', 'codedeploy:RegisterApplicationRevision'])].sort(),
  );
});
