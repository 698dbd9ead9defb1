import { open } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { LIMITS } from './limits.ts';
import type { Attachment } from './payload.ts';
import { isBad, type Stage } from './story.ts';
import { visible } from './text/escape.ts';

/** A log of this length is shown whole in the message. */
const SHORT = 400;
const SHORT_LINES = 6;
/** The end of a file: what failed is told there. */
const FILE_BYTES = 1_000_000;

/** The logs of failed stages that are too long for a message, one file each. */
export function logsOf(stages: readonly Stage[]): Attachment[] {
  return stages
    .filter((stage) => isBad(stage) && isLong((stage.log ?? []).join('\n').trimEnd()))
    .slice(0, LIMITS.attachments)
    .map(({ name, log = [] }) => ({
      name: fileName(name),
      description: `The last lines of the log of ${name}`,
      text: visible(log.join('\n')),
    }));
}

const isLong = (log: string): boolean => log.length > SHORT || log.split('\n').length > SHORT_LINES;

/** As many as a message may have, each under a name of its own: Discord and components tell them apart by that. */
export function together(attachments: readonly Attachment[]): Attachment[] {
  const taken = new Set<string>();
  return attachments.slice(0, LIMITS.attachments).map((one) => {
    const stem = one.name.replace(/\.log$/, '');
    let { name } = one;
    for (let n = 2; taken.has(name); n++) name = `${stem}-${n}.log`;
    taken.add(name);
    return { ...one, name };
  });
}

/** The ends of files that the workflow names; one that cannot be read is said in the log, and no reason to stay silent. */
export async function filesOf(paths: readonly string[], workspace: string, log: Log): Promise<Attachment[]> {
  const read = paths.map(async (path): Promise<Attachment[]> => {
    try {
      const text = visible(await endOf(resolve(workspace, path)));
      if (text.trim() === '') return [];
      return [{ name: fileName(basename(path)), description: `The end of ${path}`, text }];
    } catch (error) {
      log.info(`${path} is not attached: ${messageOf(error)}`);
      return [];
    }
  });
  return (await Promise.all(read)).flat();
}

async function endOf(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - FILE_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    const text = buffer.toString('utf8', 0, bytesRead);
    return from === 0 ? text : `[…]\n${text.slice(text.indexOf('\n') + 1)}`;
  } finally {
    await file.close();
  }
}

/** A name that Discord keeps as it is: it replaces what it does not know, and a component refers to its file by name. */
function fileName(name: string): string {
  const stem = name
    .replace(/\.(?:log|txt)$/, '')
    .replace(/[^A-Za-z\d._-]+/g, '-')
    .replace(/^[.-]+|[.-]+$/g, '')
    .slice(0, 60);
  return `${stem || 'failed'}.log`;
}
