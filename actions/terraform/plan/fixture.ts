/** A plan of many resources as `show -json` writes it, with sensitive values in every fourth one. For tests and the benchmark. */
export function largePlan(count: number, secret: string): unknown {
  const resource_changes = [...Array(count).keys()].map((i) => {
    const actions = [['create'], ['update'], ['delete', 'create'], ['delete']][i % 4] as string[];
    const values = (side: string) => ({
      name: `service-${i}-${side}`,
      password: `${secret}-${i}-${side}`,
      connection: `postgres://app:${secret}-${i}-${side}@db.internal:5432/app`,
      tags: { Name: `service-${i}`, Environment: 'prod', Side: side, Owner: 'platform-team' },
      ingress: [...Array(5).keys()].map((n) => ({
        port: 8000 + n,
        cidr: [`10.${n}.0.0/16`],
        description: `${side} ${n}`,
      })),
      policy: JSON.stringify({ Statement: [...Array(10).keys()].map((n) => ({ Sid: `s${n}`, Effect: side })) }),
    });
    const mask = { password: true, tags: {}, ingress: [{}, {}, {}, {}, {}] };
    return {
      address: `module.region["eu-central-${i % 3}"].module.service[${i}].aws_thing.main["${i}"]`,
      mode: 'managed',
      type: 'aws_thing',
      change: {
        actions,
        before: actions[0] === 'create' ? null : values('before'),
        after: actions.length === 1 && actions[0] === 'delete' ? null : values('after'),
        after_unknown: { arn: true },
        before_sensitive: actions[0] === 'create' ? false : mask,
        after_sensitive: mask,
        ...(actions.length === 2 && { replace_paths: [['name']] }),
      },
    };
  });
  return {
    format_version: '1.2',
    resource_changes,
    output_changes: { url: { actions: ['update'], before: 'a', after: 'b' } },
  };
}
