/**
 * The provisioning, really run: in a fresh Debian root with the distribution's own packages, once; what else can happen to a host is tried
 * on that same machine, in the order of this file, since each full provisioning costs some 20 s of processor. SLIPWAY_HOST_ROOT=bookworm
 * (for `make setup-test` too) does it on another release. Played are AWS's two downloads (signed packages on loopback, by the settings that
 * a mirror uses), snap, and there is no running systemd: units are checked and enabled, and start nowhere, as in an image that is built in
 * a chroot.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DOCUMENT, encodePayload } from '../../actions/ssm-deploy/document.ts';
import { HOST_PROGRAM } from '../../actions/ssm-deploy/host-program.ts';
import { type Machine, startMachine } from '../support/host-root.ts';
import { type Downloads, serveDownloads } from './downloads.ts';

let downloads: Downloads;
let host: Machine;
beforeAll(async () => {
  downloads = await serveDownloads();
  host = await startMachine();
  await host.write('/tmp/slipway/slipway-host', HOST_PROGRAM, 0o755);
}, 120_000);
afterAll(async () => {
  await host?.remove();
  await downloads?.close();
});

const settings = () => ({
  SLIPWAY_AWSCLI_URL: downloads.url,
  SLIPWAY_AGENT_URL: downloads.url,
  SLIPWAY_KEYS: '/tmp/slipway/keys',
});

/** As an operator and an image build do it. */
async function provision(env: Readonly<Record<string, string>> = {}) {
  return host.exec(['/tmp/slipway/slipway-host', 'provision'], { env: { ...settings(), ...env } });
}

/** As a deployment does it: the command of our SSM document, with nothing there but what a fresh machine has. */
async function bootstrap(env: Readonly<Record<string, string>> = {}) {
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
  return host.exec(['sh', '-c', 'cat >/tmp/command.sh && sh /tmp/command.sh'], {
    env: { ...settings(), ...env },
    stdin: script,
  });
}

const steps = (text: string) => [...text.matchAll(/^slipway-step provision (.*)$/gm)].map((match) => match[1]);
const said = async (script: string) => (await host.exec(['bash', '-c', script])).text.trim();
/** Every file that is not the kernel's, by checksum, mode and owner. */
const files = () =>
  said(
    "find / -xdev -path /tmp -prune -o -path /proc -prune -o -path /sys -prune -o -path /var/lib/apt -prune -o -path '/var/cache' -prune -o -path /var/log -prune -o -path /run -prune -o -type f -printf '%p %m %U %T@\n' | sort",
  );
/** One function of the provisioning on its own, with what stands before it. */
const alone = (script: string) => {
  const functions = `. <(sed -n "/^# Provisioning:/,/=='$/p" /tmp/slipway/slipway-host)`;
  return host.exec(['bash', '-c', `${functions}\nprovision_changes=0\n${script}`]);
};

const WANTED = {
  'log-driver': 'json-file',
  'log-opts': { 'max-size': '10m', 'max-file': '3' },
  'live-restore': true,
  'userland-proxy': false,
  'no-new-privileges': true,
};

test.each<[string, string, Record<string, string>, RegExp, string]>([
  [
    'another distribution',
    'cp /etc/os-release /tmp/os-release; sed -i \'s/^VERSION_ID=.*/VERSION_ID="11"/\' /etc/os-release',
    {},
    /this is \w+-11; it provisions debian-12/,
    'cat /tmp/os-release >/etc/os-release',
  ],
  ['a setting that is none', ':', { SLIPWAY_SSH: 'off' }, /SLIPWAY_SSH is 'off': keep, hardened or none/, ':'],
  ['a log group that is none', ':', { SLIPWAY_LOG_GROUP: 'a b' }, /SLIPWAY_LOG_GROUP is 'a b'/, ':'],
  [
    'no packages',
    'cp -a /etc/apt /tmp/apt; rm -rf /etc/apt/sources.list*; echo "deb http://127.0.0.1:9/debian trixie main" >/etc/apt/sources.list',
    {},
    /apt-get install ca-certificates curl jq failed/,
    'rm -rf /etc/apt; mv /tmp/apt /etc/apt',
  ],
])(
  '%s ends it before anything is changed',
  async (_, script, env, message, undo) => {
    await said(script);
    const before = await files();
    const { code, text } = await provision(env);
    expect(text).toMatch(message);
    expect(code).toBe(1);
    expect(await files()).toBe(before);
    await said(undo);
  },
  60_000,
);

/** A lock as apt takes it, held until somebody waits for it: the first `sleep` lets it go. */
const HOLD = `rm -f /tmp/holds; perl -e 'use Fcntl; open my $f, ">>", "/var/lib/apt/lists/lock"; my $l = pack("s s l! l! i", F_WRLCK, 0, 0, 0, 0); fcntl($f, F_SETLK, $l) or die; open my $g, ">", "/tmp/holds"; sleep 500' >/dev/null 2>&1 & echo $! >/tmp/holder
for _ in {1..100}; do [ -e /tmp/holds ] && break; /usr/bin/sleep 0.1; done
[ -e /tmp/holds ] || echo not held
printf '#!/bin/sh\\nkill "$(cat /tmp/holder)"; exec /usr/bin/sleep "$@"\\n' >/usr/local/bin/sleep && chmod 755 /usr/local/bin/sleep`;

test('a fresh machine becomes a host, whatever else uses apt and dpkg, and a second run changes nothing', async () => {
  await host.write('/tmp/slipway/keys/aws-cli.asc', downloads.key);
  await host.write('/tmp/slipway/keys/amazon-ssm-agent.asc', downloads.key);
  // cloud-init is still at it, and an installation of the agent was killed half-way.
  await host.write(
    '/tmp/agent.deb',
    downloads.files.get(`/debian_${await said('dpkg --print-architecture')}/amazon-ssm-agent.deb`) ?? '',
  );
  expect(
    await said("dpkg --unpack /tmp/agent.deb >/dev/null; dpkg-query -W -f '${db:Status-Status}' amazon-ssm-agent"),
  ).toBe('unpacked');
  expect(await said(HOLD)).toBe('');
  const wanted = { SLIPWAY_SSH: 'hardened', SLIPWAY_METRICS: 'private' };
  const first = await bootstrap(wanted);
  expect(first).toMatchObject({ code: 0 });
  expect(steps(first.text)).toEqual(
    expect.arrayContaining(['waiting for another package manager', 'completed packages that were half installed']),
  );
  await said('rm /usr/local/bin/sleep');
  expect(await said("dpkg-query -W -f '${db:Status-Status}' amazon-ssm-agent; dpkg --audit")).toBe('installed');

  const versions = await said('docker --version; aws --version; docker-credential-ecr-login version; haproxy -v');
  expect(versions).toMatch(/^Docker version 2\d[\s\S]*^aws-cli\/2\./m);
  expect(JSON.parse(await said('cat /etc/docker/daemon.json'))).toEqual(WANTED);
  expect(await said('cat /etc/systemd/system/docker.service.d/slipway.conf')).toContain(
    '! -i lo -d 127.0.0.0/8 -j DROP',
  );
  expect(await said('cat /root/.docker/config.json; stat -c %a /root/.docker/config.json')).toMatch(
    /"credsStore": "ecr-login"[\s\S]*600$/,
  );
  expect(await said('cat /etc/systemd/system/prometheus-node-exporter.service.d/slipway.conf')).toContain(
    'IPAddressDeny=any',
  );
  expect(await said('sshd -T')).toMatch(/permitrootlogin no[\s\S]*passwordauthentication no/);
  expect(await said('apt-config shell X APT::Periodic::Unattended-Upgrade')).toBe("X='1'");
  expect(await said('stat -c %a /etc/docker /usr/local/sbin/slipway-host')).toBe('755\n755');
  const units =
    'slipway.service slipway-proxy.service slipway-prune.timer docker.service prometheus-node-exporter.service unattended-upgrades.service';
  expect(await said(`systemctl is-enabled ${units}`)).toBe(units.replace(/\S+/g, 'enabled').replaceAll(' ', '\n'));
  expect(await said('systemctl is-enabled haproxy.service')).toBe('disabled');
  expect(await said(`systemd-analyze verify --man=no ${units} slipway-prune.service && echo fine`)).toBe('fine');
  // Docker 20.10 cannot be asked.
  if (!/version 20\./.test(versions))
    expect(await said('dockerd --validate --config-file /etc/docker/daemon.json')).toBe('configuration OK');

  const before = await files();
  const second = await provision(wanted);
  expect([second.code, steps(second.text)]).toEqual([0, ['nothing to change']]);
  expect(await files()).toBe(before);
}, 300_000);

test('hardening that would shut everybody out, or that does not hold, is refused', async () => {
  const harden = (more = '') =>
    alone(`provision_booted() { true; }; systemctl() { true; }; SLIPWAY_SSH=hardened\n${more}\nprovision_ssh`);
  await said(
    'mkdir -p /root/.ssh /home/ops/.ssh; echo "ssh-ed25519 AAAA ops" >/root/.ssh/authorized_keys; useradd -d /home/ops ops',
  );
  expect(await harden()).toMatchObject({
    code: 1,
    text: expect.stringContaining('would shut you out: root alone has a key'),
  });
  await said('cp /root/.ssh/authorized_keys /home/ops/.ssh/');
  expect(await harden()).toMatchObject({ code: 0, text: '' });
  await said(
    'cp /etc/ssh/sshd_config /tmp/sshd_config; sed -i "/^Include/d" /etc/ssh/sshd_config; echo "PermitRootLogin yes" >>/etc/ssh/sshd_config',
  );
  expect(await harden()).toMatchObject({
    code: 1,
    text: expect.stringContaining("'permitrootlogin no' does not hold"),
  });
  await said('cp /tmp/sshd_config /etc/ssh/sshd_config; rm -r /root/.ssh');
}, 60_000);

test('a lock that nobody lets go ends it, and a file that cannot be written does', async () => {
  await said(HOLD);
  const locked = await alone('provision_lock_wait=0; provision_refresh || provision_fail given up');
  expect(locked).toMatchObject({ code: 1, text: expect.stringMatching(/Could not get lock[\s\S]*given up/) });
  await said('kill "$(cat /tmp/holder)"; rm /tmp/holds /usr/local/bin/sleep');
  const full = await alone('provision_file /proc/no/file 0644 <<<text; echo went on');
  expect(full).toMatchObject({ code: 1, text: expect.stringContaining('/proc/no/file cannot be written') });
  expect(full.text).not.toContain('went on');
}, 60_000);

/** An engine of another origin, and the rest of a machine that somebody has at work; awscli of version 2 is not to be had, as on Ubuntu. */
async function becomeUsed() {
  const there = "$(dpkg-query -W -f '${Package}\\n' docker.io docker-cli awscli amazon-ssm-agent 2>/dev/null)";
  await said(
    `dpkg -r ${there}; rm -rf /tmp/slipway/keys /etc/docker /root/.docker /etc/systemd/system/docker.service.d /usr/local/bin/aws /usr/local/sbin/slipway-host; mkdir /snap`,
  );
  await host.write('/usr/local/bin/dockerd', '#!/bin/sh\n', 0o755);
  await host.write('/usr/local/bin/docker', '#!/bin/sh\necho Docker version 29.0.0\n', 0o755);
  await host.write(
    '/lib/systemd/system/docker.service',
    '[Service]\nExecStart=/usr/local/bin/dockerd --userland-proxy=true\n[Install]\nWantedBy=multi-user.target\n',
  );
  await host.write('/etc/docker/daemon.json', '{"log-driver": "local", "live-restore": false, "bip": "10.9.0.1/24"}');
  await host.write('/root/.docker/config.json', '{"credsStore": "pass"}', 0o600);
  await host.write('/etc/apt/preferences.d/no-awscli', 'Package: awscli\nPin: release *\nPin-Priority: -1\n');
  await host.write(
    '/usr/local/bin/snap',
    '#!/bin/sh\necho "$*" >>/snap.calls\n[ "$1" != install ] || mkdir -p /snap/"$2"\n',
    0o755,
  );
}

test('what is there is left alone; aws comes from AWS and the agent as a snap where the distribution has neither', async () => {
  await becomeUsed();
  await host.write('/tmp/slipway/keys/aws-cli.asc', downloads.key);
  const { code, text } = await provision({ SLIPWAY_SSH: 'none', SLIPWAY_LOG_GROUP: '/sample/hosts' });
  expect([code, text]).toEqual([0, expect.stringContaining('installed aws-cli/2.99.0')]);
  expect(steps(text)).toEqual(
    expect.arrayContaining([
      'installed amazon-ssm-agent (snap)',
      'disabled ssh.service; it stays up until the next boot',
      '/root/.docker/config.json has another credential store and is left alone; it has to know the registry of your images',
      '/etc/docker/daemon.json has log settings of its own: containers are not logged to /sample/hosts',
    ]),
  );
  expect(await said('cat /snap.calls')).toBe('wait system seed.loaded\ninstall amazon-ssm-agent --classic');
  expect(await said("dpkg-query -W -f '${db:Status-Status}' docker.io")).not.toBe('installed');
  // A setting of its command line is in no file: the engine would not start any more.
  expect(JSON.parse(await said('cat /etc/docker/daemon.json'))).toEqual({
    'log-driver': 'local',
    'live-restore': false,
    bip: '10.9.0.1/24',
    'no-new-privileges': true,
  });
}, 120_000);

test('settings that are broken are said and can be put right; a swarm and logins stay usable', async () => {
  await host.write('/etc/docker/daemon.json', '{"bip": ');
  const broken = await provision();
  expect([broken.code, broken.text]).toEqual([1, expect.stringContaining('/etc/docker/daemon.json is no JSON object')]);
  await host.write('/etc/docker/daemon.json', '{}');
  await host.write('/var/lib/docker/swarm/docker-state.json', '{}');
  await host.write('/root/.docker/config.json', '{"auths": {"registry.sample.test": {"auth": "eDp5"}}}', 0o600);
  const swarm = await provision();
  expect([swarm.code, swarm.text]).toEqual([0, expect.stringMatching(/node of a swarm[\s\S]*config.json has logins/)]);
  expect(await said('cat /root/.docker/config.json')).not.toContain('ecr-login');
  const { 'live-restore': _live, 'userland-proxy': _proxy, ...rest } = WANTED;
  expect(JSON.parse(await said('cat /etc/docker/daemon.json'))).toEqual(rest);
}, 60_000);

const ZIP = /zip$/;
test.each<[string, (files: Map<string, Buffer>, zip: string) => void]>([
  ['signed by another key than the built-in one', () => undefined],
  ['changed', (served, zip) => served.set(zip, Buffer.concat([served.get(zip) ?? Buffer.alloc(0), Buffer.from('x')]))],
  [
    'with another file’s signature',
    (served, zip) => served.set(`${zip}.sig`, served.get('/debian_amd64/amazon-ssm-agent.deb.sig') ?? Buffer.alloc(0)),
  ],
  // A message with its signature inside, good in itself, says nothing of the file.
  ['with a signed message for a signature', (served, zip) => served.set(`${zip}.sig`, downloads.message)],
  ['with nothing for a signature', (served, zip) => served.set(`${zip}.sig`, Buffer.alloc(0))],
  ['without a signature', (served, zip) => served.delete(`${zip}.sig`)],
])(
  'a download %s is not run',
  async (what, spoil) => {
    await said('rm -f /usr/local/bin/aws /tmp/slipway/keys/aws-cli.asc');
    if (!what.includes('built-in')) await host.write('/tmp/slipway/keys/aws-cli.asc', downloads.key);
    const good = new Map(downloads.files);
    for (const path of [...good.keys()].filter((one) => ZIP.test(one))) spoil(downloads.files, path);
    const { code, text } = await alone(
      `provision_arch=$(dpkg --print-architecture) provision_fresh=1 SLIPWAY_KEYS=/tmp/slipway/keys SLIPWAY_AWSCLI_URL=${downloads.url}
     provision_awscli`,
    );
    for (const [path, content] of good) downloads.files.set(path, content);
    expect(text).toMatch(
      /(?:is not signed by the key that is known here|cannot be downloaded)[\s\S]*the aws command line could not be installed/,
    );
    expect(code).toBe(1);
    expect(await said('ls /usr/local/bin/aws 2>&1')).toContain('No such file');
  },
  60_000,
);
