import { describe, expect, test } from '@jest/globals';
import { changedAttributes } from './attributes.ts';
import { compareDeeds, decodeDeeds, deedsOf, encodeDeeds } from './digest.ts';
import { checkLimits, covers } from './limits.ts';
import { type Change, summarisePlan } from './plan.ts';
import { HIDDEN, Secrets, secretsOf, UNKNOWN } from './secrets.ts';

const none = new Secrets();

describe('what changes in a resource', () => {
  const rows: [string, Parameters<typeof changedAttributes>[0], unknown][] = [
    ['a text', { before: { a: 'x', b: 1 }, after: { a: 'y', b: 1 } }, [{ path: 'a', before: '"x"', after: '"y"' }]],
    [
      'what comes and goes',
      { before: { a: 'x' }, after: { b: null, c: true } },
      [
        { path: 'a', before: '"x"' },
        { path: 'c', after: 'true' },
      ],
    ],
    [
      'deep down',
      { before: { t: { Name: 'a', Env: 'e' } }, after: { t: { Name: 'b', Env: 'e' } } },
      [{ path: 't.Name', before: '"a"', after: '"b"' }],
    ],
    [
      'in a list',
      { before: { l: [{ p: 1 }, { p: 2 }] }, after: { l: [{ p: 1 }, { p: 3 }, { p: 4 }] } },
      [
        { path: 'l[1].p', before: '2', after: '3' },
        { path: 'l[2].p', after: '4' },
      ],
    ],
    [
      'a creation',
      { before: null, after: { a: 'x', l: [] }, after_unknown: { id: true } },
      [
        { path: 'a', after: '"x"' },
        { path: 'id', after: UNKNOWN },
        { path: 'l', after: '[]' },
      ],
    ],
    [
      'in a text of JSON, such as a policy',
      {
        before: { policy: '{"Statement":[{"Effect":"Allow","Action":"s3:*"}]}', other: '{not json' },
        after: { policy: '{ "Statement": [{ "Effect": "Deny", "Action": "s3:*" }] }', other: '{neither' },
      },
      [
        { path: 'other', before: '"{not json"', after: '"{neither"' },
        { path: 'policy.Statement[0].Effect', before: '"Allow"', after: '"Deny"' },
      ],
    ],
    [
      'a text of JSON that is only written otherwise',
      { before: { p: '{"a":1}' }, after: { p: '{ "a": 1 }' } },
      [{ path: 'p', before: '"{\\"a\\":1}"', after: '"{ \\"a\\": 1 }"' }],
    ],
    ['another shape', { before: { a: 'x' }, after: { a: { b: 1 } } }, [{ path: 'a', before: '"x"', after: '{"b":1}' }]],
    [
      'a sensitive one',
      { before: { a: 'x' }, after: { a: 'y' }, before_sensitive: { a: true }, after_sensitive: { a: true } },
      [{ path: 'a', before: HIDDEN, after: HIDDEN }],
    ],
    [
      'one that stops being sensitive',
      { before: { a: 'x' }, after: { a: 'y' }, before_sensitive: { a: true }, after_sensitive: {} },
      [{ path: 'a', before: HIDDEN, after: '"y"' }],
    ],
    ['a sensitive one that stays', { before: { a: 'x' }, after: { a: 'x' }, after_sensitive: { a: true } }, []],
    [
      'a part of what changed its shape',
      { before: { a: 1 }, after: { a: { b: 'x', c: 'y' } }, after_sensitive: { a: { b: true } } },
      [{ path: 'a', before: '1', after: `{"b":"${HIDDEN}","c":"y"}` }],
    ],
  ];
  test.each(rows)('%s', (_, change, expected) => {
    expect(changedAttributes(change, none)).toEqual(expected);
  });

  test('a long value is cut', () => {
    const [one] = changedAttributes({ before: null, after: { a: 'x'.repeat(5000) } }, none);
    expect(one?.after).toMatch(/^"x{199}… \(5002 characters\)$/);
  });
});

describe('sensitive texts', () => {
  test('are hidden wherever they turn up, the longest first', () => {
    const secrets = new Secrets();
    for (const text of ['hunter2', 'hunter2-and-more', 'ab', '']) secrets.add(text);
    expect(secrets.hide('postgres://u:hunter2@db hunter2-and-more')).toBe(`postgres://u:${HIDDEN}@db ${HIDDEN}`);
    expect(secrets.hide('hunter2hunter2')).toBe(HIDDEN + HIDDEN);
    expect(secrets.hide('ab')).toBe(HIDDEN);
    // Two letters are in half of all words.
    expect(secrets.hide('about')).toBe('about');
    expect(new Secrets().hide('hunter2')).toBe('hunter2');
  });

  test('are hidden as they stand in a text of JSON, in an address and in Base64', () => {
    const secrets = new Secrets();
    const word = 'p"w\\d/ä+1';
    secrets.add(word);
    const forms = [
      JSON.stringify({ a: word }),
      `x://u:${encodeURIComponent(word)}@h`,
      Buffer.from(word).toString('base64'),
    ];
    expect(forms.map((text) => secrets.hide(text))).toEqual([`{"a":"${HIDDEN}"}`, `x://u:${HIDDEN}@h`, HIDDEN]);
    // A text of which only this form is long enough hides nothing of others.
    secrets.add('a/b');
    expect(secrets.hide('xa%2Fbx')).toBe('xa%2Fbx');
  });

  test('come from variables, attributes, outputs and the state, at any depth', () => {
    const plan = {
      variables: { pw: { value: 'from-variable' }, open: { value: 'not-a-secret' } },
      configuration: { root_module: { variables: { pw: { sensitive: true, default: 'from-default' }, open: {} } } },
      resource_changes: [
        {
          change: {
            before: { a: ['x', { b: 'from-before' }] },
            before_sensitive: { a: [false, { b: true }] },
            after: { c: { d: 'from-after' } },
            after_sensitive: { c: true },
          },
        },
      ],
      resource_drift: [{ change: { before: { a: 'from-drift' }, before_sensitive: { a: true } } }],
      output_changes: { o: { before: 'from-output', before_sensitive: true } },
      planned_values: { outputs: { p: { sensitive: true, value: { q: 'from-planned' } } } },
      prior_state: {
        values: {
          root_module: {
            child_modules: [{ resources: [{ values: { k: 'from-child' }, sensitive_values: { k: true } }] }],
          },
        },
      },
    };
    const secrets = secretsOf(plan);
    const found = ['variable', 'default', 'before', 'after', 'drift', 'output', 'planned', 'child'];
    for (const word of found) expect([word, secrets.hide(`<from-${word}>`)]).toEqual([word, `<${HIDDEN}>`]);
    expect(secrets.hide('not-a-secret x')).toBe('not-a-secret x');
    expect(secrets.marked).toEqual(['from-variable', 'from-default']);
  });
});

describe('two plans', () => {
  const change = (address: string, action: Change['action'], attributes: string[] = []): Change => ({
    address,
    action,
    attributes,
    type: 't',
    values: [],
    moreValues: 0,
    forcedBy: [],
  });
  const deeds = (changes: Change[], outputs: string[] = []) => deedsOf({ changes, outputs });

  test('are the same whatever the order, and differ by action, address and attributes', () => {
    const before = deeds([change('a', 'update', ['x']), change('b', 'create')], ['url']);
    expect(compareDeeds(deeds([change('b', 'create'), change('a', 'update', ['x'])], ['url']), before)).toEqual({
      added: [],
      gone: [],
    });
    const now = deeds([change('a', 'replace', ['x']), change('c', 'destroy')], ['url']);
    const { added, gone } = compareDeeds(now, before);
    expect(added.map(({ action, address }) => `${action} ${address}`)).toEqual(['replace a', 'destroy c']);
    expect(gone.map(({ action, address }) => `${action} ${address}`)).toEqual(['update a', 'create b']);
  });

  test('travel through a comment', () => {
    const all = deeds([change('module.x["a --> b"].t.n', 'update', ['tags']), change('a', 'create')], ['o']);
    const text = encodeDeeds(all);
    expect(text).toMatch(/^<!-- slipway-deeds:1:[A-Za-z0-9+/=]+ -->\n$/);
    expect(decodeDeeds(`words\n${text}`)).toEqual(all);
  });

  test('that are too long for a comment leave no record', () => {
    const all = deeds([...Array(4000).keys()].map((i) => change(`a.${Math.sin(i)}`, 'create')));
    expect(encodeDeeds(all)).toBe('');
  });

  test.each(['', '<!-- slipway-deeds:1:AAAA -->', '<!-- slipway-deeds:1:!! -->', '<!-- slipway-deeds:2:AAAA -->'])(
    'what is no record (%j) is none',
    (text) => expect(decodeDeeds(text)).toBeUndefined(),
  );
});

describe('limits', () => {
  const rows: [string, string, boolean][] = [
    ['aws_db_instance.main', 'aws_db_instance.main', true],
    ['aws_db_instance.main', 'aws_db_instance.main[0]', true],
    ['aws_db_instance.main', 'aws_db_instance.main2', false],
    ['aws_db_instance.main', 'module.x.aws_db_instance.main', false],
    ['module.data', 'module.data.aws_db_instance.main["a"]', true],
    ['module.data', 'module.data["eu"].aws_s3_bucket.b', true],
    ['module.data', 'module.database.aws_s3_bucket.b', false],
    ['*.aws_db_instance.*', 'module.x.aws_db_instance.main', true],
    ['aws_db_instance.*', 'aws_db_instance.main', true],
    ['*.aws_db_instance.*', 'aws_db_instance.main', true],
    ['*.aws_db_instance.*', 'my_aws_db_instance.main', false],
    ['aws_db_instance.main[*]', 'aws_db_instance.main["a"]', true],
    ['aws_db_instance.main[*]', 'aws_db_instance.main', true],
    ['module.data[*].aws_db_instance.main', 'module.data[0].aws_db_instance.main', true],
    ['module.data[*].aws_db_instance.main', 'module.data.aws_db_instance.main[1]', true],
    ['aws_db_instance.main[*]', 'aws_db_instance.mainly', false],
    ['a.b[0]', 'a.b[0]', true],
    ['a.b[0]', 'a.b0', false],
    ['*', 'anything.at["all"]', true],
  ];
  test.each(rows)('%s covers %s: %s', (pattern, address, expected) => {
    expect(covers(pattern, address)).toBe(expected);
  });

  const plan = summarisePlan({
    format_version: '1.2',
    resource_changes: [
      { address: 'db.main', mode: 'managed', change: { actions: ['delete', 'create'] } },
      { address: 'web.a', mode: 'managed', change: { actions: ['delete'] } },
      { address: 'web.b', mode: 'managed', change: { actions: ['update'] } },
    ],
  });
  test('let through what takes nothing protected and not too much', () => {
    expect(() => checkLimits(plan, { protected: ['web.b', 'db.other'], maxDestroy: 2 })).not.toThrow();
    expect(() => checkLimits(plan, { protected: [], maxDestroy: undefined })).not.toThrow();
  });
  test('know what is protected by the name that it had before', () => {
    const renamed = (actions: string[]) =>
      summarisePlan({
        format_version: '1.2',
        resource_changes: [{ address: 'db.new', previous_address: 'db.main', mode: 'managed', change: { actions } }],
      });
    const limits = { protected: ['db.main'], maxDestroy: undefined };
    expect(() => checkLimits(renamed(['delete', 'create']), limits)).toThrow(
      /replace db.new \(before: db.main\), which/,
    );
    expect(() => checkLimits(renamed(['no-op']), limits)).not.toThrow();
  });
  test('refuse the loss of what is protected, also by replacement, and more than the ceiling', () => {
    expect(() => checkLimits(plan, { protected: ['db'], maxDestroy: undefined })).toThrow(
      /would replace db.main, which 'protected' keeps/,
    );
    expect(() => checkLimits(plan, { protected: [], maxDestroy: 1 })).toThrow(/2 resources, and 'max-destroy' is 1/);
    expect(() => checkLimits(plan, { protected: [], maxDestroy: 0 })).toThrow(/'max-destroy' to 2/);
  });
});
