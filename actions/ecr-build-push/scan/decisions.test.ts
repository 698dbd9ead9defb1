import { describe, expect, test } from '@jest/globals';
import { answerOf, nextStep, PATIENCE, type ScanAnswer } from './ecr-findings.ts';
import { type Finding, merged } from './finding.ts';
import { gate } from './gate.ts';
import { parseIgnores } from './ignores.ts';
import { judge, type Policy } from './judge.ts';
import { scannedImages } from './platforms.ts';
import { reaches, severityOf } from './severity.ts';
import { scanSummary } from './summary.ts';

const finding = (over: Partial<Finding> = {}): Finding => ({
  id: 'CVE-1',
  severity: 'critical',
  package: 'openssl',
  installed: '1',
  fixedIn: '2',
  fixable: 'yes',
  platforms: [''],
  ...over,
});
const policy = (over: Partial<Policy> = {}): Policy => ({
  failOn: 'critical',
  ignores: [],
  ignoreUnfixed: false,
  today: '2026-11-25',
  ...over,
});
const ignores = (...lines: string[]) => parseIgnores(lines, "input 'ignore-findings'");

describe('which findings fail', () => {
  test.each<[string, Partial<Finding>, Partial<Policy>, string]>([
    ['at the threshold', {}, {}, 'fails'],
    ['below it', { severity: 'high' }, {}, 'counts'],
    ['above it', {}, { failOn: 'medium' }, 'fails'],
    ['with no threshold', {}, { failOn: 'none' }, 'counts'],
    ['not judged by anybody yet', { severity: 'undefined' }, { failOn: 'low' }, 'counts'],
    ['not judged, where everything counts', { severity: 'undefined' }, { failOn: 'informational' }, 'fails'],
    ['ignored', {}, { ignores: ignores('CVE-1 2026-12-31 x') }, 'ignored'],
    ['ignored for today still', {}, { ignores: ignores('CVE-1 2026-11-25 x') }, 'ignored'],
    ['ignored until yesterday', {}, { ignores: ignores('CVE-1 2026-11-24 x') }, 'fails'],
    ['ignored in another package', {}, { ignores: ignores('CVE-1:zlib 2026-12-31 x') }, 'fails'],
    ['ignored in this package', {}, { ignores: ignores('CVE-1:openssl 2026-12-31 x') }, 'ignored'],
    ['another one ignored', {}, { ignores: ignores('CVE-11 2026-12-31 x') }, 'fails'],
    ['without a fix', { fixable: 'no', fixedIn: '' }, { ignoreUnfixed: true }, 'unfixed'],
    ['without a fix, which counts', { fixable: 'no', fixedIn: '' }, {}, 'fails'],
    ['with a fix that nobody knows of', { fixable: 'unknown', fixedIn: '' }, { ignoreUnfixed: true }, 'fails'],
  ])('%s', (_, over, rules, verdict) => {
    expect(judge([finding(over)], policy(rules)).all[0]?.verdict).toBe(verdict);
  });

  test('an ignore that has ended is said, one that names nothing too', () => {
    const judgement = judge(
      [finding()],
      policy({ ignores: ignores('CVE-1 2026-01-01 was fine', 'CVE-9 2027-01-01 x') }),
    );
    expect([judgement.expired.map((i) => i.id), judgement.idle.map((i) => i.id)]).toEqual([['CVE-1'], ['CVE-9']]);
    const text = scanSummary(judgement, { scanner: 'ecr', failOn: 'critical' });
    expect(text).toContain('`CVE-1` counts again: its ignore ended on 2026-01-01');
    expect(text).toContain('`CVE-9` is ignored and was not found');
    expect(text).toContain('fails; its ignore ended on 2026-01-01');
  });

  test.each([
    ['CVE-1', /needs an id, the last day on which it is ignored, and a reason/],
    ['CVE-1 2026-12-31', /needs an id/],
    ['CVE-1 2026-02-30 x', /needs an id/],
    ['CVE-1 soon x', /needs an id/],
  ])('line %p is refused', (line, message) => {
    expect(() => ignores(line)).toThrow(message);
  });

  test('a file may have comments; its mistakes are told with their line', () => {
    expect(parseIgnores(['# why', '', 'CVE-1 2026-12-31 x # note'], 'ignore file', 'a.txt')).toEqual([
      { id: 'CVE-1', package: '', until: '2026-12-31', reason: 'x', source: 'a.txt:3' },
    ]);
    expect(() => parseIgnores(['', 'CVE-1'], 'ignore file', 'a.txt')).toThrow(
      expect.objectContaining({ parts: expect.objectContaining({ file: 'a.txt', line: 2 }) }),
    );
  });

  test.each([
    ['CRITICAL', 'critical'],
    ['UNTRIAGED', 'undefined'],
    ['UNKNOWN', 'undefined'],
    [undefined, 'undefined'],
    ['Negligible', 'informational'],
  ])('severity %p is %s', (word, severity) => {
    expect(severityOf(word)).toBe(severity);
  });

  test('every threshold takes its own severity and all worse ones', () => {
    const table = (['critical', 'high', 'medium', 'low', 'informational'] as const).map(
      (threshold) =>
        (['critical', 'high', 'medium', 'low', 'informational'] as const).filter((s) => reaches(s, threshold)).length,
    );
    expect(table).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('what ECR answers', () => {
  const none: ScanAnswer = { found: false };
  const some = (over: object): ScanAnswer => ({
    found: true,
    status: 'COMPLETE',
    description: '',
    findings: [],
    enhanced: false,
    completedAt: new Date(1000),
    ...over,
  });
  const state = { looks: 0, started: false, replaces: undefined, now: 2000 };
  const day = 24 * 3600 * 1000;
  test.each<[string, ScanAnswer, Partial<typeof state>, string]>([
    ['no scan, right after the push', none, {}, 'wait'],
    ['no scan, and none comes', none, { looks: PATIENCE }, 'start'],
    ['no scan, though one was started', none, { looks: 9, started: true }, 'wait'],
    ['done', some({}), {}, 'findings'],
    ['done, continuously', some({ status: 'ACTIVE', enhanced: true }), {}, 'findings'],
    ['done, and its findings are not there', some({ findings: undefined }), {}, 'wait'],
    [
      'begun, continuously, and nothing of Inspector’s there',
      some({ status: 'ACTIVE', completedAt: undefined }),
      {},
      'wait',
    ],
    ['done long ago', some({}), { now: 2 * day }, 'start'],
    ['done long ago, and no new scan to be had', some({}), { now: 2 * day, started: true }, 'findings'],
    ['the old one, while the new one runs', some({}), { started: true, replaces: 1000 as never }, 'wait'],
    ['the new one', some({}), { started: true, replaces: 1 as never }, 'findings'],
    ['done long ago, but watched ever since', some({ enhanced: true, status: 'ACTIVE' }), { now: 2 * day }, 'findings'],
    ['under way', some({ status: 'IN_PROGRESS', findings: undefined }), {}, 'wait'],
    ['waiting', some({ status: 'PENDING', findings: undefined }), {}, 'wait'],
    ['failed', some({ status: 'FAILED' }), {}, 'none'],
    ['unsupported', some({ status: 'UNSUPPORTED_IMAGE' }), {}, 'none'],
    ['expired', some({ status: 'SCAN_ELIGIBILITY_EXPIRED' }), {}, 'none'],
    ['something newer than this code', some({ status: 'NEW_WORD' }), {}, 'none'],
  ])('%s: %#', (_, answer, over, step) => {
    expect(nextStep(answer, { ...state, ...over }).step).toBe(step);
  });

  test('basic findings, whose attributes are a list', () => {
    const attributes = [
      { key: 'package_name', value: 'zlib' },
      { key: 'package_version', value: '1' },
    ];
    const findings = [
      { name: 'CVE-1', severity: 'HIGH' as const, attributes },
      {
        name: 'CVE-2',
        severity: 'LOW' as const,
        attributes: [...attributes, { key: 'patched_version', value: '2' }],
      },
    ];
    const answer = answerOf(
      [{ imageScanStatus: { status: 'COMPLETE' }, imageScanFindings: { findings } }],
      'linux/arm64',
    );
    expect(answer).toMatchObject({
      enhanced: false,
      findings: [
        { id: 'CVE-1', severity: 'high', package: 'zlib', fixedIn: '', fixable: 'unknown', platforms: ['linux/arm64'] },
        { id: 'CVE-2', severity: 'low', fixedIn: '2', fixable: 'yes' },
      ],
    });
  });

  test('enhanced findings under COMPLETE, on several pages; one per package, and none that Inspector has closed', () => {
    const enhanced = (id: string, over: object) => ({
      severity: 'CRITICAL',
      fixAvailable: 'YES',
      packageVulnerabilityDetails: {
        vulnerabilityId: id,
        vulnerablePackages: [
          { name: 'a', version: '1', fixedInVersion: '2' },
          { name: 'b', version: '1', fixedInVersion: 'NotAvailable' },
        ],
      },
      ...over,
    });
    const page = (finding: object) => ({
      imageScanStatus: { status: 'COMPLETE' as const },
      imageScanFindings: { enhancedFindings: [finding] },
    });
    const answer = answerOf(
      [
        page(enhanced('CVE-1', {})),
        page(enhanced('CVE-2', { status: 'SUPPRESSED' })),
        page({ title: 'T', fixAvailable: 'NO' }),
        page({ title: 'P', fixAvailable: 'PARTIAL' }),
        page(enhanced('CVE-3', { status: 'CLOSED' })),
      ],
      '',
    );
    expect(answer).toMatchObject({ enhanced: true });
    expect(answer.found && answer.findings?.map((f) => [f.id, f.package, f.fixedIn, f.fixable])).toEqual([
      ['CVE-1', 'a', '2', 'yes'],
      ['CVE-1', 'b', '', 'yes'],
      ['T', '', '', 'no'],
      ['P', '', '', 'yes'],
    ]);
  });

  test('a finished scan without findings is not one that found nothing', () => {
    expect(answerOf([{ imageScanStatus: { status: 'ACTIVE' } }], '')).toMatchObject({ findings: undefined });
    expect(answerOf([{ imageScanStatus: { status: 'COMPLETE' }, imageScanFindings: {} }], '')).toMatchObject({
      findings: [],
    });
  });
});

describe('an index', () => {
  const manifest = JSON.stringify({
    manifests: [
      { digest: 'sha256:a', platform: { os: 'linux', architecture: 'amd64' } },
      { digest: 'sha256:b', platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
      {
        digest: 'sha256:c',
        platform: { os: 'unknown', architecture: 'unknown' },
        annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
      },
    ],
  });

  test('is scanned platform by platform; what BuildKit attests is no image', () => {
    expect(scannedImages('sha256:i', manifest)).toEqual([
      { digest: 'sha256:a', platform: 'linux/amd64' },
      { digest: 'sha256:b', platform: 'linux/arm64/v8' },
    ]);
    expect(scannedImages('sha256:i', '{"config":{}}')).toEqual([{ digest: 'sha256:i', platform: '' }]);
  });

  test('the same finding on two platforms is one, and every platform is asked', async () => {
    const asked: string[] = [];
    const result = await gate(
      { digest: 'sha256:i', manifest },
      {
        scanner: 'ecr',
        policy: policy(),
        scan: async ({ digest, platform }) => {
          asked.push(digest);
          return [finding({ platforms: [platform] }), finding({ id: `CVE-${platform}`, severity: 'low' })];
        },
      },
    );
    expect(asked).toEqual(['sha256:a', 'sha256:b']);
    expect(JSON.parse(result.findings)).toEqual({ critical: 1, low: 2 });
    expect(result.failure).toMatchObject({ status: 'failed', cause: expect.stringContaining('CVE-1 in openssl') });
    expect(result.failure?.next).toContain('1 of 1 are fixed by newer packages');
    expect(result.summary).toContain(
      '| critical | `CVE-1` | `openssl` | `1` | `2` | `linux/amd64` `linux/arm64/v8` | fails |',
    );
  });

  test('without any image it cannot be judged', async () => {
    const empty = { digest: 'sha256:i', manifest: '{"manifests":[]}' };
    const ports = { scanner: 'ecr', policy: policy(), scan: async () => [] };
    await expect(gate(empty, ports)).rejects.toThrow(/an index without an image of any platform/);
  });
});

test('findings come worst first, and the table is bounded', () => {
  const many = Array.from({ length: 300 }, (_, i) =>
    finding({ id: `CVE-${i}`, severity: i === 299 ? 'critical' : 'high' }),
  );
  const text = scanSummary(judge(merged([many]), policy({ failOn: 'high' })), { scanner: 'trivy', failOn: 'high' });
  expect(text.split('\n').filter((line) => line.startsWith('| critical') || line.startsWith('| high'))).toHaveLength(
    50,
  );
  expect(text.indexOf('CVE-299')).toBeLessThan(text.indexOf('CVE-0'));
  expect(text).toContain('250 more, less bad ones');
});
