import { type Endpoint, endpoints, type FaultKind } from "./faults.ts";

export interface EndpointCounts {
  /** Planned answers: model replies, MCP tool calls, A2A messages. */
  requests: number;
  active: number;
  peakActive: number;
  completed: number;
  /** The client went away first. */
  disconnected: number;
  /** Refused because the request was wrong. */
  rejected: number;
  tokens: number;
  readonly faults: Record<FaultKind, number>;
}

/** What the server did, for `GET /metrics` and for tests. */
export class Counters {
  readonly #counts: ReadonlyMap<Endpoint, EndpointCounts> = new Map(endpoints.map((name) => [name, zero()]));

  of(endpoint: Endpoint): EndpointCounts {
    const counts = this.#counts.get(endpoint);
    if (!counts) throw new Error(`the mock model has no endpoint ${endpoint}`);
    return counts;
  }

  /** Counts a request in. @returns its number, from 1 */
  begin(endpoint: Endpoint): number {
    const counts = this.of(endpoint);
    counts.active++;
    counts.peakActive = Math.max(counts.peakActive, counts.active);
    return ++counts.requests;
  }

  end(endpoint: Endpoint, outcome: "completed" | "faulted" | "disconnected", tokens: number, fault?: FaultKind): void {
    const counts = this.of(endpoint);
    counts.active--;
    if (outcome === "completed") counts.completed++;
    else if (outcome === "disconnected") counts.disconnected++;
    // A stall that passed, or a broken event within an answer that ended well, was a fault all the same.
    if (fault && outcome !== "disconnected") counts.faults[fault]++;
    counts.tokens += tokens;
  }

  snapshot(): Record<Endpoint, EndpointCounts> {
    return structuredClone(Object.fromEntries(this.#counts)) as Record<Endpoint, EndpointCounts>;
  }
}

const zero = (): EndpointCounts => ({
  requests: 0,
  active: 0,
  peakActive: 0,
  completed: 0,
  disconnected: 0,
  rejected: 0,
  tokens: 0,
  faults: { status: 0, reset: 0, stall: 0, truncate: 0, malformed: 0 },
});
