import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { githubContext } from '../../lib/context.ts';
import { readInputs } from '../../lib/inputs.ts';
import { recordingLog } from '../../lib/log.ts';
import { failsOnError, stateOfWord, styleOf } from './compatibility.ts';
import { fields, STATUS_WORDS } from './inputs.ts';
import { render } from './render/message.ts';
import { tell } from './tell.ts';

/** The inputs of sarisia/actions-status-discord v1, from its action.yml at 19a9b10. */
const PEER = [
  'webhook',
  'status',
  'job',
  'content',
  'title',
  'description',
  'image',
  'color',
  'url',
  'username',
  'avatar_url',
  'nofail',
  'nocontext',
  'noprefix',
  'nodetail',
  'notimestamp',
  'ack_no_webhook',
];

const read = (given: Record<string, string>) => readInputs(fields, (name) => given[name] ?? '');

async function payloadOf(given: Record<string, string>) {
  const inputs = read(given);
  const context = githubContext({
    GITHUB_REPOSITORY: 'o/r',
    GITHUB_SHA: 'a'.repeat(40),
    GITHUB_WORKFLOW: 'ci',
    GITHUB_ACTOR: 'ada',
  });
  const story = await tell(inputs, {
    clock: { now: () => 0 },
    log: recordingLog(),
    context,
    runNumber: '',
    lookUp: undefined,
  });
  return render(story, styleOf(inputs), { mentions: [], attachments: [] }).payload;
}

describe('inputs of actions-status-discord', () => {
  test('are all there, in code and in the table of the README', () => {
    const { inputs } = parse(readFileSync(new URL('action.yml', import.meta.url), 'utf8')) as { inputs: object };
    const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8');
    const [, table = ''] = /## Coming from actions-status-discord\n([\s\S]*?)\n## /.exec(readme) ?? [];
    for (const name of PEER) {
      expect(Object.keys(inputs)).toContain(name);
      expect(table).toMatch(new RegExp(`^\\| .*\`${name}\``, 'm'));
    }
  });

  test.each([
    ['Success', '✅ ci succeeded', 0x22c55e],
    ['failure', '❌ ci failed', 0xef4444],
    ['CANCELLED', '⏹️ ci was cancelled', 0x94a3b8],
  ])('status %s', async (status, title, color) => {
    expect((await payloadOf({ status })).embeds[0]).toMatchObject({ title, color });
  });

  test('without a status it is that of the job', async () => {
    expect((await payloadOf({ 'job-status': 'failure' })).embeds[0]?.title).toBe('❌ ci failed');
    const needs = '{"a":{"result":"failure"}}';
    expect((await payloadOf({ 'job-status': 'success', needs })).embeds[0]?.title).toBe('❌ ci failed');
  });

  test('words, colour, address, picture and sender', async () => {
    const given = {
      status: 'success',
      title: 'Title',
      job: 'Job',
      description: 'It **works**',
      content: 'Hello',
      color: '0x0000ff',
      url: 'https://x.test/',
      image: 'https://x.test/a.png',
      username: 'Bot',
      avatar_url: 'https://x.test/b.png',
    };
    expect(await payloadOf(given)).toMatchObject({
      content: 'Hello',
      username: 'Bot',
      avatar_url: 'https://x.test/b.png',
      embeds: [
        {
          title: '✅ Job succeeded',
          url: 'https://x.test/',
          color: 255,
          description: expect.stringMatching(/^It \*\*works\*\*\n/),
          image: { url: 'https://x.test/a.png' },
          timestamp: '1970-01-01T00:00:00.000Z',
        },
      ],
    });
    expect(read({ color: '#00ff00' }).color).toBe(0xff00);
    expect(read({ color: '255' }).color).toBe(255);
  });

  test('switches', async () => {
    const status = 'success';
    expect((await payloadOf({ status, noprefix: 'true' })).embeds[0]?.title).toBe('ci');
    const bare = (await payloadOf({ status, nocontext: 'true' })).embeds[0];
    expect([bare?.description, bare?.footer]).toEqual([undefined, undefined]);
    const needs = '{"a":{"result":"success"}}';
    expect((await payloadOf({ needs, nodetail: 'true' })).embeds[0]).toEqual({
      title: 'ci',
      color: 0x22c55e,
      timestamp: '1970-01-01T00:00:00.000Z',
    });
    expect((await payloadOf({ status, notimestamp: 'true' })).embeds[0]).not.toHaveProperty('timestamp');
    expect([
      failsOnError(read({ nofail: 'false' })),
      failsOnError(read({ nofail: 'true' })),
      failsOnError(read({})),
    ]).toEqual([true, false, false]);
  });
});

test('every word for a status means a state', () => {
  for (const word of STATUS_WORDS) expect([word, stateOfWord(word)]).toEqual([word, expect.any(String)]);
  expect(
    ['rolled-back', 'unchanged', 'stopped', 'denied'].map((word) => stateOfWord(read({ status: word }).status)),
  ).toEqual(['failed', 'succeeded', 'cancelled', 'failed']);
});

test.each([
  [{ status: 'great' }, /input 'status' is "great": it is none of started, running/],
  [{ color: 'blue' }, /input 'color' is "blue": it is not a colour\. Write for instance #22c55e/],
  [
    { username: 'My Discord' },
    /input 'username' is "My Discord": Discord takes no name .* with "clyde" or "discord" in it/,
  ],
  [{ template: 'titel: x' }, /input 'template'.*titel/s],
  [{ 'thread-id': 'x' }, /input 'thread-id' is "x": it is not an id of Discord/],
  [{ log: 'all' }, /input 'log' is "all": it is none of attachment, thread, message/],
])('%j is refused with cause and fix', (given, message) => expect(() => read(given)).toThrow(message));

test('names come as words, or as the JSON that other actions put out', () => {
  expect(read({ components: '["infra","web"]', running: '["web"] []' })).toMatchObject({
    components: ['infra', 'web'],
    running: ['web'],
  });
  expect(read({ components: 'infra, web\nbot' }).components).toEqual(['infra', 'web', 'bot']);
});
