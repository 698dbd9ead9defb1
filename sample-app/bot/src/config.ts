import { readFileSync } from 'node:fs';

export interface Config {
  discord: {
    token: string;
    /** REST base URL without version; the gateway's address is asked there. */
    apiUrl: string;
    /** Commands of one server appear at once; without it they are global and take longer. */
    guildId: string | undefined;
  };
  github: {
    apiUrl: string;
    token: string | undefined;
    /** owner/name; without it only /ping is of use. */
    repository: string | undefined;
    workflow: string;
    ref: string;
  };
  environments: string[];
  /** Ids of the roles that may deploy. Empty: nobody may. */
  deployRoles: string[];
  revision: string;
  healthFile: string;
}

/**
 * Reads the configuration from environment variables; a secret NAME may instead be in the file that NAME_FILE names.
 * @throws Error that names the variable and what it should hold, never the value of a secret.
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const token = secret(env, 'DISCORD_TOKEN');
  if (!token) throw new Error('DISCORD_TOKEN is not set: give the bot token, or its file in DISCORD_TOKEN_FILE.');
  const repository = env.GITHUB_REPOSITORY || undefined;
  if (repository !== undefined && !/^[\w.-]+\/[\w.-]+$/.test(repository)) {
    throw new Error(`GITHUB_REPOSITORY must be owner/name, and is "${repository}".`);
  }
  const deployRoles = list(env.DEPLOY_ROLE_IDS);
  const wrong = deployRoles.find((id) => !/^\d{17,20}$/.test(id));
  if (wrong !== undefined) throw new Error(`DEPLOY_ROLE_IDS must hold role ids (17 to 20 digits), and has "${wrong}".`);
  return {
    discord: {
      token,
      apiUrl: address(env, 'DISCORD_API_URL', 'https://discord.com/api'),
      guildId: env.DISCORD_GUILD_ID || undefined,
    },
    github: {
      apiUrl: address(env, 'GITHUB_API_URL', 'https://api.github.com'),
      token: secret(env, 'GITHUB_TOKEN'),
      repository,
      workflow: env.GITHUB_WORKFLOW_FILE || 'pipeline.yml',
      ref: env.GITHUB_DEPLOY_REF || 'main',
    },
    environments: env.ENVIRONMENTS ? list(env.ENVIRONMENTS) : ['dev', 'prod'],
    deployRoles,
    revision: env.SLIPWAY_REVISION || 'unknown',
    healthFile: env.HEALTH_FILE || '/tmp/bot-healthy',
  };
}

function secret(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const file = env[`${name}_FILE`];
  if (!file) return env[name] || undefined;
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch (error) {
    throw new Error(`${name}_FILE names ${file}, which cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

function address(env: NodeJS.ProcessEnv, name: string, fallback: string): string {
  const value = env[name] || fallback;
  if (!/^https?:$/.test(URL.canParse(value) ? new URL(value).protocol : '')) {
    throw new Error(`${name} must be an http(s) URL, and is "${value}".`);
  }
  return value.replace(/\/+$/, '');
}

function list(value: string | undefined): string[] {
  return (value ?? '').split(/[\s,]+/).filter(Boolean);
}
