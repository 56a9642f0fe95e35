import type { RunObjective } from "@mettle/judge";
import type { Measurement } from "@mettle/results";
import type { Recorder } from "../../measure/recorder.ts";

const services = {
  all: undefined,
  auth: "POST /auth/login",
  agent_execution: "POST /agents/execute",
  knowledge_search: "POST /knowledge/search",
} as const;
type ServicePart = keyof typeof services;

/** Requests that were answered as promised, over everything that a validation put on a service within its promises. */
export class Availability {
  readonly #counts = new Map<ServicePart, { total: number; failed: number }>();

  /** @param measurements - of one load test, as the generator names them */
  add(measurements: readonly Measurement[]): void {
    const failures = measurements.filter(({ metric }) => metric === "http_req_failed");
    for (const [part, name] of Object.entries(services) as [ServicePart, string | undefined][]) {
      const own = failures.filter(({ tags }) =>
        name === undefined
          ? Object.keys(tags).length === 0
          : tags["name"] === name && tags["scenario"] !== undefined && Object.keys(tags).length === 2,
      );
      const sum = this.#counts.get(part) ?? { total: 0, failed: 0 };
      for (const { summary } of own) {
        sum.total += summary.count;
        sum.failed += Math.round((summary.rate ?? 0) * summary.count);
      }
      this.#counts.set(part, sum);
    }
  }

  /** How many there were. */
  get requests(): number {
    return this.#counts.get("all")?.total ?? 0;
  }

  record(to: Recorder): void {
    for (const [part, { total, failed }] of this.#counts) {
      to.rate("service.availability", total - failed, total, { tags: { of: part } });
    }
  }
}

/** S4-065 … S4-068. Where so few requests were made that one failure would overspend the budget, there is no answer. */
export const availabilityObjectives: readonly RunObjective[] = [
  { of: "all", target: 0.999, requirement: ["S3-082", "S4-004", "S4-065"] },
  { of: "auth", target: 0.9995, requirement: ["S4-066"] },
  { of: "agent_execution", target: 0.999, requirement: ["S4-067"] },
  { of: "knowledge_search", target: 0.995, requirement: ["S4-068"] },
].map(({ of, target, requirement }) => ({
  name: `availability of ${of}`,
  metric: `service.availability{of:${of}}`,
  target,
  requirement,
  required: false,
}));
