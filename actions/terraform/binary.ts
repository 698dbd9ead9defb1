import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Processes } from '../../lib/process.ts';
import { findOnPath, hashicorpRelease, type InstallPorts, install, tofuRelease } from '../../lib/tools/install.ts';

/** Installed where no version is asked for and none is on PATH. */
const DEFAULT_VERSIONS = { terraform: '1.11.4', tofu: '1.10.6' } as const;

export interface BinaryWanted {
  tool: 'auto' | 'terraform' | 'tofu';
  /** Exact version; '' takes what is there. */
  version: string;
  mirror: string;
}

/**
 * The Terraform or OpenTofu to run: the one on PATH when it fits, else the release, from the tool cache or downloaded.
 * @throws Problem when the release cannot be had or is not what was published.
 */
export async function terraformBinary(
  { tool, version, mirror }: BinaryWanted,
  ports: InstallPorts & { processes: Processes },
): Promise<string> {
  const candidates = tool === 'auto' ? (['terraform', 'tofu'] as const) : ([tool] as const);
  for (const candidate of candidates) {
    const found = await findOnPath(candidate, ports.env);
    if (!found) continue;
    const binary = unwrapped(found);
    if (version === '' || (await versionOf(binary, ports)) === version) return binary;
  }
  const [wanted] = candidates;
  const exact = version || DEFAULT_VERSIONS[wanted];
  return install(wanted === 'tofu' ? tofuRelease(exact, mirror) : hashicorpRelease('terraform', exact, mirror), ports);
}

/**
 * The binary behind the wrapper that hashicorp/setup-terraform and opentofu/setup-opentofu put on PATH unless told not to. The wrapper
 * adds lines to what is read here, and ends on an interrupt while Terraform works on. Source: both actions, lib/setup-*.js.
 */
function unwrapped(found: string): string {
  const behind = join(dirname(found), basename(found).replace(/(\.exe)?$/, '-bin$1'));
  return existsSync(behind) ? behind : found;
}

async function versionOf(binary: string, { processes, env, signal }: InstallPorts & { processes: Processes }) {
  const { stdout } = await processes.run([binary, 'version', '-json'], { env, signal, timeoutMs: 20_000 });
  try {
    return (JSON.parse(stdout.toString('utf8')) as { terraform_version?: string }).terraform_version;
  } catch {
    return undefined;
  }
}
