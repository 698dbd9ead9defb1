import { describe, expect, test } from '@jest/globals';
import { EXAMPLE } from '../../lib/config/example.ts';
import { loadConfig } from '../../lib/config/load.ts';
import type { Change } from '../../lib/git/plumbing.ts';
import type { LedgerEntry } from '../../lib/ledger/ledger.ts';
import { type Base, heldEntries, ledgerBase } from './bases.ts';
import { decide, type Facts, supersede } from './decide.ts';
import { changedDefinitions } from './definitions.ts';
import { logLine } from './report.ts';
import { unitsOfConfig } from './units.ts';

const CONFIG = loadConfig(EXAMPLE, '.github/slipway.yml');
const [C1, C2, C3] = ['1', '2', '3'].map((c) => c.repeat(40)) as [string, string, string];
const at = '2026-11-20T10:00:00Z';

const change = (name: string): Change => ({ status: 'M', name });
const since = (commit: string): Base => ({
  type: 'commit',
  commit,
  why: 'before',
  deployed: { environment: 'dev', at },
});
const entry = (commit: string, state: LedgerEntry['state'], more: Partial<LedgerEntry> = {}): LedgerEntry => {
  return { component: 'web', environment: 'dev', commit, state, runUrl: '', at, ...more };
};

/** Facts in which every component has base C1, from which nothing changed, unless the row says otherwise. */
function facts(row: {
  changes?: Record<string, string[]>;
  bases?: Record<string, Base>;
  forced?: string[];
  held?: Record<string, LedgerEntry[]>;
  definitions?: Record<string, Record<string, string>>;
}): Facts {
  const units = unitsOfConfig(CONFIG);
  const changes = new Map(
    [[C1, []], ...Object.entries(row.changes ?? {})].map(([c, names]) => [
      c as string,
      (names as string[]).toSorted().map(change),
    ]),
  );
  return {
    units,
    forced: new Set(row.forced),
    bases: new Map(units.map((u) => [u.name, row.bases?.[u.name] ?? since(C1)])),
    changes,
    definitions: new Map(Object.entries(row.definitions ?? {}).map(([c, d]) => [c, new Map(Object.entries(d))])),
    held: new Map(Object.entries(row.held ?? {})),
  };
}

type Row = [name: string, given: Parameters<typeof facts>[0], ships: string[], words: Record<string, string | RegExp>];

const rows: Row[] = [
  ['nothing changed', {}, [], { web: /^unchanged since 1{10} \(deployed to dev 2026-11-20 10:00 UTC\)$/ }],
  [
    'one file',
    { changes: { [C1]: ['web/a.ts'] } },
    ['web'],
    { web: 'web/a.ts matches web/**, since 1111111111', bot: 'unchanged' },
  ],
  [
    'several files',
    { changes: { [C1]: ['web/a', 'web/b', 'web/c'] } },
    ['web'],
    { web: 'web/a matches web/** (and 2 more files)' },
  ],
  ['a file of nobody', { changes: { [C1]: ['README.md'] } }, [], {}],
  [
    'infra alone ships no web, which comes after it',
    { changes: { [C1]: ['infra/main.tf'] } },
    ['infra'],
    { web: 'unchanged' },
  ],
  [
    'an AMI changes what depends on it',
    { changes: { [C1]: ['infra/ami/x'] } },
    ['ami', 'infra'],
    { infra: /^infra\/ami\/x matches infra\/ami\/\*\*, since .*; depends on it: ami → infra$/ },
  ],
  [
    'what it depends on shipped without it: its own base tells',
    { bases: { ami: since(C2) }, changes: { [C2]: [], [C1]: ['infra/ami/x'] } },
    ['infra'],
    { ami: 'unchanged since 2222222222', infra: 'ami → infra' },
  ],
  [
    'what it depends on ships now, though its own base already has the change',
    { bases: { infra: since(C2) }, changes: { [C1]: ['infra/ami/x'], [C2]: [] } },
    ['ami', 'infra'],
    { infra: 'ami: infra/ami/x matches' },
  ],
  [
    'own bases',
    { bases: { web: since(C2) }, changes: { [C1]: ['bot/a'], [C2]: ['web/a', 'bot/a'] } },
    ['web', 'bot'],
    { web: 'since 2222222222', bot: 'since 1111111111' },
  ],
  ['force', { forced: ['web'] }, ['web'], { web: 'forced' }],
  ['force does not cascade', { forced: ['ami'] }, ['ami'], { infra: 'unchanged' }],
  [
    'an unknown base',
    { bases: { web: { type: 'unknown', why: 'it is gone' } } },
    ['web'],
    { web: 'counts as changed, because its base is not known: it is gone' },
  ],
  [
    'an unknown base cascades',
    { bases: { ami: { type: 'unknown', why: 'it is gone' } } },
    ['ami', 'infra'],
    { infra: 'ami → infra' },
  ],
  ['never deployed', { bases: { web: { type: 'everything', why: 'first push' } } }, ['web'], { web: 'first push' }],
  [
    'a deleted branch',
    { bases: Object.fromEntries(['ami', 'infra', 'web', 'bot'].map((n) => [n, { type: 'nothing', why: 'deleted' }])) },
    [],
    { web: 'deleted' },
  ],
  [
    'a definition',
    { definitions: { [C1]: { web: 'its definition changed in x.yml' } } },
    ['web'],
    { web: 'its definition changed in x.yml, since 1111111111' },
  ],
  ['a definition cascades', { definitions: { [C1]: { ami: 'its definition changed' } } }, ['ami', 'infra'], {}],
  [
    'held: what was rolled back',
    {
      changes: { [C1]: ['web/a'], [C2]: ['bot/a'] },
      held: { web: [entry(C2, 'held', { cause: 'never got healthy' })] },
    },
    [],
    {
      web: 'the same content, at 2222222222, was rolled back from dev on 2026-11-20 10:00 UTC (never got healthy); change it',
    },
  ],
  [
    'not held: it changed since',
    { changes: { [C1]: ['web/a'], [C2]: ['web/b'] }, held: { web: [entry(C2, 'held')] } },
    ['web'],
    {},
  ],
  [
    'not held: its definition changed since',
    { changes: { [C1]: ['web/a'], [C2]: [] }, held: { web: [entry(C2, 'held')] }, definitions: { [C2]: { web: 'x' } } },
    ['web'],
    {},
  ],
  [
    'not held: what it depends on changed since',
    { changes: { [C1]: ['infra/a'], [C2]: ['infra/ami/a'] }, held: { infra: [entry(C2, 'held')] } },
    ['infra'],
    {},
  ],
  [
    'not held: forced',
    { changes: { [C1]: ['web/a'], [C2]: [] }, held: { web: [entry(C2, 'held')] }, forced: ['web'] },
    ['web'],
    {},
  ],
  [
    'held even when never deployed',
    { bases: { web: { type: 'everything', why: 'new' } }, changes: { [C2]: [] }, held: { web: [entry(C2, 'held')] } },
    [],
    { web: 'rolled back' },
  ],
  [
    'a held state that cannot be compared with holds nothing',
    { changes: { [C1]: ['web/a'] }, held: { web: [entry(C3, 'held')] } },
    ['web'],
    {},
  ],
  [
    'a name with a line end',
    { changes: { [C1]: ['web/a\n::error::x'] } },
    ['web'],
    { web: '"web/a\\n::error::x" matches web/**' },
  ],
];

test.each(rows)('%s', (_, given, ships, words) => {
  const decisions = decide(facts(given));
  expect(decisions.filter((d) => d.ships).map((d) => d.name)).toEqual(ships);
  for (const [name, expected] of Object.entries(words)) {
    const { reason = '' } = decisions.find((d) => d.name === name) ?? {};
    if (expected instanceof RegExp) expect(reason).toMatch(expected);
    else expect(reason).toContain(expected);
  }
});

test('a line of the log never holds a line end, whatever a ledger entry says', () => {
  const held = { web: [entry(C2, 'held', { cause: 'bad\n::set-env name=X::y\u2028z' })] };
  const web = decide(facts({ changes: { [C1]: ['web/a'], [C2]: [] }, held })).find((d) => d.name === 'web');
  expect(web && logLine(web)).toMatch(/^web: held: the same content.*bad ::set-env name=X::y z\); change it.*$/);
});

test('superseded: what would ship does not when a newer commit is deployed, unless it is forced', () => {
  const decisions = decide(facts({ changes: { [C1]: ['web/a', 'bot/a'] }, forced: ['bot'] }));
  const after = supersede(
    decisions,
    new Map([
      ['web', C2],
      ['bot', C2],
      ['infra', C2],
    ]),
  );
  expect(after.map((d) => [d.name, d.status])).toEqual([
    ['ami', 'unchanged'],
    ['infra', 'unchanged'],
    ['web', 'superseded'],
    ['bot', 'forced'],
  ]);
});

describe('ledgerBase', () => {
  const table: [string, LedgerEntry[] | undefined, object | undefined][] = [
    ['no entry: the event decides', undefined, undefined],
    [
      'the newest success',
      [entry(C3, 'failed'), entry(C2, 'deployed'), entry(C1, 'deployed')],
      { type: 'commit', commit: C2 },
    ],
    ['a hold is passed over', [entry(C3, 'held'), entry(C2, 'deployed')], { type: 'commit', commit: C2 }],
    [
      'only failures: everything is still missing',
      [entry(C3, 'failed')],
      { type: 'everything', why: 'no deployment to dev has succeeded yet (the last, of 3333333333, failed)' },
    ],
    ['only holds', [entry(C3, 'held')], { type: 'everything' }],
  ];
  test.each(table)('%s', (_, entries, expected) => {
    const base = ledgerBase(entries, 'dev');
    if (expected === undefined) expect(base).toBeUndefined();
    else expect(base).toMatchObject(expected);
  });
});

describe('heldEntries', () => {
  const release = (releaseFingerprint: string) => ({ releaseFingerprint });
  const table: [string, LedgerEntry[], string[]][] = [
    [
      'a hold counts before and after the return to the old release',
      [entry(C1, 'deployed'), entry(C2, 'held'), entry(C1, 'deployed')],
      [C2],
    ],
    ['in either order', [entry(C2, 'held'), entry(C1, 'deployed')], [C2]],
    [
      'a later success of the same release lifts it',
      [entry(C3, 'deployed', release('x')), entry(C2, 'held', release('x'))],
      [],
    ],
    [
      'a later success of another release does not',
      [entry(C3, 'deployed', release('y')), entry(C2, 'held', release('x'))],
      [C2],
    ],
    ['without fingerprints the commit tells', [entry(C2, 'deployed'), entry(C2, 'held')], []],
    ['an earlier success does not lift it', [entry(C2, 'held'), entry(C2, 'deployed')], [C2]],
    ['each commit once', [entry(C2, 'held'), entry(C2, 'held')], [C2]],
  ];
  test.each(table)('%s', (_, entries, commits) => {
    expect(heldEntries(entries).map((e) => e.commit)).toEqual(commits);
  });
});

describe('changedDefinitions', () => {
  const edit = (from: string, to: string) => EXAMPLE.replace(from, to);
  const table: [string, string | undefined, string, string[]][] = [
    ['the same text', EXAMPLE, 'dev', []],
    [
      'comments and order of keys',
      `# new\n${edit("cluster: '${output:infra.cluster}', service: web", "service: web, cluster: '${output:infra.cluster}'")}`,
      'dev',
      [],
    ],
    ['a deploy setting', edit('container: web', 'container: app'), 'dev', ['web']],
    [
      'paths and order',
      edit("paths: ['web/**']", "paths: ['web/**', 'lib/**']").replace(
        '    after: [infra]\n    image: { repository: sample-bot',
        '    image: { repository: sample-bot',
      ),
      'dev',
      [],
    ],
    ['a setting of another environment', edit('https://www.sample.test', 'https://old.sample.test'), 'dev', []],
    ['a setting of this environment', edit('https://www.sample.test', 'https://old.sample.test'), 'prod', ['web']],
    ['the role of this environment', edit('role/slipway-dev', 'role/old'), 'dev', ['ami', 'infra', 'web', 'bot']],
    [
      'a component that was not there',
      edit(/ {2}bot:\n[\s\S]*?(?=environments)/.exec(EXAMPLE)?.[0] ?? '?', ''),
      'dev',
      ['bot'],
    ],
    ['no file before', undefined, 'dev', ['ami', 'infra', 'web', 'bot']],
    ['an unreadable file before', 'version: 0', 'dev', ['ami', 'infra', 'web', 'bot']],
  ];
  test.each(table)('%s', (_, before, environment, expected) => {
    expect([...changedDefinitions(CONFIG, before, environment).keys()]).toEqual(expected);
  });
});
