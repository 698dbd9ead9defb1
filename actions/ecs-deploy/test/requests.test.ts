import { expect, test } from '@jest/globals';
import { play, REGISTRY } from './play-aws.ts';
import type { Answers } from './recording-front.ts';
import { baseDefinition, DIGEST, type Script } from './scripted-ecs.ts';

/** What a deployment by default costs: preflight with an image in ECR, a role and a log group, and a rollout of 22 s. */

const done = (t: number): ReturnType<Script['deployment']> => {
  if (t < 800) return { status: 'PENDING' };
  if (t < 22_000)
    return { status: 'IN_PROGRESS', running: t < 10_000 ? 0 : t < 16_000 ? 1 : 2, pending: t < 16_000 ? 1 : 0 };
  return { status: 'SUCCESSFUL', running: 2, rollout: 'COMPLETED' };
};

function definition(): string {
  const base = baseDefinition();
  const [container] = base.containerDefinitions as Record<string, unknown>[];
  const healthCheck = { command: ['CMD-SHELL', 'true'] };
  return JSON.stringify({
    ...base,
    requiresCompatibilities: ['FARGATE'],
    executionRoleArn: 'arn:aws:iam::123456789012:role/execution',
    containerDefinitions: [{ ...container, image: `${REGISTRY}/sample-web@${DIGEST}`, healthCheck }],
  });
}

const INDEX = JSON.stringify({ manifests: [{ digest: DIGEST, platform: { os: 'linux', architecture: 'amd64' } }] });
const answers: Answers = {
  'ecr:BatchGetImage': () => ({ images: [{ imageManifest: INDEX }] }),
  'iam:GetRole': () =>
    '<GetRoleResponse><GetRoleResult><Role><RoleName>execution</RoleName></Role></GetRoleResult></GetRoleResponse>',
  'logs:DescribeLogGroups': () => ({ logGroups: [{ logGroupName: '/ecs/web' }] }),
};

test.each([0, 500, 1_000, 2_000])('20 requests at most (reads are stale for %d ms)', async (staleMs) => {
  const script = { deployment: done, staleMs };
  const options = { inputs: { 'task-definition': 'a.json' }, files: { 'a.json': definition() }, answers };
  const { report, calls } = await play(script, options);
  expect(report.outcome).toEqual({ status: 'succeeded', cause: '' });
  expect(calls).toEqual(expect.arrayContaining(['ecr:BatchGetImage', 'iam:GetRole', 'logs:DescribeLogGroups']));
  expect(calls.length).toBeLessThanOrEqual(20);
});
