/**
 * The Lambda's edge: the webhook's address is read from Parameter Store when it is needed, and kept for five minutes. It is
 * in no environment variable, no state and no log. The SDK is part of the runtime.
 */
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { send } from './send.mjs';

const ssm = new SSMClient({});
const KEEP_MS = 5 * 60_000;
let kept = { address: '', until: 0 };

async function webhook(fresh) {
  if (fresh || Date.now() > kept.until) {
    const { Parameter } = await ssm.send(
      new GetParameterCommand({ Name: process.env.WEBHOOK_PARAMETER_NAME, WithDecryption: true }),
    );
    if (!Parameter?.Value?.startsWith('https://')) throw new Error('The parameter holds no address of a webhook.');
    kept = { address: Parameter.Value, until: Date.now() + KEEP_MS };
  }
  return kept.address;
}

export const handler = (event) =>
  send(event, { webhook, fetch, sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) });
