import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { INSTANCE_LABEL, PID_LABEL } from './context.ts';
import type { Engine } from './engine/engine.ts';
import { identityOf, isAlive } from './process-identity.ts';

const PREFIX = 'slipway-local-';
const OWNER_FILE = 'owner.json';

/** What a directory of an instance says of its processes. */
interface Owner {
  instance: string;
  /** Of the process that serves it. */
  owner: string;
  /** Processes that it started. */
  children: string[];
}

/** The directory where an instance keeps what it needs while it runs. */
export interface InstanceDirectory {
  path: string;
  /** The same in memory, where the system has /dev/shm; else on disk. */
  memory: string;
  /** Notes a child process, so that it can be ended should this process be killed. */
  adopt(pid: number): Promise<void>;
  remove(): Promise<void>;
}

export async function createInstanceDirectory(instance: string): Promise<InstanceDirectory> {
  const { path, memory } = placesOf(instance);
  await mkdir(path, { mode: 0o700 });
  await mkdir(memory, { mode: 0o700 });
  const owner: Owner = { instance, owner: identityOf(process.pid), children: [] };
  const save = () => writeFile(join(path, OWNER_FILE), JSON.stringify(owner));
  await save();
  return {
    path,
    memory,
    async adopt(pid) {
      owner.children.push(identityOf(pid));
      await save();
    },
    remove: () => removePlaces(instance),
  };
}

function placesOf(instance: string): { path: string; memory: string } {
  const path = join(tmpdir(), `${PREFIX}${instance}`);
  return { path, memory: existsSync('/dev/shm') ? join('/dev/shm', `${PREFIX}${instance}`) : join(path, 'memory') };
}

async function removePlaces(instance: string): Promise<void> {
  for (const place of Object.values(placesOf(instance))) await rm(place, { recursive: true, force: true });
}

/**
 * Removes what instances left behind whose process was killed: their children, directories, containers and networks.
 * @param engineOf the engine as that instance had it
 * @returns the instances that were cleaned up after
 */
export async function removeLeftovers(engineOf: (instance: string) => Engine): Promise<string[]> {
  const dead = new Set<string>();
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(tmpdir(), name);
    const owner = await readOwner(path);
    if (owner === undefined || isAlive(owner.owner)) continue;
    for (const child of owner.children) if (isAlive(child)) process.kill(Number(child.split(':')[0]), 'SIGKILL');
    dead.add(owner.instance);
  }
  const everything = await engineOf('none').list({ labels: { [INSTANCE_LABEL]: '', [PID_LABEL]: '' } });
  for (const { labels } of everything) {
    const instance = labels[INSTANCE_LABEL];
    if (instance !== undefined && !isAlive(labels[PID_LABEL] ?? '')) dead.add(instance);
  }
  for (const instance of dead) {
    await engineOf(instance).removeAll(20_000);
    await removePlaces(instance);
  }
  return [...dead];
}

async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(join(path, OWNER_FILE), 'utf8')) as Owner;
  } catch {
    // Being made right now, or not ours: left alone.
    return undefined;
  }
}
