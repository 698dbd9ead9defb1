import { createApp } from './app.ts';
import { type Config, readConfig } from './config.ts';
import { stop } from './stop.ts';

function configuration(): Config {
  try {
    return readConfig(process.env);
  } catch (error) {
    console.error(JSON.stringify({ level: 'fatal', message: (error as Error).message }));
    process.exit(1);
  }
}

const config = configuration();
const application = createApp(config);

let stopping = false;
async function onSignal(): Promise<void> {
  if (stopping) process.exit(1); // asked twice: no more waiting
  stopping = true;
  process.exit(await stop(application, config));
}
process.on('SIGTERM', onSignal);
process.on('SIGINT', onSignal);

await application.app.listen({ host: config.host, port: config.port }).catch((error: Error) => {
  application.app.log.fatal({ err: error }, 'cannot listen');
  process.exit(1);
});
