/** What is usual of a component before anything is measured (S2-033, S2-131). Times in ms. */
export interface ComponentBaselines {
  readonly agent: {
    readonly agentsPerSecond: number;
    readonly bytesPerAgent: number;
    readonly creationMs: number;
  };
  readonly system: {
    readonly startupMs: number;
    readonly componentInitializationMs: number;
    readonly readyMs: number;
  };
  readonly event_system: {
    readonly eventsPerSecond: number;
    readonly averageLatencyMs: number;
    readonly maxLatencyMs: number;
  };
  readonly registry: {
    readonly lookupMs: number;
    readonly registerMs: number;
    readonly unregisterMs: number;
  };
}

const baselines: ComponentBaselines = {
  agent: { agentsPerSecond: 1000, bytesPerAgent: 1_000_000, creationMs: 1 },
  system: { startupMs: 100, componentInitializationMs: 50, readyMs: 200 },
  event_system: { eventsPerSecond: 10_000, averageLatencyMs: 1, maxLatencyMs: 10 },
  registry: { lookupMs: 0.1, registerMs: 0.5, unregisterMs: 0.5 },
};

/** The baseline that the rules of a component's scenarios are made of. */
export function baselineOf<Component extends keyof ComponentBaselines>(
  component: Component,
): ComponentBaselines[Component] {
  return baselines[component];
}
