const MINUTE_MS = 60_000;

/** What an Application Load Balancer tells CloudWatch of its requests. */
export const METRICS = ['RequestCount', 'HTTPCode_Target_5XX_Count', 'HTTPCode_ELB_5XX_Count'] as const;
export type MetricName = (typeof METRICS)[number];

type Minute = Record<MetricName, number>;

/** Requests of one balancer, by minute and target group; '' holds those of the whole balancer. */
export class RequestMetrics {
  readonly #now: () => number;
  readonly #minutes = new Map<string, Map<number, Minute>>();

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** No target could be chosen. */
  refused(): void {
    this.#count('', 'HTTPCode_ELB_5XX_Count');
  }

  /** @param by whose answer the client got */
  forwarded(group: string, by: 'target' | 'balancer' | 'nobody', status: number): void {
    for (const dimension of ['', group]) {
      this.#count(dimension, 'RequestCount');
      if (by === 'target' && status >= 500) this.#count(dimension, 'HTTPCode_Target_5XX_Count');
    }
    if (by === 'balancer' && status >= 500) this.#count('', 'HTTPCode_ELB_5XX_Count');
  }

  /** Counts from a minute to before another, oldest first; a minute without any has no value. */
  values(group: string, name: MetricName, from: number, to: number): { minute: number; count: number }[] {
    return [...(this.#minutes.get(group) ?? [])]
      .filter(([minute, counts]) => minute >= from && minute < to && counts[name] > 0)
      .map(([minute, counts]) => ({ minute, count: counts[name] }))
      .sort((a, b) => a.minute - b.minute);
  }

  #count(group: string, name: MetricName): void {
    const minute = Math.floor(this.#now() / MINUTE_MS) * MINUTE_MS;
    const minutes = this.#minutes.get(group) ?? new Map<number, Minute>();
    this.#minutes.set(group, minutes);
    const counts = minutes.get(minute) ?? { RequestCount: 0, HTTPCode_Target_5XX_Count: 0, HTTPCode_ELB_5XX_Count: 0 };
    counts[name]++;
    minutes.set(minute, counts);
  }
}
