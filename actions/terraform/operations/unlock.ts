import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../../../lib/errors.ts';
import type { LegReport } from '../../../lib/leg/leg.ts';
import { code, escapeText } from '../../../lib/summary.ts';
import { type LockHolder, lockHolder, sayHolder } from '../lock.ts';
import { refused, report } from './reporting.ts';
import type { RunPorts, Settings } from './settings.ts';

/**
 * Takes a lock away that its holder will not give back. It goes only when the id that was typed is the one that is held now: between
 * reading about a lock and typing its id it may have been released and taken by somebody who is at work.
 */
export async function unlock(settings: Settings, ports: RunPorts): Promise<LegReport> {
  const { terraform, log, tempDir, identity } = ports;
  const folder = await mkdtemp(join(tempDir, 'slipway-plan-'));
  let holder: LockHolder | undefined;
  try {
    const out = join(folder, 'terraform.tfplan');
    const { varFiles } = settings;
    const { ok, diagnostics } = await terraform.plan({ out, varFiles, lock: true, lockTimeoutMs: 0, refresh: false });
    if (ok) {
      const outcome = { status: 'unchanged', cause: 'the state is not locked' } as const;
      return report(settings, outcome, 'The state is not locked.\n\n', {});
    }
    holder = lockHolder(diagnostics);
    if (!holder) return refused(settings, diagnostics, 'plan');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  checkId(settings.lockId, holder);
  const { ok, diagnostics } = await terraform.forceUnlock(holder.id);
  if (!ok) return refused(settings, diagnostics, 'force-unlock');
  const by = identity.actor === '' ? '' : ` by ${identity.actor}`;
  log.warning(`The lock ${holder.id} of ${sayHolder(holder)} was taken away${by}`);
  const body = `The lock ${code(holder.id)} of ${escapeText(sayHolder(holder))} was taken away${escapeText(by)}. What its holder had begun may be there without being in the state: look at a plan before you apply.\n\n`;
  return report(settings, { status: 'succeeded', cause: '' }, body, { lockId: holder.id });
}

function checkId(typed: string, holder: LockHolder): void {
  if (typed !== '' && typed === holder.id) return;
  throw new Problem({
    what: "input 'lock-id'",
    seen: typed,
    cause: `the state is locked by ${sayHolder(holder)} with the id ${holder.id}`,
    fix: 'Make sure that this holder runs no more, and give that id',
    kind: 'denied',
  });
}
