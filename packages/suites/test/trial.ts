import { Random } from "@mettle/core";
import { type Finding, judge } from "@mettle/judge";
import { type Measurement, type Profile, type Run, runSchema } from "@mettle/results";
import { EventEmitterPlatform } from "../src/adapters/event-emitter.ts";
import { MettlePlatform } from "../src/adapters/mettle/mettle-platform.ts";
import { catalogue } from "../src/catalogue/catalogue.ts";
import type { Scenario } from "../src/catalogue/scenario.ts";
import { Recorder } from "../src/measure/recorder.ts";
import type { AgentPlatform, PlatformOptions } from "../src/platform/platform.ts";
import { policyOf } from "../src/validate/rules.ts";

export type Open = (options?: PlatformOptions) => AgentPlatform;

export const mettle: Open = (options) => new MettlePlatform(options);
export const eventEmitter: Open = (options) => new EventEmitterPlatform(options);

export function scenarioOf(id: string): Scenario {
  const scenario = catalogue.find((each) => each.id === id);
  if (scenario === undefined) throw new Error(`there is no scenario ${id}`);
  return scenario;
}

export interface Trial {
  readonly measurements: readonly Measurement[];
  readonly findings: readonly Finding[];
  /** Rules that were missed or have no data, as `metric rule`. */
  readonly missed: readonly string[];
  /** Those of them that are about what was done and not about how quickly: a busy machine makes nothing of them. */
  readonly wrong: readonly string[];
}

export interface TrialOptions {
  readonly seconds?: number;
  readonly profile?: Profile;
  /** Instead of the system's, where what is compared is not to be the machine's time. */
  readonly now?: () => number;
}

/** Runs a scenario in this process for a moment, on any platform, and judges it by its own rules. */
export async function trial(id: string, open: Open, options: TrialOptions = {}): Promise<Trial> {
  const { seconds = 0.02, profile = "smoke", now } = options;
  const scenario = scenarioOf(id);
  const record = new Recorder(scenario.requirement, { platform: "tried" });
  const opened: AgentPlatform[] = [];
  try {
    await scenario.run({
      profile,
      seconds,
      random: new Random(1),
      ...(now && { now }),
      record,
      signal: new AbortController().signal,
      open: async (settings) => {
        const platform = open(settings);
        opened.push(platform);
        return platform;
      },
    });
  } finally {
    for (const platform of opened) await platform[Symbol.asyncDispose]();
  }
  return judged(scenario, record.measurements());
}

/** The verdict of a scenario's own rules on measurements made otherwise. */
export function judged(scenario: Scenario, measurements: readonly Measurement[]): Trial {
  const run: Run = {
    schema: runSchema,
    id: "0",
    startedAt: "2026-01-01T00:00:00.000Z",
    durationMs: 1,
    name: scenario.id,
    kind: "validate",
    environment: {} as Run["environment"],
    validity: { state: "valid", reasons: [] },
    measurements,
  };
  const { findings } = judge(run, { policy: policyOf([scenario], "tried", 3) });
  const missed = findings.filter(
    ({ state, required }) => state !== "passed" && !(state === "no-data" && required === false),
  );
  const named = (list: readonly Finding[]): string[] => list.map(({ metric, rule }) => `${metric} ${rule}`);
  return {
    measurements,
    findings,
    missed: named(missed),
    wrong: named(missed.filter(({ severity }) => severity === "critical")),
  };
}

/** A platform with some of its parts replaced. */
export function replacing(platform: AgentPlatform, parts: Partial<AgentPlatform>): AgentPlatform {
  return new Proxy(platform, {
    get: (target, key) => {
      if (Object.hasOwn(parts, key)) return parts[key as keyof AgentPlatform];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

/** The value of a metric with these tags. */
export function measured(of: Trial, metric: string, tags: Readonly<Record<string, string>> = {}): Measurement {
  const found = of.measurements.find(
    (each) => each.metric === metric && Object.entries(tags).every(([key, value]) => each.tags[key] === value),
  );
  if (found === undefined) throw new Error(`${metric} was not measured`);
  return found;
}
