import { describe, expect, test } from '@jest/globals';
import { evaluate, type IamRequest, type PolicyDocument, type Statement } from './evaluate.ts';
import { voidGrants } from './void.ts';

const policy = (...statements: Statement[]): PolicyDocument => ({ Version: '2012-10-17', Statement: statements });
const ask = (document: PolicyDocument, request: Partial<IamRequest>, boundary?: PolicyDocument) =>
  evaluate([document], { action: 's3:GetObject', resource: 'arn:aws:s3:::bucket/key', ...request }, boundary).allowed;
const allow = (statement: Partial<Statement>): PolicyDocument =>
  policy({ Effect: 'Allow', Action: 's3:GetObject', Resource: '*', ...statement });

test('what nothing allows is denied, and one denial outweighs every grant', () => {
  expect(ask(policy(), {})).toBe(false);
  expect(ask(allow({}), {})).toBe(true);
  expect(
    ask(policy({ Effect: 'Allow', Action: '*', Resource: '*' }, { Effect: 'Deny', Action: 's3:*', Resource: '*' }), {}),
  ).toBe(false);
});

test.each<[Partial<Statement>, Partial<IamRequest>, boolean]>([
  [{ Action: 'S3:getobject' }, {}, true],
  [{ Action: 's3:Get*' }, {}, true],
  [{ Action: 's3:GetObject?' }, {}, false],
  [{ Action: ['ec2:*', 's3:Put*'] }, {}, false],
  [{ Resource: 'arn:aws:s3:::bucket/*' }, {}, true],
  [{ Resource: 'arn:aws:s3:::Bucket/*' }, {}, false],
  [{ Resource: 'arn:aws:s3:::bucket' }, {}, false],
  [
    { Resource: 'arn:aws:ssm:*:123456789012:parameter/x' },
    { resource: 'arn:aws:ssm:a:b:123456789012:parameter/x' },
    false,
  ],
  [{ Resource: 'arn:aws:s3:::bucket/*' }, { resource: '*' }, false],
  [{ Resource: 'arn:aws:s3:::${aws:userid}/*' }, { context: { 'aws:userid': 'bucket' } }, true],
  [{ Resource: 'arn:aws:s3:::${aws:userid}/*' }, {}, false],
])('%j over %j: %s', (statement, request, expected) => {
  expect(ask(allow(statement), request)).toBe(expected);
});

test('NotAction and NotResource mean all others', () => {
  const others = policy({ Effect: 'Allow', NotAction: 'iam:*', NotResource: 'arn:aws:s3:::secret/*' });
  expect(ask(others, {})).toBe(true);
  expect(ask(others, { action: 'iam:CreateRole' })).toBe(false);
  expect(ask(others, { resource: 'arn:aws:s3:::secret/key' })).toBe(false);
});

describe('conditions', () => {
  const KEY = 'aws:PrincipalTag/team';
  test.each<[string, string[], IamRequest['context'], boolean]>([
    ['StringEquals', ['a', 'b'], { [KEY]: 'b' }, true],
    ['StringEquals', ['a'], { [KEY]: 'A' }, false],
    ['StringEquals', ['a*'], { [KEY]: 'ab' }, false],
    ['StringEquals', ['a'], {}, false],
    ['StringEquals', ['a'], { 'AWS:principaltag/TEAM': 'a' }, true],
    ['StringEqualsIfExists', ['a'], {}, true],
    ['StringEqualsIfExists', ['a'], { [KEY]: 'b' }, false],
    ['StringEqualsIgnoreCase', ['a'], { [KEY]: 'A' }, true],
    ['StringNotEquals', ['a', 'b'], { [KEY]: 'b' }, false],
    ['StringNotEquals', ['a', 'b'], { [KEY]: 'c' }, true],
    ['StringNotEquals', ['a'], {}, true],
    ['StringLike', ['a*c', 'x?'], { [KEY]: 'abbc' }, true],
    ['StringLike', ['x?'], { [KEY]: 'x' }, false],
    ['StringNotLike', ['a*'], { [KEY]: 'abc' }, false],
    ['ArnLike', ['arn:aws:ecs:*:1:cluster/dev*'], { [KEY]: 'arn:aws:ecs:eu:1:cluster/dev-2' }, true],
    ['ArnLike', ['arn:aws:ecs:*:1:cluster/dev*'], { [KEY]: 'arn:aws:ecs:eu:2:cluster/dev' }, false],
    ['ArnNotEquals', ['arn:aws:ecs:eu:1:cluster/dev'], { [KEY]: 'arn:aws:ecs:eu:1:cluster/dev' }, false],
    ['Bool', ['true'], { [KEY]: 'true' }, true],
    ['Bool', ['true'], {}, false],
    ['Null', ['true'], {}, true],
    ['Null', ['false'], {}, false],
    ['Null', ['false'], { [KEY]: 'a' }, true],
    ['ForAllValues:StringEquals', ['a', 'b'], { [KEY]: ['a', 'b'] }, true],
    ['ForAllValues:StringEquals', ['a', 'b'], { [KEY]: ['a', 'c'] }, false],
    ['ForAllValues:StringEquals', ['a'], {}, true],
    ['ForAnyValue:StringLike', ['a*'], { [KEY]: ['b', 'ab'] }, true],
    ['ForAnyValue:StringLike', ['a*'], { [KEY]: ['b', 'c'] }, false],
    ['ForAnyValue:StringLike', ['a*'], {}, false],
  ])('%s %j over %j: %s', (operator, values, context, expected) => {
    expect(ask(allow({ Condition: { [operator]: { [KEY]: values } } }), context ? { context } : {})).toBe(expected);
  });

  test('all of a statement’s have to hold', () => {
    const both = allow({ Condition: { StringEquals: { a: '1', b: '2' } } });
    expect(ask(both, { context: { a: '1', b: '2' } })).toBe(true);
    expect(ask(both, { context: { a: '1' } })).toBe(false);
  });

  test.each([
    ['an operator that is not known', { Condition: { NumericLessThan: { a: '1' } } }, { a: '1' }],
    ['several values without a quantifier', { Condition: { StringEquals: { a: '1' } } }, { a: ['1', '2'] }],
    ['an element that is not known', { NotPrincipal: '*' }, {}],
  ])('%s is an error, and no answer', (_, statement, context) => {
    expect(() => ask(allow(statement as Partial<Statement>), { context })).toThrow();
  });
});

test('principals: one of the list, the account for all in it, and nobody else', () => {
  const trust = (Principal: Statement['Principal']) =>
    policy({ Effect: 'Allow', Action: 'sts:AssumeRole', ...(Principal ? { Principal } : {}) });
  const asks = (principal: IamRequest['principal'], document: PolicyDocument) =>
    ask(document, { action: 'sts:AssumeRole', ...(principal ? { principal } : {}) });
  const ecs = trust({ Service: ['ecs.amazonaws.com', 'ecs-tasks.amazonaws.com'] });
  expect(asks({ type: 'Service', id: 'ecs-tasks.amazonaws.com' }, ecs)).toBe(true);
  expect(asks({ type: 'Service', id: 'ec2.amazonaws.com' }, ecs)).toBe(false);
  expect(asks(undefined, ecs)).toBe(false);
  const account = trust({ AWS: 'arn:aws:iam::123456789012:root' });
  expect(asks({ type: 'AWS', id: 'arn:aws:iam::123456789012:role/x' }, account)).toBe(true);
  expect(asks({ type: 'AWS', id: 'arn:aws:iam::210987654321:role/x' }, account)).toBe(false);
});

test('a boundary takes away and gives nothing', () => {
  expect(ask(allow({}), {}, allow({}))).toBe(true);
  expect(ask(allow({}), {}, allow({ Action: 'ec2:*' }))).toBe(false);
  expect(ask(policy(), {}, allow({}))).toBe(false);
});

describe('void grants', () => {
  const complaints = (statement: Partial<Statement>) => voidGrants(allow({ Sid: 'One', ...statement }));
  const cluster = { ArnEquals: { 'ecs:cluster': 'arn:aws:ecs:eu-central-1:123456789012:cluster/dev' } };
  test.each<[string, Partial<Statement>, RegExp]>([
    ['an action that does not exist', { Action: 'ecs:UpdateServices' }, /ecs:UpdateServices is no action of AWS/],
    ['a pattern that stands for none', { Action: 'ecs:Deploy*' }, /ecs:Deploy\* stands for no action/],
    [
      'a key that AWS does not fill in',
      { Action: 'ecs:TagResource', Condition: cluster },
      /AWS fills in no ecs:cluster/,
    ],
    [
      'a resource where the action knows none',
      { Action: 'ecr:GetAuthorizationToken', Resource: 'arn:aws:ecr:eu-central-1:1:repository/x' },
      /knows no resource/,
    ],
    [
      'a resource of another kind',
      { Action: 'ecs:UpdateService', Resource: 'arn:aws:ecs:eu-central-1:1:cluster/x' },
      /it knows .*service\//,
    ],
  ])('%s', (_, statement, words) => {
    expect(complaints(statement)).toEqual([expect.stringMatching(words)]);
  });

  test.each<[string, Partial<Statement>]>([
    ['a key that it does fill in', { Action: 'ecs:UpdateService', Condition: cluster }],
    [
      'a key that every request has',
      { Action: 'ecs:RegisterTaskDefinition', Condition: { StringEquals: { 'aws:RequestedRegion': 'eu-central-1' } } },
    ],
    [
      'a key that only has to be missing',
      { Action: 'ecs:TagResource', Condition: { StringNotEquals: { 'ecs:cluster': 'x' } } },
    ],
    ['a denial', { Effect: 'Deny', Action: 'ecs:TagResource', Condition: cluster }],
    ['a pattern of which some fit', { Action: 'ecs:*', Condition: cluster }],
    ['a resource of its kind', { Action: 'ecs:UpdateService', Resource: 'arn:aws:ecs:*:123456789012:service/dev/*' }],
  ])('%s is none', (_, statement) => {
    expect(complaints(statement)).toEqual([]);
  });
});
