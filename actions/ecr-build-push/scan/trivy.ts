import { Problem } from '../../../lib/errors.ts';
import type { Processes } from '../../../lib/process.ts';
import type { Finding } from './finding.ts';
import type { Scanned } from './platforms.ts';
import { severityOf } from './severity.ts';

export interface TrivyPorts {
  processes: Processes;
  /** With a docker configuration that opens the registry: trivy reads it as docker does. */
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  timeoutMs: number;
}

interface TrivyReport {
  Results?: {
    Vulnerabilities?: {
      VulnerabilityID?: string;
      PkgName?: string;
      InstalledVersion?: string;
      FixedVersion?: string;
      Severity?: string;
    }[];
  }[];
}

/**
 * The findings of the trivy that is installed. It gets the digest, never a tag, so that what is scanned is what was built.
 * @param uri HOST/NAME
 * @throws Problem kind `environment` when trivy is missing, `service` when it fails
 */
export async function trivyFindings({ digest, platform }: Scanned, uri: string, ports: TrivyPorts): Promise<Finding[]> {
  const argv = ['trivy', 'image', '--quiet', '--format', 'json', '--scanners', 'vuln', `${uri}@${digest}`] as const;
  const { processes, env, signal, timeoutMs } = ports;
  const { code, stdout, stderr } = await processes.run(argv, { env, signal, timeoutMs }).catch(missing);
  if (code !== 0) throw failed(`it ended with exit code ${code}: ${lastLines(stderr)}`);
  let report: TrivyReport;
  try {
    report = JSON.parse(stdout.toString('utf8')) as TrivyReport;
  } catch (error) {
    throw failed(`its report is no JSON (${(error as Error).message})`);
  }
  return (report.Results ?? []).flatMap(({ Vulnerabilities }) =>
    (Vulnerabilities ?? []).map((v): Finding => {
      const fixedIn = v.FixedVersion ?? '';
      return {
        id: v.VulnerabilityID ?? '',
        severity: severityOf(v.Severity),
        package: v.PkgName ?? '',
        installed: v.InstalledVersion ?? '',
        fixedIn,
        fixable: fixedIn === '' ? 'no' : 'yes',
        platforms: [platform],
      };
    }),
  );
}

function missing(error: unknown): never {
  if (!(error instanceof Problem) || error.kind !== 'environment') throw error;
  throw new Problem({
    what: "input 'scan'",
    seen: 'trivy',
    cause: 'the program trivy is not on PATH',
    fix: 'Install it in a step before this one (aquasecurity/setup-trivy), or use `scan: ecr`',
    kind: 'environment',
    underlying: error,
  });
}

function failed(cause: string): Problem {
  return new Problem({
    what: 'trivy',
    cause,
    fix: 'Correct what it names; its vulnerability database needs the network or a cache (TRIVY_CACHE_DIR)',
    kind: 'service',
  });
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-5).join('\n');
}
