import { ManualClock, ms } from "@mettle/core";
import { expect, test } from "vitest";
import { HealthChecks } from "../../src/gateway/health-checks.ts";
import { Instance, type InstanceHealth } from "../../src/gateway/instance.ts";

type Told = InstanceHealth | "throws" | "silent";

function watching(told: (n: number) => Told) {
  const clock = new ManualClock();
  const instance = new Instance("http://i", clock);
  const at: number[] = [];
  const changes: string[] = [];
  const checks = new HealthChecks(
    [instance],
    async (_instance, signal) => {
      at.push(clock.wallTime());
      const answer = told(at.length);
      if (answer === "throws") throw new Error("refused");
      if (answer === "silent")
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      return answer as InstanceHealth;
    },
    clock,
    { every: ms(5000), timeout: ms(2000), onChange: ({ health }, before) => changes.push(`${before} → ${health}`) },
  );
  const pass = async (seconds: number): Promise<void> => {
    for (let i = 0; i < seconds * 2; i++) {
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
      await clock.advance(ms(500));
    }
  };
  return { instance, at, changes, checks, pass };
}

test("S4-087 asks every 5 s", async () => {
  const { at, checks, pass } = watching(() => "healthy");
  await pass(21);
  expect(at).toEqual([0, 5000, 10_000, 15_000, 20_000]);
  await checks[Symbol.asyncDispose]();
  await pass(10);
  expect(at).toHaveLength(5);
});

test.each(["throws", "silent", "unhealthy"] as const)(
  "one answer that %s is chance, two are not; one good one heals",
  async (bad) => {
    const { instance, at, changes, checks, pass } = watching((n) => (n === 2 || n === 4 || n === 5 ? bad : "healthy"));
    const { lost } = instance;
    while (changes.length === 0) await pass(0.5);
    expect([at.length >= 5, instance.health, instance.available, lost.aborted]).toEqual([
      true,
      "unhealthy",
      false,
      true,
    ]);
    while (changes.length === 1) await pass(0.5);
    expect(changes).toEqual(["healthy → unhealthy", "unhealthy → healthy"]);
    expect([instance.available, instance.lost.aborted]).toEqual([true, false]);
    await checks[Symbol.asyncDispose]();
  },
);

test("one that says that it drains is believed at once, and keeps what it has", async () => {
  const { instance, checks, pass } = watching((n) => (n === 1 ? "healthy" : "draining"));
  await pass(6);
  expect([instance.health, instance.available, instance.lost.aborted]).toEqual(["draining", false, false]);
  await checks[Symbol.asyncDispose]();
});
