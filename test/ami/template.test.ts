/**
 * The Packer template, by the newest Packer that may be distributed freely (1.6.6, with its own amazon-ebs builder): every argument is
 * checked by that builder's schema and every variable's rules are applied. What came later is taken out and listed here by name; those
 * are from the builder's documentation (developer.hashicorp.com/packer/integrations/hashicorp/amazon).
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findOnPath } from '../../lib/tools/install.ts';

const TEMPLATE = join(import.meta.dirname, '../../terraform/ami');
const packer = await findOnPath('packer', process.env);
const folder = mkdtempSync(join(tmpdir(), 'slipway-template-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Newer than 1.6.6: of amazon plugin 1.1.1, 1.1.2 and 0.0.1 (metadata_options). */
const NEWER = ['temporary_security_group_source_public_ip', 'imds_support', 'metadata_options'];

test('nothing of the template is unknown but what the list above names', () => {
  const text = readFileSync(join(TEMPLATE, 'host.pkr.hcl'), 'utf8');
  for (const name of NEWER) expect(text).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
});

test('the scripts that it runs are there, and nothing else is uploaded', () => {
  expect(readdirSync(join(TEMPLATE, 'files')).sort()).toEqual(['keys', 'slipway-host']);
  execFileSync('sh', ['-n', join(TEMPLATE, 'clean.sh')]);
});

if (packer !== undefined) {
  describe(`by ${packer}`, () => {
    const call = (verb: string, ...args: string[]) => {
      const env = { ...process.env, CHECKPOINT_DISABLE: '1', PACKER_NO_COLOR: '1' };
      const { status, stdout, stderr } = spawnSync(packer, [verb, ...args, '.'], {
        cwd: folder,
        encoding: 'utf8',
        env,
      });
      return { status, text: (stdout + stderr).replace(/\s+/g, ' ') };
    };
    const vars = (values: Record<string, unknown>) =>
      Object.entries(values).flatMap(([name, value]) => [
        '-var',
        `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      ]);
    let untouched: ReturnType<typeof call>;

    beforeAll(() => {
      cpSync(TEMPLATE, folder, { recursive: true });
      // Versions and plugins: 1.6.6 knows the block, and not what is in it.
      rmSync(join(folder, 'plugins.pkr.hcl'));
      untouched = call('validate');
      const file = join(folder, 'host.pkr.hcl');
      const text = readFileSync(file, 'utf8');
      writeFileSync(
        file,
        text
          .replace(/^ {2}metadata_options \{\n(?: {4}.*\n)+ {2}\}\n/m, '')
          .replace(new RegExp(`^  (?:${NEWER.join('|')}) .*\n`, 'gm'), ''),
      );
    });

    test('it is in canonical format', () => {
      expect(spawnSync(packer, ['fmt', '-check', '-diff', TEMPLATE], { encoding: 'utf8' })).toMatchObject({
        status: 0,
      });
    });

    test('its builder misses nothing but the newer ones', () => {
      const unknown = [...untouched.text.matchAll(/An argument named "(\w+)"|Blocks of type "(\w+)"/g)].map(
        (m) => m[1] ?? m[2],
      );
      expect(unknown.sort()).toEqual([...NEWER].sort());
    });

    test.each([
      [{}],
      [{ distribution: 'ubuntu-22.04', architecture: 'arm64', instance_profile: 'builder' }],
      [{ distribution: 'debian-13', ssh: 'hardened', metrics: 'private', log_group: '/sample/hosts' }],
      [
        {
          distribution: 'debian-12',
          architecture: 'arm64',
          ssh_interface: 'private_ip',
          subnet_id: 'subnet-0123456789abcdef0',
        },
      ],
      [
        {
          ami_regions: ['us-east-1'],
          kms_key_id: 'alias/a',
          region_kms_key_ids: { 'us-east-1': 'alias/b' },
          ami_users: ['123456789012'],
        },
      ],
    ])('it is valid with %j', (values) => {
      expect(call('validate', ...vars(values))).toMatchObject({ status: 0 });
    });

    test.each<[Record<string, unknown>, RegExp]>([
      [{ distribution: 'fedora-40' }, /The distribution must be/],
      [{ architecture: 'amd64' }, /The architecture must be x86_64 or arm64/],
      [{ ssh: 'open' }, /The value of ssh must be/],
      [{ metrics: 'public' }, /The value of metrics must be/],
      [{ ami_users: ['123456789012'] }, /Cannot share AMI encrypted with default KMS key/],
    ])('%j is refused', (values, message) => {
      const { status, text } = call('validate', ...vars(values));
      expect([status, text]).toEqual([1, expect.stringMatching(message)]);
    });
  });
}
