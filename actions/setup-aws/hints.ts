/** The claims of an OIDC token that a trust policy can ask for. */
export interface TokenClaims {
  sub?: string;
  aud?: string;
  iss?: string;
  job_workflow_ref?: string;
  repository?: string;
}

/** What about this token most often does not fit a trust policy, sentence by sentence; the subject's form decides. */
export function hintsOf({ sub = '', job_workflow_ref: workflow }: TokenClaims): string[] {
  const match = /^repo:([^:]+):(.*)$/.exec(sub);
  if (!match) {
    return [
      'the repository or its organisation has customised the subject, so that a condition on repo:OWNER/REPO:… does not match',
    ];
  }
  const [, slug = '', rest = ''] = match;
  return [
    ...formOf(rest),
    ...(/@\d/.test(slug)
      ? [
          'the subject has the numeric ids of repositories created or renamed since 2026-07-15, which repo:OWNER/REPO:… does not match',
        ]
      : []),
    ...(/[A-Z]/.test(slug) ? ['conditions compare letter case'] : []),
    ...(workflow ? [`a condition on job_workflow_ref has to accept ${workflow}`] : []),
  ];
}

function formOf(rest: string): string[] {
  const environment = /^environment:(.*)$/.exec(rest)?.[1];
  if (environment !== undefined)
    return [`the job has \`environment: ${environment}\`, so that its subject names that and no branch`];
  if (rest === 'pull_request')
    return ['the run is of a pull request, whose subject names neither branch nor environment'];
  if (rest.startsWith('ref:'))
    return [
      'the job has no `environment`, so that its subject names the ref, and a condition on an environment does not match',
    ];
  return [];
}
