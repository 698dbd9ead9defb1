import { readDockerConfig } from '../../lib/docker-config.ts';
import type { Login } from './base-digest.ts';

export interface BaseLoginPorts {
  /** The registry that is pushed to; undefined where nothing is. */
  own: { host: string; login(): Promise<Login> } | undefined;
  /** The login of another registry of ECR. */
  ecr(account: string, region: string): Promise<Login>;
  env: NodeJS.ProcessEnv;
}

// Source: ECR user guide, "Private registry": ACCOUNT.dkr.ecr.REGION.amazonaws.com, .cn in China; FIPS and dual-stack forms beside.
const ECR = /^(\d{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws)$/;

/** Whether a host is a registry of ECR, whose password a role can ask for. */
export const isEcr = (host: string): boolean => ECR.test(host);

/**
 * How to ask a base image's registry: ECR as the role that builds, others with what `docker login` left, or as nobody.
 * @returns for each host the login, asked for once.
 */
export function baseLogins(ports: BaseLoginPorts): (host: string) => Promise<Login | undefined> {
  const known = new Map<string, Promise<Login | undefined>>();
  const look = async (host: string): Promise<Login | undefined> => {
    if (host === ports.own?.host) return ports.own.login();
    const [, account, region] = ECR.exec(host) ?? [];
    if (account !== undefined && region !== undefined) return ports.ecr(account, region);
    const { auths = {} } = await readDockerConfig(ports.env);
    // docker login writes Docker Hub under this address, from before there were registries of others.
    const names = host === 'docker.io' ? ['https://index.docker.io/v1/', 'index.docker.io', 'docker.io'] : [host];
    const auth = names.map((name) => auths[name]?.auth).find((a) => a !== undefined && a !== '');
    if (auth === undefined) return undefined;
    const [user = '', ...rest] = Buffer.from(auth, 'base64').toString('utf8').split(':');
    return { user, password: rest.join(':') };
  };
  return (host) => {
    const login = known.get(host) ?? look(host);
    known.set(host, login);
    return login;
  };
}
