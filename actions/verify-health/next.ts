import type { FailureReason } from './failure.ts';

/** What to look at, by what was wrong last. */
export const NEXT: Readonly<Record<FailureReason, string>> = {
  dns: 'Check the host in `url`, and that its DNS record exists where the runner looks names up',
  refused:
    'Check the port in `url`, that the service listens on it, and that firewalls and security groups let the runner in',
  tls: 'Check that the certificate is for the host in `url`, still valid, and sent with its whole chain; `ca-file` or NODE_EXTRA_CA_CERTS name a CA of your own',
  timeout: 'Look at the service’s log; raise `timeout` or `attempt-timeout` if it is only slow',
  status: 'Look at the service’s log for these requests, or correct `expect.status`',
  assert: 'Look at the service’s log, or correct `expect` or the limits of `soak`',
  'version-mismatch':
    'See whether the deployment ended and every earlier instance is gone; a cache or another service at this address answers like this too',
  flapping: 'Look for instances that restart, or for an earlier version behind the same address',
  regression: 'Compare the service’s log and metrics with those before the deployment',
};
