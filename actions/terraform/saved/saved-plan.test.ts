import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { Problem } from '../../../lib/errors.ts';
import { checkPlan, type Identity, type Now, openPlan, savePlan, sha256, stateOfPlan } from './saved-plan.ts';
import { isSealed, open, seal } from './seal.ts';

const KEY = randomBytes(32).toString('base64');
const IDENTITY: Identity = {
  repository: 'acme/sample',
  environment: 'prod',
  component: 'infra',
  root: 'infra',
  commit: 'a'.repeat(40),
  runId: '7',
  runAttempt: 1,
  product: 'Terraform',
  version: '1.11.4',
};
const HEADER = { ...IDENTITY, at: '2026-11-25T00:00:00.000Z' };
const STATE = { serial: 3, lineage: 'l-1' };
const INPUTS = { 'variable password': 'secret-word', 'variable size': 'small' };

/** A zip archive of one deflated file, as a plan file is one of several. */
function planFile(state: unknown): Buffer {
  const name = Buffer.from('tfstate');
  const data = Buffer.from(JSON.stringify(state));
  const packed = deflateRawSync(data);
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(name.length, 26);
  const central = Buffer.alloc(46);
  central.writeUInt32LE(0x02014b50, 0);
  central.writeUInt16LE(8, 10);
  central.writeUInt32LE(packed.length, 20);
  central.writeUInt32LE(data.length, 24);
  central.writeUInt16LE(name.length, 28);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(local.length + name.length + packed.length, 16);
  return Buffer.concat([local, name, packed, central, name, end]);
}

const PLAN = planFile({ version: 4, ...STATE, outputs: { password: { value: 'secret-word' } } });
const saved = (over: Partial<typeof HEADER> = {}, destroy = false) =>
  savePlan(PLAN, { header: { ...HEADER, ...over }, destroy, inputs: INPUTS }, KEY);

test('what was saved is what comes out, and nothing of it can be read on the way', () => {
  const file = saved();
  expect(isSealed(file)).toBe(true);
  const { header, inner, plan } = openPlan(file, KEY);
  expect([header, inner.state, plan.equals(PLAN)]).toEqual([HEADER, STATE, true]);
  for (const word of ['secret-word', 'small', 'l-1', 'tfstate', sha256(PLAN)]) expect(file.includes(word)).toBe(false);
  // Inputs with few possible values are no help either: two savings share nothing.
  expect(saved().subarray(-64).equals(file.subarray(-64))).toBe(false);
});

test('a change of any byte is found', () => {
  const file = saved();
  for (let at = 0; at < file.length; at += 7) {
    const changed = Buffer.from(file);
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
    expect(() => open(changed, KEY)).toThrow(Problem);
  }
  for (const part of [file.subarray(0, 40), file.subarray(0, -1), Buffer.alloc(0), Buffer.from('PK')])
    expect(() => open(part, KEY)).toThrow(/the saved plan: .*Plan again/);
});

test('another key opens nothing, and one that could be guessed closes nothing', () => {
  expect(() => open(saved(), randomBytes(32).toString('base64'))).toThrow(/another key/);
  for (const key of ['', 'hunter2', 'x'.repeat(21)])
    expect(() => seal(HEADER, PLAN, key)).toThrow(/input 'plan-key': .*openssl rand/);
});

test('the state of a plan is read out of its file', () => {
  expect(stateOfPlan(PLAN)).toEqual(STATE);
  expect(() => stateOfPlan(Buffer.from('no plan'))).toThrow(/state that it was made from cannot be read/);
});

describe('an approved plan', () => {
  const now: Now = { identity: IDENTITY, approved: '', state: STATE, destroy: false, inputs: INPUTS };
  const check = (file: Buffer, over: Partial<Now>) => checkPlan(file, openPlan(file, KEY), { ...now, ...over }, KEY);

  test('is applied by its run, by a later attempt too, and by nothing else', () => {
    const file = saved();
    expect(() => check(file, { approved: sha256(file) })).not.toThrow();
    expect(() => check(file, { identity: { ...IDENTITY, runAttempt: 2 } })).not.toThrow();
  });

  const refused: [string, Partial<Now>, RegExp, string][] = [
    ['another file than the approved one', { approved: 'f'.repeat(64) }, /SHA-256 is .* was approved/, 'denied'],
    [
      'another repository',
      { identity: { ...IDENTITY, repository: 'eve/sample' } },
      /made for the repository/,
      'denied',
    ],
    [
      'another environment',
      { identity: { ...IDENTITY, environment: 'dev' } },
      /environment prod, and this is dev/,
      'denied',
    ],
    [
      'another component',
      { identity: { ...IDENTITY, component: 'net' } },
      /component infra, and this is net/,
      'denied',
    ],
    ['another root', { identity: { ...IDENTITY, root: 'net' } }, /the root infra/, 'denied'],
    ['another run', { identity: { ...IDENTITY, runId: '8' } }, /run 7, and this is 8/, 'denied'],
    ['a destroying run', { destroy: true }, /it does not destroy/, 'denied'],
    [
      'another commit',
      { identity: { ...IDENTITY, commit: 'b'.repeat(40) } },
      /made at commit aaaaaaaaaaaa/,
      'conflict',
    ],
    [
      'another version',
      { identity: { ...IDENTITY, version: '1.12.0' } },
      /Terraform 1.11.4, and this is .* 1.12.0/,
      'conflict',
    ],
    ['another product', { identity: { ...IDENTITY, product: 'OpenTofu' } }, /this is OpenTofu/, 'conflict'],
    [
      'another variable',
      { inputs: { ...INPUTS, 'variable size': 'large' } },
      /have come in since: variable size/,
      'conflict',
    ],
    ['one variable less', { inputs: { 'variable size': 'small' } }, /since: variable password/, 'conflict'],
    ['a state that has moved', { state: { ...STATE, serial: 4 } }, /stale: .*serial 3 .*now serial 4/, 'conflict'],
    ['another state', { state: { ...STATE, lineage: 'l-2' } }, /lineage l-1, .* lineage l-2/, 'conflict'],
    ['no state any more', { state: { serial: 0, lineage: '' } }, /a state that was never written/, 'conflict'],
  ];
  test.each(refused)('is refused for %s', (_, over, message, kind) => {
    let error: unknown;
    try {
      check(saved(), over);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ kind, message: expect.stringMatching(message) });
    expect((error as Problem).message).toMatch(/Nothing was changed/);
    expect((error as Problem).message).not.toMatch(/secret-word|large/);
  });

  test('is refused when a later attempt has made it, and when it destroys', () => {
    expect(() => check(saved({ runAttempt: 3 }), {})).toThrow(/attempt 3, which is later/);
    expect(() => check(saved({}, true), {})).toThrow(/it destroys everything, and this is an apply/);
  });
});
