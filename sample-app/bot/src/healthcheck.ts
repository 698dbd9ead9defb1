import { isFresh } from './health.ts';

/** The container's health check: exits 0 while the bot keeps its marker file young. */
const file = process.env.HEALTH_FILE || '/tmp/bot-healthy';
if (!(await isFresh(file))) {
  console.error('not connected to Discord');
  process.exitCode = 1;
}
