/** Something that happened, for the page and for tests. */
export interface LocalEvent {
  /** Dotted and past-tense where it is an event: "ecs.task", "ecs.deployment", "ecr.push", "ssm.invocation", "aws.request", "log", "discord.message". */
  kind: string;
  /** Milliseconds since the epoch. */
  at: number;
  /** One line for a person. */
  text: string;
  /** Plain JSON, for the page. No secrets. */
  data?: Record<string, unknown>;
}

export interface Bus {
  /** `at` is filled in when it is left out. Listeners run at once; one that throws does not disturb the others. */
  emit(event: Omit<LocalEvent, 'at'> & { at?: number }): void;
  /** Calls back for each later event until the returned function is called. */
  subscribe(listener: (event: LocalEvent) => void): () => void;
  /** The last events, oldest first. */
  recent(): readonly LocalEvent[];
}

const KEPT = 2000;

/** @param now milliseconds since the epoch */
export function createBus(now: () => number = Date.now): Bus {
  const listeners = new Set<(event: LocalEvent) => void>();
  const events: LocalEvent[] = [];
  return {
    emit(partial) {
      const event: LocalEvent = { ...partial, at: partial.at ?? now() };
      events.push(event);
      if (events.length > KEPT) events.splice(0, events.length - KEPT);
      for (const listener of [...listeners]) {
        try {
          listener(event);
        } catch (error) {
          console.error(`A listener failed on ${event.kind}:`, error);
        }
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    recent: () => events,
  };
}
