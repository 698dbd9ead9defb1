import { rm, stat, writeFile } from 'node:fs/promises';

export const REFRESH_MS = 5_000;
/** Long enough for the gateway to reconnect after it was asked to. */
export const STALE_MS = 30_000;

/** Keeps a marker file young while `isHealthy` says so. @returns a function that ends it and removes the file. */
export function keepMarker(
  file: string,
  isHealthy: () => boolean,
  onError: (error: Error) => void,
): () => Promise<void> {
  const touch = () => {
    if (isHealthy()) writeFile(file, new Date().toISOString()).catch(onError);
  };
  touch();
  const timer = setInterval(touch, REFRESH_MS);
  return async () => {
    clearInterval(timer);
    await rm(file, { force: true });
  };
}

export async function isFresh(file: string, now = Date.now()): Promise<boolean> {
  const found = await stat(file).catch(() => undefined);
  return found !== undefined && now - found.mtimeMs < STALE_MS;
}
