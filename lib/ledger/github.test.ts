import { expect, test } from '@jest/globals';
import type { GitHubClient } from '../github/client.ts';
import { encodeEntry } from './entry.ts';
import { githubLedger } from './github.ts';

const repository = { owner: 'acme', name: 'sample', slug: 'acme/sample' };

/** The API's answers for a number of deployments, newest first, of which `odd` names those that are not of `web`. */
function storeOf(count: number, odd: Record<number, string>) {
  let calls = 0;
  const node = (i: number) => {
    const component = odd[i] ?? 'web';
    const commit = String(i).padStart(40, '0');
    const entry = { component, environment: 'dev', commit, state: 'deployed', runUrl: '', at: '' } as const;
    return {
      ...{ task: `slipway/${component}`, commitOid: commit, createdAt: '' },
      payload: JSON.stringify(encodeEntry(entry)),
      statuses: { nodes: [{ state: 'SUCCESS' }] },
    };
  };
  const graphql = async (_: string, { after, first }: { after?: string; first?: number }) => {
    calls++;
    const from = Number(after ?? 0);
    const to = Math.min(count, from + (first ?? 0));
    const nodes = Array.from({ length: to - from }, (__, i) => node(from + i));
    return { repository: { deployments: { nodes, pageInfo: { hasNextPage: to < count, endCursor: String(to) } } } };
  };
  const ledger = githubLedger({ graphql } as unknown as GitHubClient, { repository });
  return { ledger, calls: () => calls };
}

test('what is on record only once is found below a thousand deployments of others', async () => {
  const { ledger, calls } = storeOf(3000, { 1550: 'ami' });
  const entries = await ledger.read('dev', ['web', 'ami']);
  expect(entries.get('ami')?.[0]?.commit).toBe('1550'.padStart(40, '0'));
  expect(calls()).toBe(16);
});

test('older successes than the last are not looked for that far', async () => {
  const { ledger, calls } = storeOf(3000, { 150: 'ami' });
  expect((await ledger.read('dev', ['web', 'ami'])).get('ami')).toHaveLength(1);
  expect(calls()).toBe(10);
});

test('a ledger too long to be read is no ledger without an entry', async () => {
  const { ledger } = storeOf(6000, { 5500: 'ami' });
  await expect(ledger.read('dev', ['web', 'ami'])).rejects.toThrow(
    /none of its newest 5000 deployments tells what serves of ami.*Deploy ami once with `force`/,
  );
});
