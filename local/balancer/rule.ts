import type { TargetGroup } from './target-group.ts';

/** A target group's part of the traffic of a rule; weights count in proportion to each other. */
export interface Forward {
  group: TargetGroup;
  weight: number;
}

/** A listener's rule: to which target groups it forwards, and how much to each. */
export class ListenerRule {
  /** "balancer:production" or "balancer:test", as a world names it. */
  readonly name: string;
  readonly arn: string;
  #forwards: readonly Forward[];
  readonly #onChange: (rule: ListenerRule) => void;
  /** How far each group is behind its part (smooth weighted round robin: exact over any hundred requests, and repeatable). */
  readonly #due = new Map<TargetGroup, number>();

  constructor(
    name: string,
    arn: string,
    forwards: readonly Forward[],
    onChange: (rule: ListenerRule) => void = () => undefined,
  ) {
    this.name = name;
    this.arn = arn;
    this.#forwards = forwards;
    this.#onChange = onChange;
  }

  get forwards(): readonly Forward[] {
    return this.#forwards;
  }

  /** The weight of a group; 0 for one that the rule does not forward to. */
  weightOf(group: TargetGroup): number {
    return this.#forwards.find((one) => one.group === group)?.weight ?? 0;
  }

  /** Takes effect with the next request; requests under way stay where they are. */
  forward(forwards: readonly Forward[]): void {
    const same =
      forwards.length === this.#forwards.length &&
      forwards.every(({ group, weight }) => this.weightOf(group) === weight);
    if (same) return;
    this.#forwards = forwards;
    this.#due.clear();
    this.#onChange(this);
  }

  /** The group that the next request goes to. It is not asked whether a target of it is healthy, as at an Application Load Balancer. */
  choose(): TargetGroup | undefined {
    const total = this.#forwards.reduce((sum, { weight }) => sum + weight, 0);
    let best: Forward | undefined;
    for (const one of this.#forwards) {
      if (one.weight <= 0) continue;
      const due = (this.#due.get(one.group) ?? 0) + one.weight;
      this.#due.set(one.group, due);
      if (!best || due > (this.#due.get(best.group) ?? 0)) best = one;
    }
    if (best) this.#due.set(best.group, (this.#due.get(best.group) ?? 0) - total);
    return best?.group;
  }
}
