import type { Configured, Defaults } from '../../lib/config/action.ts';

/** The inputs as the component's `verify` in the config file gives them. */
export function defaults({ component }: Configured): Defaults {
  const verify = component && 'verify' in component ? component.verify : undefined;
  if (!verify) return {};
  return {
    url: [verify.url].flat().join('\n'),
    expect: verify.expect && JSON.stringify(verify.expect),
    timeout: verify.timeout,
    interval: verify.interval,
    successes: verify.successes?.toString(),
  };
}
