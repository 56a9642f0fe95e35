import { ManualClock, ms } from "@mettle/core";
import { judge, type Thresholds } from "@mettle/judge";
import { type LoadResult, type LoadTest, resolvePlan, runLoad } from "@mettle/load";
import type { Measurement } from "@mettle/results";
import { FakeService, type FakeServiceOptions } from "./fake-service.ts";

export interface Played extends LoadResult {
  readonly service: FakeService;
  /** Thresholds that did not hold. */
  readonly missed: readonly string[];
}

/** Runs a service's load test in virtual time. */
export async function play(test: LoadTest, options: FakeServiceOptions = {}): Promise<Played> {
  const clock = new ManualClock(1_700_000_000_000);
  const service = new FakeService(clock, options);
  let done = false;
  const running = runLoad({
    name: "service",
    plan: resolvePlan({ ...test.options, punctuality: "timer" }),
    from: { inline: { test: { ...test, client: (user) => service.client(user) }, clock } },
    submetrics: Object.keys(test.options.thresholds ?? {}).flatMap((name) => {
      const [, metric = "", tag = "", value = ""] = /^(\w+)\{(\w+):(.*)\}$/.exec(name) ?? [];
      return metric === "" ? [] : [{ metric, tags: { [tag]: value } }];
    }),
    noiseProbe: false,
    revision: { commit: "0".repeat(40), dirty: false },
  }).finally(() => {
    done = true;
  });
  running.catch(() => undefined);
  while (!done) {
    await clock.advance(ms(5));
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
  const result = await running;
  // The generator's own health is the machine's that the test runs on.
  const run = { ...result.run, validity: { state: "valid", reasons: [] } as const };
  const verdict = judge(run, { policy: { thresholds: (test.options.thresholds ?? {}) as Thresholds } });
  const missed = verdict.findings.filter(({ state }) => state !== "passed" && state !== "info");
  return { ...result, service, missed: missed.map(({ metric, rule }) => `${metric ?? ""} ${rule}`) };
}

export function measured(
  { run }: Pick<LoadResult, "run">,
  metric: string,
  tags: Record<string, string> = {},
): Measurement {
  const found = run.measurements.find(
    (each) => each.metric === metric && JSON.stringify(each.tags) === JSON.stringify(tags),
  );
  if (!found) throw new Error(`${metric} ${JSON.stringify(tags)} was not measured`);
  return found;
}
