import type { Configured, Defaults } from '../../lib/config/action.ts';

/** The inputs as the component's `verify` in the config file gives them. */
export function defaults({ component }: Configured): Defaults {
  const verify = component && 'verify' in component ? component.verify : undefined;
  if (!verify) return {};
  const yaml = (value: unknown) => (value === undefined ? undefined : JSON.stringify(value));
  const { baseline, resolve } = verify;
  return {
    url: [verify.url ?? []].flat().join('\n'),
    endpoints: yaml(verify.endpoints),
    method: verify.method,
    headers: yaml(verify.headers),
    body: verify.body,
    expect: yaml(verify.expect),
    timeout: verify.timeout,
    interval: verify.interval,
    'max-interval': verify['max-interval'],
    'attempt-timeout': verify['attempt-timeout'],
    timeouts: yaml(verify.timeouts),
    successes: verify.successes?.toString(),
    'fail-fast': verify['fail-fast']?.toString(),
    instances: yaml(verify.instances),
    redirects: verify.redirects,
    resolve:
      resolve &&
      Object.entries(resolve)
        .map((pair) => pair.join('='))
        .join('\n'),
    'ip-version': verify['ip-version'],
    'ca-file': verify['ca-file'],
    soak: yaml(verify.soak),
    'baseline-rules': typeof baseline === 'object' ? yaml(baseline) : undefined,
    'load-balancer': yaml(verify['load-balancer']),
  };
}
