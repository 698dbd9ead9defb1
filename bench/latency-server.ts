/**
 * A server whose latencies are the same in every run, by the number of the request and not by chance:
 *   spread: 5 to 55 ms, each of 100 values once in 100 requests
 *   stall:  every 150th request stops it for 300 ms, in which nothing is answered; else 5 ms
 *
 *   node bench/latency-server.ts spread|stall    (prints its port; GET /reset begins the count anew)
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const [, , kind] = process.argv;
const STALL_MS = 300;
let count = 0;
let stalledUntil = 0;

function delayOf(n: number): number {
  // 37 and 100 have no common divisor: all values, and neighbours far apart.
  if (kind === 'spread') return 5 + ((n * 37) % 100) / 2;
  const now = performance.now();
  if (n % 150 === 100) stalledUntil = now + STALL_MS;
  return Math.max(5, stalledUntil - now);
}

const server = createServer((request, response) => {
  if (request.url === '/reset') {
    count = 0;
    stalledUntil = 0;
    return void response.end();
  }
  setTimeout(() => response.end('{"status":"ok"}'), delayOf(count++));
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
