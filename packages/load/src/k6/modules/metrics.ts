import type { MetricDefinition, MetricKind } from "../../metrics/recorder.ts";
import type { MemberMakers } from "../runtime/lazy-members.ts";
import type { UserContext } from "../runtime/user-context.ts";

const nameOfMetric = /^[\p{L}_][\p{L}\p{N}_.]{0,127}$/u;

/** A metric of a script, for one user. */
class ScriptMetric {
  readonly name: string;
  readonly #context: UserContext;
  readonly #definition: MetricDefinition;

  constructor(context: UserContext, kind: MetricKind, name: unknown, isTime: unknown) {
    this.name = String(name);
    this.#context = context;
    if (context.phase !== "init") throw new Error("metrics must be declared at the top level of the script");
    if (!nameOfMetric.test(this.name)) {
      throw new TypeError(
        `"${this.name}" cannot name a metric: letters, digits, _ and . only, beginning with a letter, at most 128`,
      );
    }
    const { definitions } = context.share;
    const known = definitions.get(this.name);
    if (known && known.kind !== kind) throw new Error(`metric "${this.name}" was already declared as a ${known.kind}`);
    this.#definition = known ?? { name: this.name, kind, contains: isTime === true ? "time" : "default" };
    definitions.set(this.name, this.#definition);
  }

  /** Hot: once a sample. */
  add(value: unknown, tags?: Record<string, unknown>): boolean {
    const context = this.#context;
    const definition = this.#definition;
    context.running("add()");
    context.loop.check("add() of a metric");
    const number =
      typeof value === "boolean" ? Number(value) : definition.kind === "rate" ? Number(Boolean(value)) : Number(value);
    if (tags === undefined || tags === null) context.record(definition, number);
    else
      context.record(
        definition,
        number,
        Object.fromEntries(Object.entries(tags).map(([key, text]) => [key, String(text)])),
      );
    return true;
  }
}

/** For `instanceof`: all users' metrics of a kind are of one class. */
class Counter extends ScriptMetric {}
class Gauge extends ScriptMetric {}
class Rate extends ScriptMetric {}
class Trend extends ScriptMetric {}

/** A class for each user would cost a kilobyte; a function that makes one of the shared class, a few words. */
function constructorOf(Metric: typeof ScriptMetric, kind: MetricKind): (context: UserContext) => unknown {
  return (context) => {
    function make(name: unknown, isTime?: unknown): unknown {
      if (!new.target) throw new TypeError(`a ${kind} is made with \`new\``);
      return Reflect.construct(Metric, [context, kind, name, isTime], new.target);
    }
    make.prototype = Metric.prototype;
    return make;
  };
}

/** The module `k6/metrics`: classes whose instances belong to one user. */
export const metricsMembers: MemberMakers<UserContext> = {
  Counter: constructorOf(Counter, "counter"),
  Gauge: constructorOf(Gauge, "gauge"),
  Rate: constructorOf(Rate, "rate"),
  Trend: constructorOf(Trend, "trend"),
};
