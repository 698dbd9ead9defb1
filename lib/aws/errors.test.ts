import { expect, test } from '@jest/globals';
import { Problem } from '../errors.ts';
import { awsConfig } from './client.ts';
import { exceptionOf, explainAws } from './errors.ts';

const call = { operation: 'ecs:UpdateService', resource: 'service sample/web' };
const error = (name: string, over: object = {}) => Object.assign(new Error(`${name} says so`), { name, ...over });

test.each([
  ['AccessDeniedException', {}, 'denied', /Allow ecs:UpdateService on service sample\/web/],
  ['ThrottlingException', {}, 'throttled', /later/],
  ['Whatever', { $metadata: { httpStatusCode: 429 } }, 'throttled', /later/],
  ['ServiceNotFoundException', {}, 'not-found', /name, the region and the account/],
  ['ExpiredTokenException', {}, 'credentials', /run setup-aws again/],
  [
    'InvalidSignatureException',
    { message: "Credential should be scoped to a valid region, not 'us-east-1'." },
    'credentials',
    /Correct the region/,
  ],
  ['CredentialsProviderError', {}, 'credentials', /id-token: write/],
  ['InvalidIdentityTokenException', {}, 'credentials', /id-token: write/],
  ['Error', { code: 'ECONNREFUSED' }, 'network', /AWS_ENDPOINT_URL/],
  ['Error', { cause: Object.assign(new Error('x'), { code: 'ENOTFOUND' }) }, 'network', /region/],
  ['TimeoutError', {}, 'network', /network/],
  ['ImageAlreadyExistsException', {}, 'conflict', /converge/],
  ['ServerException', { $fault: 'server' }, 'service', /Health Dashboard/],
  ['InvalidParameterException', { $fault: 'client' }, 'service', /Correct what the message names/],
  ['AbortError', {}, 'cancelled', /converge/],
])('%s %j is %s', (name, over, kind, fix) => {
  const problem = explainAws(error(name, over), call);
  expect(problem.kind).toBe(kind);
  expect(problem.message).toMatch(fix);
});

test('what is explained keeps the name of its exception', () => {
  expect(exceptionOf(explainAws(error('ScanNotFoundException'), call))).toBe('ScanNotFoundException');
  expect(exceptionOf(new Problem({ what: 'x', cause: 'y', fix: 'z' }))).toBe('');
  expect(exceptionOf(error('ScanNotFoundException'))).toBe('');
});

test('what is explained already passes through', () => {
  const problem = new Problem({ what: 'x', cause: 'y', fix: 'z' });
  expect(explainAws(problem, call)).toBe(problem);
});

test.each([
  'eu-centrl-1x',
  'frankfurt',
  'eu_central_1',
  'eu-central-1; rm',
  'eu-centrl-1',
  'eu-central',
  'us-northcentral-1',
])('region %p is refused before any call', (region) => {
  expect(() => awsConfig({ region, action: 'test' })).toThrow(/no AWS region is named like this/);
});

test.each([
  'eu-central-1',
  'us-gov-west-1',
  'cn-north-1',
  'ap-southeast-5',
  'mx-central-1',
  'us-iso-east-1',
  'eusc-de-east-1',
  'ap-northeast-3',
  'cn-northwest-1',
  'ca-west-1',
  'eu-north-1',
])('region %p is taken', (region) => {
  expect(awsConfig({ region, action: 'test' }).region).toBe(region);
});

test('no region names the ways to give one', () => {
  expect(() => awsConfig({ region: '', action: 'test' })).toThrow(/neither AWS_REGION nor AWS_DEFAULT_REGION/);
});
