import type { ManagedHost } from '../local/hosts/hosts.ts';
import { startLocal } from '../local/start.ts';
import { command, load, only, pushPage, shell } from '../test/support/hosts.ts';
import { type Benchmark, type Case, median } from './benchmark.ts';

/** Deployments take seconds each, so that few have to do. */
const ROUNDS = 5;
const PER_SECOND = 200;
/** Issue 6: one host's swap of a small image. */
const SWAP_LIMIT_MS = 5000;

interface Round {
  ms: number;
  sent: number;
  failed: number;
  slowestMs: number;
}

/** Deploys one version after the other while clients ask, and tells what they noticed. */
async function rounds(url: string, rollOut: (round: number) => Promise<void>): Promise<Round[]> {
  const all: Round[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const clients = load(url, PER_SECOND);
    const began = performance.now();
    await rollOut(round);
    const ms = performance.now() - began;
    await clients.stop();
    all.push({ ms, sent: clients.sent, failed: clients.failures.length, slowestMs: clients.slowest });
  }
  return all;
}

function caseOf(name: string, all: readonly Round[], ours: boolean): Case {
  const of = (pick: (round: Round) => number) => Math.round(median(all.map(pick)));
  const sum = (pick: (round: Round) => number) => all.reduce((total, round) => total + pick(round), 0);
  return {
    name,
    peer: !ours,
    measures: [
      { name: 'swap', value: of((r) => r.ms), unit: 'ms', ...(ours ? { limit: SWAP_LIMIT_MS } : {}) },
      { name: 'requests', value: sum((r) => r.sent), unit: 'count' },
      { name: 'failed', value: sum((r) => r.failed), unit: 'count', ...(ours ? { limit: 0, hard: true } : {}) },
      { name: 'slowest', value: of((r) => r.slowestMs), unit: 'ms', ...(ours ? { limit: 1000 } : {}) },
    ],
  };
}

/** Nothing but the old way of doing it: stop the one that serves, then start the next on its port. */
async function stopThenStart(host: ManagedHost, images: readonly string[]): Promise<Round[]> {
  const port = 8090;
  const start = (image: string) =>
    shell(
      host,
      `docker stop app >/dev/null 2>&1; docker rm app >/dev/null 2>&1; docker run --init -d --name app -p ${port}:8080 ${image}
until curl -sf -o /dev/null http://${host.address}:${port}/health; do sleep 0.1; done`,
    );
  await start(images[1] ?? '');
  const all = await rounds(
    `http://${host.address}:${port}/`,
    async (round) => void (await start(images[round % 2] ?? '')),
  );
  await shell(host, 'docker rm -f app');
  return all;
}

export default {
  title: `ssm-deploy on one host, ${PER_SECOND} requests a second (deadline of a client: 1 s), medians of ${ROUNDS}`,
  async run() {
    const local = await startLocal({ world: { repositories: ['web'], hosts: [{ tags: {} }] } });
    try {
      const host = only(local);
      const images = [await pushPage(local, 'web:1', 'one'), await pushPage(local, 'web:2', 'two')];
      const deploy = async (round: number) => {
        const spec = {
          v: 1,
          component: 'web',
          release: String(round).padStart(16, '0'),
          image: images[round % 2],
          http: { port: 8080, 'container-port': 8080, 'health-path': '/health' },
        };
        const { state, cause } = await command(host, { operation: 'deploy', spec });
        if (state !== 'succeeded') throw new Error(`the deployment ended as ${state}: ${cause}`);
      };
      // Both images are on the host, as after a pull: what is measured is the swap.
      await deploy(10);
      await deploy(11);
      const ours = await rounds(`http://${host.address}:8080/`, deploy);
      return [caseOf('slipway-host', ours, true), caseOf('stop, then start', await stopThenStart(host, images), false)];
    } finally {
      await local.stop();
    }
  },
} satisfies Benchmark;
