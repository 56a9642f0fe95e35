import { createRuntime, type Runtime } from "@mettle/agents";
import { type ManualClock, Random } from "@mettle/core";
import { describe, expect, test } from "vitest";
import { measureMemoryChecks } from "../../src/catalogue/limits/memory-check.ts";
import { repeats } from "../../src/catalogue/system/consistency.ts";
import { Recorder } from "../../src/measure/recorder.ts";
import { mettle, trial } from "../trial.ts";

const context = { seconds: 0.02, random: new Random(1), signal: new AbortController().signal };

describe("the same work twice", () => {
  test("ends the same on our runtime, and different seeds end differently", async () => {
    expect((await trial("system.consistency", mettle)).missed).toEqual([]);
  });

  test("a runtime that is not repeatable is caught", async () => {
    let made = 0;
    const { same, tried } = await repeats(context, (clock: ManualClock): Runtime => {
      made += 1;
      return createRuntime({ clock, mailboxLimit: made % 2 === 0 ? 1 : 10_000 });
    }).catch((error: unknown) => {
      expect(error).toMatchObject({ code: "AGENT_MAILBOX_FULL" });
      return { same: 0, tried: 1 };
    });
    expect(same).toBeLessThan(tried);
  });
});

test("checks that wait are wrong at least 95 % less often than those that rest", async () => {
  const { missed, measurements } = await trial("system.flakiness", mettle);
  expect(missed).toEqual([]);
  const resting = measurements.find(({ metric }) => metric === "system.flakiness.resting");
  // 20 exponential delays of mean 1 ms within 5 ms: 1 − (1 − e⁻⁵)²⁰ = 12.7 % are not; 40 checks and more.
  expect(resting?.summary.rate).toBeGreaterThan(0.01);
  expect(resting?.summary.rate).toBeLessThan(0.4);
});

test("a batch size that follows live measurements settles where batches pay", async () => {
  const { wrong, measurements } = await trial("variables.live-tuning", mettle);
  expect(wrong).toEqual([]);
  const speedUp = measurements.find(({ metric }) => metric === "variables.tuning.speed-up");
  expect(speedUp?.summary.mean).toBeGreaterThan(1);
});

describe("the check of memory", () => {
  test("warns of every agent over 80 %, and collects first", async () => {
    expect((await trial("limits.memory-check", mettle)).wrong).toEqual([]);
  });

  test("a runtime that cannot collect, or never checks, is caught", async () => {
    const measured = async (own: object, waitMs?: number): Promise<(number | undefined)[]> => {
      const record = new Recorder(["S3-035"], {});
      const create = (options: object): Runtime => createRuntime({ ...options, ...own });
      await measureMemoryChecks(record, 0.01, context.signal, create, waitMs);
      const rates = new Map(record.measurements().map(({ metric, summary }) => [metric, summary.rate]));
      return ["warned", "collected"].map((what) => rates.get(`limits.memory-check.${what}`));
    };
    expect(await measured({ collect: undefined })).toEqual([1, 0]);
    expect(await measured({ memoryCheckMs: 60_000 }, 50)).toEqual([0, undefined]); // which never comes, however long
  });
});
