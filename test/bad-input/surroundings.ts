import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { type Local, startLocal } from '../../local/start.ts';

const CONFIG = `version: 1
registry: { account: '123456789012', region: eu-central-1 }
components:
  ami: { kind: ami, paths: ['ami/**'] }
  infra: { kind: terraform, root: infra, paths: ['infra/**'], depends-on: [ami] }
  web:
    kind: service
    paths: ['web/**']
    after: [infra]
    image: { repository: web, context: web }
    deploy: { to: ecs, cluster: sample, service: web, container: web }
    verify: { url: 'http://127.0.0.1:9/health' }
  addressed: { kind: terraform, root: infra, paths: ['infra/**'], vars: { size: '\${ssm:/sample/size}' } }
  bot:
    kind: bot
    paths: ['bot/**']
    after: [infra]
    image: { repository: bot, context: bot }
    deploy: { to: ssm, targets: { 'tag:Role': docker-host } }
environments:
  dev: { region: eu-central-1 }
  misplaced: { region: eu-centrl-1 }
`;

/** Config files that are wrong in one way each, beside the one that is right. */
const CONFIGS: Readonly<Record<string, string>> = {
  'slipway.yml': CONFIG,
  'malformed.yml': 'version: 1\ncomponents:\n  web: { kind: service, paths: [\n',
  'cycle.yml': CONFIG.replace("paths: ['ami/**']", "paths: ['ami/**'], depends-on: [infra]"),
};

const FILES: Readonly<Record<string, string>> = {
  'web/Dockerfile': 'FROM scratch\nCOPY . /\n',
  'bot/Dockerfile': 'FROM scratch\nCOPY . /\n',
  'infra/main.tf': 'variable "size" { default = 1 }\n',
  'ami/image.pkr.hcl': 'source "null" "x" { communicator = "none" }\nbuild { sources = ["null.x"] }\n',
  'definitions/malformed.json': '{ "family": "web", "containerDefinitions": [ }',
  'definitions/malformed.yml': 'family: web\ncontainerDefinitions: [\n',
  'event-malformed.json': '{ "before": ',
  // One for each action, since they write there too.
  'results/discord-notify/result-infra.json': '{ "component": ',
  'results/ship/result-infra.json': '{ "component": ',
  'results/terraform/result-infra.json': '{ "component": ',
};

export interface Surroundings {
  local: Local;
  /** A local pipeline whose AWS calls all answer that the session has expired. */
  expired: Local;
  /** A git checkout with every file that the actions ask for. */
  checkout: string;
  /** The same files in a folder that git knows nothing of. */
  bare: string;
  /** An address on which nothing listens. */
  closed: string;
  /** An address that takes connections and never answers, as a metadata service behind a firewall. */
  silent: string;
  /** PATH with git and node, without a container engine's command. */
  withoutDocker: string;
  stop(): Promise<void>;
}

export async function makeSurroundings(): Promise<Surroundings> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-bad-'));
  const world = {
    repositories: ['web', 'bot'],
    clusters: [
      {
        name: 'sample',
        taskDefinitions: [{ family: 'web', containerDefinitions: [{ name: 'web', image: 'nothing', memory: 32 }] }],
        services: [{ serviceName: 'web', taskDefinition: 'web', desiredCount: 0 }],
      },
    ],
    hosts: [{ id: 'i-00000000000000001', tags: { Role: 'docker-host' }, online: false }],
    roles: [{ name: 'slipway-dev' }],
  };
  const [local, expired] = await Promise.all([startLocal({ world }), startLocal({ world })]);
  const message = 'The security token included in the request is expired';
  const effect = { error: 'ExpiredTokenException', message, httpStatus: 400 };
  for (const service of ['ecs', 'ecr', 'ssm', 'sts']) expired.faults.add({ service, effect });
  const checkout = writeFiles(join(folder, 'checkout'));
  const git = (...args: string[]) => execFileSync('git', args, { cwd: checkout, stdio: 'pipe' });
  git('init', '--quiet', '--initial-branch=main');
  git('add', '-A');
  git('-c', 'user.name=t', '-c', 'user.email=t@t.invalid', 'commit', '--quiet', '-m', 'all');
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const sockets = new Set<Socket>();
  silent.on('connection', (socket) => sockets.add(socket.on('error', () => undefined)));
  return {
    local,
    expired,
    checkout,
    silent: `http://127.0.0.1:${portOf(silent)}`,
    bare: writeFiles(join(folder, 'bare')),
    closed: `http://127.0.0.1:${await closedPort()}`,
    withoutDocker: pathWithout(join(folder, 'bin'), ['git', 'node']),
    async stop() {
      for (const socket of sockets) socket.destroy();
      silent.close();
      await Promise.all([local.stop(), expired.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function writeFiles(folder: string): string {
  const configs = Object.entries(CONFIGS).map(([name, text]) => [`.github/${name}`, text] as const);
  for (const [name, text] of [...Object.entries(FILES), ...configs]) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** A port that was free a moment ago: whoever connects is refused. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const port = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** A folder that has these programs and no others. */
function pathWithout(folder: string, programs: readonly string[]): string {
  mkdirSync(folder, { recursive: true });
  for (const program of programs) {
    const found = (process.env.PATH ?? '')
      .split(delimiter)
      .map((entry) => join(entry, program))
      .find((path) => existsSync(path));
    if (found) symlinkSync(found, join(folder, program));
  }
  return folder;
}
