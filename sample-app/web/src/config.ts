import { readFileSync } from 'node:fs';

/** A service that must be reachable before this one is ready. The address carries no credentials. */
export interface Dependency {
  name: string;
  host: string;
  port: number;
}

export interface Config {
  host: string;
  port: number;
  version: string;
  /** Commit that the image was built from; set by the deployment. */
  revision: string;
  /** Digest of the image that runs; set by the deployment. */
  digest: string;
  environment: string;
  logLevel: string;
  /** Time between "not ready" and closing the port, for load balancers to notice. */
  drainMs: number;
  /** Time after which a stop gives up on unfinished requests; keep it under the container's stop time-out. */
  stopMs: number;
  dependencies: Dependency[];
}

const DEPENDENCIES = [
  { name: 'database', variable: 'DATABASE_URL', port: 5432 },
  { name: 'redis', variable: 'REDIS_URL', port: 6379 },
];

/**
 * Reads the configuration from environment variables.
 * @throws Error that names the variable and what it should hold; never the value of a URL, which may carry a password.
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const packageFile = new URL('../package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };
  return {
    host: env.HOST || '0.0.0.0',
    port: integer(env, 'PORT', 8080, 65_535),
    version,
    revision: env.SLIPWAY_REVISION || 'unknown',
    digest: env.SLIPWAY_DIGEST || 'unknown',
    environment: env.APP_ENVIRONMENT || 'development',
    logLevel: env.LOG_LEVEL || 'info',
    drainMs: integer(env, 'DRAIN_MS', 500, 600_000),
    stopMs: integer(env, 'STOP_MS', 25_000, 600_000),
    dependencies: DEPENDENCIES.flatMap(({ name, variable, port }) => {
      const address = env[variable];
      return address ? [dependency(name, variable, address, port)] : [];
    }),
  };
}

function integer(env: NodeJS.ProcessEnv, variable: string, fallback: number, max: number): number {
  const text = env[variable];
  if (!text) return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > max) {
    throw new Error(`${variable} must be a whole number from 0 to ${max}, and is "${text}".`);
  }
  return value;
}

function dependency(name: string, variable: string, address: string, defaultPort: number): Dependency {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url?.hostname) throw new Error(`${variable} must be a URL such as ${name}://host:${defaultPort}.`);
  return { name, host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port ? Number(url.port) : defaultPort };
}
