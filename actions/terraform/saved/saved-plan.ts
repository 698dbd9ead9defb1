import { createHash, createHmac } from 'node:crypto';
import { messageOf, Problem } from '../../../lib/errors.ts';
import { unzipFile } from '../../../lib/tools/zip.ts';
import { type Header, open, seal } from './seal.ts';

/** Which state a plan was made for, or which one is there now. A state that was never written has neither. */
export interface StateVersion {
  serial: number;
  lineage: string;
}

/** What only the key opens. */
interface Inner {
  /** SHA-256 of the plan file. */
  sha256: string;
  state: StateVersion;
  destroy: boolean;
  /** Input variables and files by name, each as a keyed hash: the apply has to have the same. */
  inputs: Record<string, string>;
}

export interface SavedPlan {
  header: Header;
  inner: Inner;
  plan: Buffer;
}

/** What a run knows about itself, to be compared with what a plan was made for. */
export type Identity = Omit<Header, 'at'>;

/** Reads serial and lineage out of a plan file, which is a zip archive with the state that it was made from. */
export function stateOfPlan(plan: Buffer): StateVersion {
  try {
    return stateVersion(unzipFile(plan, 'tfstate').toString('utf8'));
  } catch (error) {
    throw new Problem({
      what: 'the plan file',
      cause: `the state that it was made from cannot be read (${messageOf(error)})`,
      fix: 'Use a Terraform or OpenTofu 1.x without encryption of plan files: slipway encrypts them itself',
      kind: 'environment',
      underlying: error,
    });
  }
}

/** Reads serial and lineage of a state file's text. */
export function stateVersion(text: string): StateVersion {
  if (text.trim() === '') return { serial: 0, lineage: '' };
  const { serial, lineage } = JSON.parse(text) as Partial<StateVersion>;
  return { serial: Number(serial ?? 0), lineage: String(lineage ?? '') };
}

/** A file that holds the plan, encrypted, with all that it depends on. @throws Problem without a fit key. */
export function savePlan(
  plan: Buffer,
  facts: { header: Header; destroy: boolean; inputs: Readonly<Record<string, string>> },
  key: string,
): Buffer {
  const inner: Inner = {
    sha256: sha256(plan),
    state: stateOfPlan(plan),
    destroy: facts.destroy,
    inputs: keyedHashes(facts.inputs, key),
  };
  const json = Buffer.from(JSON.stringify(inner));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  return seal(facts.header, Buffer.concat([length, json, plan]), key);
}

export function openPlan(file: Buffer, key: string): SavedPlan {
  const { header, secret } = open(file, key);
  const end = 4 + secret.readUInt32BE(0);
  return { header, inner: JSON.parse(secret.toString('utf8', 4, end)) as Inner, plan: secret.subarray(end) };
}

/** Inputs may be secrets that can be guessed, so they are hashed with the key. */
export function keyedHashes(inputs: Readonly<Record<string, string>>, key: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [name, createHmac('sha256', key).update(value).digest('hex')]),
  );
}

export function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

export interface Now {
  identity: Identity;
  /** SHA-256 of the saved file as the run that approved it told it; '' when it was not told. */
  approved: string;
  state: StateVersion;
  destroy: boolean;
  inputs: Readonly<Record<string, string>>;
}

/**
 * Whether a saved plan may be applied now: the one that was approved, of this run, for this component, for what is there now.
 * @throws Problem kind `conflict` for a plan that is stale, `denied` for one that was not made for this.
 */
export function checkPlan(file: Buffer, saved: SavedPlan, now: Now, key: string): void {
  const { header, inner, plan } = saved;
  const found = sha256(file);
  if (now.approved !== '' && found !== now.approved)
    throw refused('denied', `its SHA-256 is ${found}, and ${now.approved} was approved`);
  if (sha256(plan) !== inner.sha256) throw refused('denied', 'it is not the plan that was saved');
  const { identity } = now;
  for (const name of ['repository', 'environment', 'component', 'root', 'runId'] as const) {
    if (header[name] !== identity[name])
      throw refused('denied', `it was made for ${WORDS[name]} ${header[name]}, and this is ${identity[name]}`);
  }
  if (header.runAttempt > identity.runAttempt)
    throw refused('denied', `it was made by attempt ${header.runAttempt}, which is later than this one`);
  if (inner.destroy !== now.destroy)
    throw refused('denied', inner.destroy ? 'it destroys everything, and this is an apply' : 'it does not destroy');
  if (header.commit !== identity.commit)
    throw refused(
      'conflict',
      `it was made at commit ${header.commit.slice(0, 12)}, and this is ${identity.commit.slice(0, 12)}`,
    );
  if (header.product !== identity.product || header.version !== identity.version)
    throw refused(
      'conflict',
      `it was made by ${header.product} ${header.version}, and this is ${identity.product} ${identity.version}`,
    );
  const differing = differences(inner.inputs, keyedHashes(now.inputs, key));
  if (differing.length > 0) throw refused('conflict', `other values have come in since: ${differing.join(', ')}`);
  const { state } = inner;
  if (state.lineage !== now.state.lineage || state.serial !== now.state.serial)
    throw refused(
      'conflict',
      `it is stale: it was made for ${sayState(state)}, and the state is now ${sayState(now.state)}`,
    );
}

const WORDS = {
  repository: 'the repository',
  environment: 'the environment',
  component: 'the component',
  root: 'the root',
  runId: 'run',
} as const;

function differences(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((name) => a[name] !== b[name]).sort();
}

function sayState({ serial, lineage }: StateVersion): string {
  return lineage === '' ? 'a state that was never written' : `serial ${serial} of lineage ${lineage}`;
}

function refused(kind: 'denied' | 'conflict', cause: string): Problem {
  return new Problem({
    what: 'the approved plan',
    cause,
    fix: 'Nothing was changed. Start a new run: it plans again, and that plan can be approved',
    kind,
  });
}
