import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import type { Statement } from '../terraform/iam/evaluate.ts';
import { voidGrants } from '../terraform/iam/void.ts';

// A policy that a README gives is copied as it stands: what it says must be what AWS would allow.
const ACTIONS = fileURLToPath(new URL('../../actions', import.meta.url));

/** Every statement of the README's examples that is attached to a role (a trust policy is attached to the role that it opens). */
function statementsOf(action: string): Statement[] {
  const readme = readFileSync(join(ACTIONS, action, 'README.md'), 'utf8');
  return [...readme.matchAll(/```json\n([\s\S]*?)```/g)]
    .map(([, text = '']) => text.replaceAll(/"(?:EXECUTION|TASK)_ROLE_ARN"/g, '"arn:aws:iam::123456789012:role/ROLE"'))
    .filter((text) => text.includes('"Effect"'))
    .flatMap((text) => {
      const written = JSON.parse(text) as Statement | Statement[] | { Statement: Statement | Statement[] };
      return 'Statement' in written ? [written.Statement].flat() : [written].flat();
    })
    .filter(({ Principal }) => Principal === undefined);
}

const documented = readdirSync(ACTIONS).filter((action) => statementsOf(action).length > 0);

test.each(documented)('no grant in the README of %s is void', (action) => {
  const statements = statementsOf(action).map((statement, index) => ({ ...statement, Sid: `statement ${index + 1}` }));
  expect(voidGrants({ Version: '2012-10-17', Statement: statements })).toEqual([]);
});
