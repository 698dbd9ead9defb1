import { getIDToken } from '@actions/core';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import type { RunIdentity } from './claims.ts';
import { createOidc, type Oidc } from './server.ts';

let oidc: Oidc;
beforeAll(async () => {
  oidc = await createOidc({ identity: { repository: 'acme/sample', environment: 'dev', sha: 'a'.repeat(40) } });
});
afterAll(() => oidc.close());

async function tokenFor(identity: RunIdentity, audience?: string): Promise<string> {
  const url = audience ? `${oidc.requestUrl}&audience=${encodeURIComponent(audience)}` : oidc.requestUrl;
  const response = await fetch(url, { headers: { authorization: `Bearer ${oidc.issue(identity)}` } });
  return ((await response.json()) as { value: string }).value;
}

/** Verifies as a relying party does: discovery, key set, signature, issuer, audience. */
async function verify(token: string, audience: string) {
  const found = (await (await fetch(`${oidc.url}/.well-known/openid-configuration`)).json()) as {
    issuer: string;
    jwks_uri: string;
  };
  const keys = createRemoteJWKSet(new URL(found.jwks_uri));
  return (await jwtVerify(token, keys, { issuer: found.issuer, audience, algorithms: ['RS256'] })).payload;
}

test('the token that an action gets through the toolkit verifies by discovery', async () => {
  process.env.ACTIONS_ID_TOKEN_REQUEST_URL = oidc.requestUrl;
  process.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN = oidc.requestToken;
  try {
    const claims = await verify(await getIDToken('sts.amazonaws.com'), 'sts.amazonaws.com');
    expect(claims).toMatchObject({
      sub: 'repo:acme/sample:environment:dev',
      repository: 'acme/sample',
      environment: 'dev',
      sha: 'a'.repeat(40),
      ref: 'refs/heads/main',
    });
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(300);
  } finally {
    delete process.env.ACTIONS_ID_TOKEN_REQUEST_URL;
    delete process.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN;
  }
});

describe('subjects', () => {
  const repository = 'acme/sample';
  test.each<[RunIdentity, string]>([
    [{ repository }, 'repo:acme/sample:ref:refs/heads/main'],
    [{ repository, ref: 'refs/tags/v1' }, 'repo:acme/sample:ref:refs/tags/v1'],
    [{ repository, eventName: 'pull_request' }, 'repo:acme/sample:pull_request'],
    [{ repository, eventName: 'pull_request', environment: 'dev' }, 'repo:acme/sample:environment:dev'],
    [
      { repository, environment: 'dev', subjectForm: 'id', ownerId: 7, repositoryId: 42 },
      'repo:acme@7/sample@42:environment:dev',
    ],
    [{ repository, override: { sub: 'repo:evil/fork:ref:refs/heads/main' } }, 'repo:evil/fork:ref:refs/heads/main'],
  ])('%j -> %s', async (identity, sub) => {
    expect((await verify(await tokenFor(identity, 'x'), 'x')).sub).toBe(sub);
  });
});

test('without an audience it is the owner’s URL; the called workflow is named', async () => {
  const job = 'slipway/slipway/.github/workflows/app.yml@refs/tags/v1';
  const claims = await verify(
    await tokenFor({ repository: 'acme/sample', jobWorkflowRef: job }),
    'https://github.com/acme',
  );
  expect(claims.job_workflow_ref).toBe(job);
});

test.each([undefined, 'Bearer wrong', 'Basic x'])(
  'a request with authorization %s gets no token',
  async (authorization) => {
    const headers: Record<string, string> = authorization ? { authorization } : {};
    const response = await fetch(oidc.requestUrl, { headers });
    expect(response.status).toBe(401);
    expect(await response.text()).not.toContain('value');
  },
);

test('the snapshot tells who asked, and holds no token', async () => {
  await tokenFor({ repository: 'acme/other' }, 'y');
  const last = oidc.snapshot().issued.at(-1);
  expect(last).toMatchObject({ sub: 'repo:acme/other:ref:refs/heads/main', aud: 'y' });
  expect(JSON.stringify(oidc.snapshot())).not.toMatch(/eyJ/);
});
