import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Clock, humanDuration } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { Processes } from '../../lib/process.ts';
import type { Report } from '../../lib/report.ts';
import { heading } from '../../lib/summary.ts';
import { type Background, follower } from './background.ts';
import { readLine, saidIn } from './machine.ts';

/** A job that was cancelled is ended after five minutes, whatever it does. Source: GitHub, "Canceling a workflow run". */
const LONGEST_MS = 4.5 * 60_000;
const LOOK_MS = 500;

export interface PostPorts {
  processes: Processes;
  clock: Clock;
  log: Log;
}

/**
 * The post step: a build that was cancelled is still removing its instance, its key and its security group, which takes AWS longer than the
 * runner leaves an action. Waits for it, and says when that did not do.
 */
export async function afterBuild(build: Background, { processes, clock, log }: PostPorts): Promise<Report> {
  const began = clock.now();
  const isThere = async () => {
    const asked = await processes.run(['ps', '-p', String(build.pid), '-o', 'args=']);
    return asked.code === 0 && asked.stdout.toString().includes(build.program);
  };
  const show = (line: string) => {
    const read = readLine(line);
    const text = read ? saidIn(read)?.text : line;
    if (text !== undefined && text.trim() !== '') log.info(text);
  };
  const follow = follower(build.output, show, true);
  const waits = await isThere();
  if (waits) log.info('The build was cancelled, and Packer still removes what it has made');
  while (await isThere()) {
    if (clock.now() - began > LONGEST_MS) {
      const cause = 'Packer has not ended since the build was cancelled, and the runner ends with this job';
      const next =
        'Look in EC2 for an instance, a key pair and a security group of this build ("Packer Builder", "packer_…") and remove them';
      return {
        outcome: { status: 'stopped', cause, next },
        outputs: {},
        summary: `${heading(3, 'Packer')}${cause}. ${next}.\n\n`,
      };
    }
    await follow();
    await clock.sleep(LOOK_MS);
  }
  if (waits) {
    await follow(true);
    log.info(`Packer ended after ${humanDuration(clock.now() - began)}`);
  }
  await rm(dirname(build.output), { recursive: true, force: true });
  return { outcome: { status: 'succeeded', cause: '' }, outputs: {}, summary: '' };
}
