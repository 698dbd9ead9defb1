/**
 * Sends alarms to Discord's webhook. Everything outside comes by ports, so that it can be tried against a real server.
 */
import { messageOf } from './message.mjs';

const ATTEMPTS = 3;
const WAIT_MOST_MS = 10_000;

/**
 * @param {{ Records: { Sns: { Message: string, Subject?: string } }[] }} event
 * @param {{ webhook: (fresh: boolean) => Promise<string>, fetch: typeof fetch, sleep: (ms: number) => Promise<void> }} ports
 * @throws Error without the webhook's address, so that SNS tries again and at last keeps the message
 */
export async function send(event, ports) {
  for (const record of event.Records) await post(messageOf(record), ports);
}

async function post(body, ports) {
  let fresh = false;
  for (let attempt = 1; ; attempt++) {
    const answer = await request(body, await ports.webhook(fresh), ports);
    if (answer.ok) return;
    const last = attempt === ATTEMPTS;
    // The webhook was made anew and the parameter changed: read it once more.
    if ((answer.status === 401 || answer.status === 404) && !fresh && !last) {
      fresh = true;
      continue;
    }
    const again = answer.status === 429 || answer.status >= 500 || answer.status === 0;
    if (!again || last) throw new Error(`Discord answered ${answer.status || 'nothing'} to an alarm.`);
    await ports.sleep(Math.min(answer.wait || 1000 * attempt, WAIT_MOST_MS));
  }
}

async function request(body, address, ports) {
  try {
    const response = await ports.fetch(versioned(address), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(8000),
    });
    await response.arrayBuffer();
    return { ok: response.ok, status: response.status, wait: Number(response.headers.get('retry-after')) * 1000 };
  } catch {
    // What fetch throws may carry the address, which is the secret.
    return { ok: false, status: 0, wait: 0 };
  }
}

// Without a version Discord speaks its oldest one, whose waits are milliseconds.
const versioned = (address) => address.replace(/\/api\/(?=webhooks\/)/, '/api/v10/');
