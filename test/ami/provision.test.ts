/**
 * The provisioning, really run: in fresh Debian roots with the distribution's own packages. Played are AWS's two downloads (signed
 * packages on loopback, by the settings that a mirror uses), snap, and there is no running systemd: units are checked and enabled, and
 * start nowhere, as in an image that is built in a chroot.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { DOCUMENT, encodePayload } from '../../actions/ssm-deploy/document.ts';
import { HOST_PROGRAM } from '../../actions/ssm-deploy/host-program.ts';
import { type Machine, type Suite, startMachine } from '../support/host-root.ts';
import { type Downloads, serveDownloads } from './downloads.ts';

let downloads: Downloads;
beforeAll(async () => {
  downloads = await serveDownloads();
});
afterAll(() => downloads.close());

const machines: Machine[] = [];
afterEach(async () => {
  await Promise.all(machines.splice(0).map((machine) => machine.remove()));
});

async function machine(suite: Suite): Promise<Machine> {
  const made = await startMachine(suite);
  machines.push(made);
  await made.write('/tmp/slipway/slipway-host', HOST_PROGRAM, 0o755);
  return made;
}

const settings = () => ({
  SLIPWAY_AWSCLI_URL: downloads.url,
  SLIPWAY_AGENT_URL: downloads.url,
  SLIPWAY_KEYS: '/tmp/slipway/keys',
});

/** As an operator and an image build do it. */
async function provision(on: Machine, env: Readonly<Record<string, string>> = {}) {
  return on.exec(['/tmp/slipway/slipway-host', 'provision'], { env: { ...settings(), ...env } });
}

/** As a deployment does it: the command of our SSM document, with nothing there but what a fresh machine has. */
async function bootstrap(on: Machine, env: Readonly<Record<string, string>> = {}) {
  const { mainSteps } = JSON.parse(DOCUMENT) as { mainSteps: [{ inputs: { runCommand: string[] } }] };
  const payload = encodePayload({
    v: 1,
    operation: 'bootstrap',
    component: '',
    environment: 'dev',
    group: 'hosts',
    region: 'eu-central-1',
  });
  const script = mainSteps[0].inputs.runCommand.join('\n').replace('{{ payload }}', payload);
  return on.exec(['sh', '-c', 'cat >/tmp/command.sh && sh /tmp/command.sh'], {
    env: { ...settings(), ...env },
    stdin: script,
  });
}

const steps = (text: string) => [...text.matchAll(/^slipway-step provision (.*)$/gm)].map((match) => match[1]);
const said = async (on: Machine, script: string) => (await on.exec(['bash', '-c', script])).text.trim();
/** Every file that is not the kernel's, by checksum, mode and owner. */
const files = (on: Machine) =>
  said(
    on,
    "find / -xdev -path /tmp -prune -o -path /proc -prune -o -path /sys -prune -o -path /var/lib/apt -prune -o -path '/var/cache' -prune -o -path /var/log -prune -o -path /run -prune -o -type f -printf '%p %m %U %T@\\n' | sort",
  );

const WANTED = {
  'log-driver': 'json-file',
  'log-opts': { 'max-size': '10m', 'max-file': '3' },
  'live-restore': true,
  'userland-proxy': false,
  'no-new-privileges': true,
};

describe.each<[Suite, string, typeof provision]>([
  ['bookworm', 'slipway-host provision', provision],
  ['trixie', 'bootstrap by a command', bootstrap],
])('a fresh %s, by %s', (suite, _, ready) => {
  test('becomes a host, and a second run changes nothing', async () => {
    const host = await machine(suite);
    await host.write('/tmp/slipway/keys/amazon-ssm-agent.asc', downloads.key);
    const first = await ready(host, { SLIPWAY_SSH: 'hardened', SLIPWAY_METRICS: 'private' });
    expect(first).toMatchObject({ code: 0 });
    expect(steps(first.text)).toContain('installed amazon-ssm-agent (deb)');

    const versions = await said(
      host,
      'docker --version; aws --version; docker-credential-ecr-login version; haproxy -v',
    );
    expect(versions).toMatch(/^Docker version 2\d[\s\S]*^aws-cli\/2\./m);
    expect(JSON.parse(await said(host, 'cat /etc/docker/daemon.json'))).toEqual(WANTED);
    expect(await said(host, 'cat /root/.docker/config.json; stat -c %a /root/.docker/config.json')).toMatch(
      /"credsStore": "ecr-login"[\s\S]*600$/,
    );
    expect(await said(host, 'cat /etc/systemd/system/prometheus-node-exporter.service.d/slipway.conf')).toContain(
      'IPAddressDeny=any',
    );
    expect(await said(host, 'sshd -T')).toMatch(/permitrootlogin no[\s\S]*passwordauthentication no/);
    expect(await said(host, 'apt-config shell X APT::Periodic::Unattended-Upgrade')).toBe("X='1'");
    expect(await said(host, 'stat -c %a /etc/docker /usr/local/sbin/slipway-host')).toBe('755\n755');
    const units =
      'slipway.service slipway-proxy.service slipway-prune.timer docker.service prometheus-node-exporter.service unattended-upgrades.service';
    expect(await said(host, `systemctl is-enabled ${units}`)).toBe(
      units.replace(/\S+/g, 'enabled').replaceAll(' ', '\n'),
    );
    expect(await said(host, `systemd-analyze verify --man=no ${units} slipway-prune.service && echo fine`)).toBe(
      'fine',
    );

    // Docker 20.10 cannot be asked.
    if (suite === 'trixie')
      expect(await said(host, 'dockerd --validate --config-file /etc/docker/daemon.json')).toBe('configuration OK');

    const before = await files(host);
    const second = await ready(host, { SLIPWAY_SSH: 'hardened', SLIPWAY_METRICS: 'private' });
    expect(second.code).toBe(0);
    expect(steps(second.text).filter((step) => step !== 'making the host ready')).toEqual(['nothing to change']);
    expect(await files(host)).toBe(before);
  }, 300_000);
});

/** An engine of another origin, and the rest of a machine that somebody has at work; awscli of version 2 is not to be had, as on Ubuntu. */
async function usedMachine(): Promise<Machine> {
  const used = await machine('bookworm');
  await used.write('/usr/local/bin/dockerd', '#!/bin/sh\n', 0o755);
  await used.write('/usr/local/bin/docker', '#!/bin/sh\necho Docker version 29.0.0\n', 0o755);
  await used.write(
    '/lib/systemd/system/docker.service',
    '[Service]\nExecStart=/usr/local/bin/dockerd\n[Install]\nWantedBy=multi-user.target\n',
  );
  await used.write('/etc/docker/daemon.json', '{"log-driver": "local", "live-restore": false, "bip": "10.9.0.1/24"}');
  await used.write('/root/.docker/config.json', '{"credsStore": "pass"}', 0o600);
  await used.write('/etc/apt/preferences.d/no-awscli', 'Package: awscli\nPin: release *\nPin-Priority: -1\n');
  await used.write(
    '/usr/local/bin/snap',
    '#!/bin/sh\necho "$*" >>/snap.calls\n[ "$1" != install ] || mkdir -p /snap/"$2"\n',
    0o755,
  );
  await used.exec(['mkdir', '/snap']);
  return used;
}

test('what is there is left alone; aws comes from AWS and the agent as a snap where the distribution has neither', async () => {
  const used = await usedMachine();
  await used.write('/tmp/slipway/keys/aws-cli.asc', downloads.key);
  const { code, text } = await provision(used, { SLIPWAY_SSH: 'none', SLIPWAY_LOG_GROUP: '/sample/hosts' });
  expect([code, text]).toEqual([0, expect.stringContaining('installed aws-cli/2.99.0')]);
  expect(steps(text)).toEqual(
    expect.arrayContaining([
      'installed amazon-ssm-agent (snap)',
      'disabled ssh.service; it stays up until the next boot',
      '/root/.docker/config.json has another credential store and is left alone; it has to know the registry of your images',
      '/etc/docker/daemon.json has log settings of its own: containers are not logged to /sample/hosts',
    ]),
  );
  expect(await said(used, 'cat /snap.calls')).toBe('wait system seed.loaded\ninstall amazon-ssm-agent --classic');
  expect(await said(used, "dpkg-query -W -f '${db:Status-Status}' docker.io")).not.toBe('installed');
  expect(JSON.parse(await said(used, 'cat /etc/docker/daemon.json'))).toEqual({
    'log-driver': 'local',
    'live-restore': false,
    bip: '10.9.0.1/24',
    'userland-proxy': false,
    'no-new-privileges': true,
  });

  // What fails, says so and can be put right.
  await used.write('/etc/docker/daemon.json', '{"bip": ');
  const broken = await provision(used);
  expect([broken.code, broken.text]).toEqual([1, expect.stringContaining('/etc/docker/daemon.json is no JSON object')]);
  await used.write('/etc/docker/daemon.json', '{}');
  expect((await provision(used)).code).toBe(0);
  expect(JSON.parse(await said(used, 'cat /etc/docker/daemon.json'))).toEqual(WANTED);

  // A download that its owner has not signed is not run; the built-in key of AWS is not this publisher's.
  await used.exec(['rm', '/usr/local/bin/aws', '/tmp/slipway/keys/aws-cli.asc']);
  const unsigned = await provision(used);
  expect(unsigned.code).toBe(1);
  expect(unsigned.text).toMatch(
    /is not signed by the key that is known here[\s\S]*the aws command line could not be installed/,
  );
  expect(await said(used, 'ls /usr/local/bin/aws 2>&1')).toContain('No such file');
}, 300_000);

test.each<[string, string, Record<string, string>, RegExp]>([
  [
    'another distribution',
    'sed -i \'s/^VERSION_ID=.*/VERSION_ID="11"/\' /etc/os-release',
    {},
    /this is debian-11; it provisions debian-12/,
  ],
  ['a setting that is none', ':', { SLIPWAY_SSH: 'off' }, /SLIPWAY_SSH is 'off': keep, hardened or none/],
  ['a log group that is none', ':', { SLIPWAY_LOG_GROUP: 'a b' }, /SLIPWAY_LOG_GROUP is 'a b'/],
  [
    'no packages',
    'echo "deb http://127.0.0.1:9/debian bookworm main" >/etc/apt/sources.list',
    {},
    /apt-get install ca-certificates curl jq failed/,
  ],
])(
  '%s ends it before anything is changed',
  async (_, script, env, message) => {
    const host = await machine('bookworm');
    await said(host, script);
    const before = await files(host);
    const { code, text } = await provision(host, env);
    expect(text).toMatch(message);
    expect(code).toBe(1);
    expect(await files(host)).toBe(before);
  },
  60_000,
);
