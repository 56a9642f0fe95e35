import { MettleError, messageOf, Random } from "@mettle/core";
import type { Profile } from "@mettle/results";
import { openPlatform } from "../adapters/adapters.ts";
import type { Scenario } from "../catalogue/scenario.ts";
import { Recorder } from "../measure/recorder.ts";
import { type AgentPlatform, capabilitiesOf } from "../platform/platform.ts";
import type { Reply } from "./protocol.ts";

export interface ScenarioOptions {
  readonly platform: string;
  readonly profile: Profile;
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/** Runs one scenario in this process, on a fresh platform, and tells how it went. Never rejects. */
export async function runScenario(scenario: Scenario, options: ScenarioOptions): Promise<Reply> {
  const { id: name } = scenario;
  const opened: AgentPlatform[] = [];
  try {
    const missing = await missingOf(scenario, options.platform);
    if (missing.length > 0) return { kind: "unsupported", scenario: name, missing };
    const record = new Recorder(scenario.requirement, { platform: options.platform });
    try {
      await scenario.run({
        profile: options.profile,
        seconds: scenario.seconds[options.profile] ?? 0,
        random: new Random(options.seed),
        record,
        signal: options.signal ?? new AbortController().signal,
        open: async (settings) => {
          const platform = await openPlatform(options.platform, settings);
          opened.push(platform);
          return platform;
        },
      });
    } finally {
      for (const platform of opened) await platform[Symbol.asyncDispose]();
    }
    const measurements = record.measurements();
    if (measurements.length > 0) return { kind: "measured", scenario: name, measurements };
    return { kind: "failed", scenario: name, code: "SCENARIO_MEASURED_NOTHING", message: "It recorded nothing." };
  } catch (error) {
    const code = error instanceof MettleError ? error.code : "SCENARIO_FAILED";
    const where = error instanceof Error ? (error.stack?.split("\n")[1]?.trim() ?? "") : "";
    return { kind: "failed", scenario: name, code, message: `${messageOf(error)} ${where}`.trim() };
  }
}

async function missingOf(scenario: Scenario, name: string): Promise<string[]> {
  if (scenario.needs.length === 0) return [];
  await using platform = await openPlatform(name);
  const offered = capabilitiesOf(platform);
  return scenario.needs.filter((capability) => !offered.has(capability));
}
