import { Events, Status } from 'discord.js';
import { createBot } from './bot.ts';
import { type Config, readConfig } from './config.ts';
import { github } from './github.ts';
import { keepMarker } from './health.ts';
import { jsonLog } from './log.ts';

const STOP_MS = 5_000;

function fail(message: string): never {
  jsonLog(process.env.SLIPWAY_REVISION || 'unknown').error(message);
  process.exit(1);
}

function configuration(): Config {
  try {
    return readConfig(process.env);
  } catch (error) {
    return fail((error as Error).message);
  }
}

const config = configuration();
const log = jsonLog(config.revision);
const bot = createBot({ config, github: github(config.github) }, log);

let endMarker = async () => {};
bot.client.once(Events.ClientReady, () => {
  const isConnected = () => bot.client.ws.status === Status.Ready;
  endMarker = keepMarker(config.healthFile, isConnected, (error) => log.error('health file', { error: String(error) }));
});
// Discord has closed the session for good; whoever runs the container starts a new one.
bot.client.on(Events.Invalidated, () => fail('Discord has ended the session'));
bot.client.on(Events.ShardDisconnect, ({ code }) => {
  if (!stopping) fail(`Discord has closed the connection for good (code ${code})`);
});

let stopping = false;
async function onSignal(): Promise<void> {
  if (stopping) process.exit(1); // asked twice: no more waiting
  stopping = true;
  log.info('stopping');
  await endMarker();
  await bot.stop(STOP_MS);
  log.info('stopped');
  process.exit(0);
}
process.on('SIGTERM', onSignal);
process.on('SIGINT', onSignal);

await bot.start().catch((error: Error & { code?: string }) => {
  const wrongToken = error.code === 'TokenInvalid';
  fail(wrongToken ? 'Discord refuses the token in DISCORD_TOKEN' : `Discord cannot be reached: ${error.message}`);
});
