import type { MetricDefinition, MetricKind } from "../../metrics/recorder.ts";
import type { UserContext } from "../runtime/user-context.ts";

/** The module `k6/metrics`: classes whose instances belong to one user. */
export function metricsModule(context: UserContext): Record<string, unknown> {
  const metricClass = (kind: MetricKind): unknown =>
    class {
      readonly name: string;
      readonly #definition: MetricDefinition;

      constructor(name: unknown, isTime?: unknown) {
        this.name = String(name);
        if (context.phase !== "init") throw new Error("metrics must be declared at the top level of the script");
        if (!/^[\p{L}_][\p{L}\p{N}_.]{0,127}$/u.test(this.name)) {
          throw new TypeError(
            `"${this.name}" cannot name a metric: letters, digits, _ and . only, beginning with a letter, at most 128`,
          );
        }
        this.#definition = { name: this.name, kind, contains: isTime === true ? "time" : "default" };
        const known = context.definitions.get(this.name);
        if (known && known.kind !== kind)
          throw new Error(`metric "${this.name}" was already declared as a ${known.kind}`);
        context.definitions.set(this.name, this.#definition);
      }

      /** Hot: once a sample. */
      add(value: unknown, tags?: Record<string, unknown>): boolean {
        context.running("add()");
        context.loop.check(`${this.name}.add`);
        const number =
          typeof value === "boolean" ? Number(value) : kind === "rate" ? Number(Boolean(value)) : Number(value);
        if (tags === undefined || tags === null) context.record(this.#definition, number);
        else
          context.record(
            this.#definition,
            number,
            Object.fromEntries(Object.entries(tags).map(([key, text]) => [key, String(text)])),
          );
        return true;
      }
    };
  return {
    Counter: metricClass("counter"),
    Gauge: metricClass("gauge"),
    Rate: metricClass("rate"),
    Trend: metricClass("trend"),
  };
}
