/**
 * Makes sure that the engine has node:24-slim, the base image of the sample: the one it has, the one a registry
 * offers, or a stand-in made from this machine's Node in about a second.
 *
 *   node scripts/base-image.ts
 */
import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findSources, fingerprint, toolsFolder, writeArchive } from './stand-in.ts';

export const BASE_IMAGE = 'node:24-slim';
/** A label that only the stand-in has. */
export const STAND_IN_LABEL = 'slipway.stand-in';

export interface BaseImage {
  tag: string;
  /** The image under the tag is the stand-in, not the published one. */
  imported: boolean;
}

const run = promisify(execFile);
const PULL_TIMEOUT_MS = 20_000;

/**
 * @param engine the engine's command line program.
 * @throws Error when no engine answers, or when the image can neither be pulled nor made.
 */
export async function ensureBaseImage(engine = 'docker', tag = BASE_IMAGE): Promise<BaseImage> {
  const present = await inspect(engine, tag);
  if (present) return present;
  if (process.env.SLIPWAY_OFFLINE !== '1') {
    await run(engine, ['pull', '--quiet', tag], { timeout: PULL_TIMEOUT_MS, killSignal: 'SIGINT' }).catch(
      () => undefined,
    );
    const pulled = await inspect(engine, tag);
    if (pulled) return pulled;
  }
  await load(engine, tag);
  return { tag, imported: true };
}

async function load(engine: string, tag: string): Promise<void> {
  const sources = await findSources();
  const name = `${tag.replace(/[^\w.-]/g, '_')}-${await fingerprint(sources)}.tar`;
  const file = join(toolsFolder(), 'base-image', name);
  const made = await access(file).then(
    () => true,
    () => false,
  );
  if (!made) await writeArchive(file, tag, sources);
  await run(engine, ['load', '--quiet', '--input', file]);
}

async function inspect(engine: string, tag: string): Promise<BaseImage | undefined> {
  try {
    const format = `{{index .Config.Labels "${STAND_IN_LABEL}"}}`;
    const { stdout } = await run(engine, ['image', 'inspect', '--format', format, tag]);
    return { tag, imported: stdout.trim() === 'true' };
  } catch (error) {
    const told = String((error as { stderr?: string }).stderr ?? error);
    if (/no such image/i.test(told)) return undefined;
    throw new Error(`The container engine (${engine}) does not answer: ${told.trim()}. Start it with: make setup`, {
      cause: error,
    });
  }
}

if (import.meta.main) {
  try {
    const { tag, imported } = await ensureBaseImage();
    console.log(imported ? `${tag}: a stand-in made from Node ${process.version} of this machine` : `${tag}: present`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
