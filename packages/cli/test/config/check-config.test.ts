import { MettleError } from "@mettle/core";
import { expect, test } from "vitest";
import { checkConfig } from "../../src/config/check-config.ts";

function problemsOf(value: unknown): readonly string[] {
  try {
    checkConfig(value, "mettle.config.ts");
  } catch (error) {
    if (error instanceof MettleError && error.code === "CONFIG_INVALID") return error.details["problems"] as string[];
    throw error;
  }
  return [];
}

test("a whole configuration is taken as it is", () => {
  const config = {
    name: "registry",
    bench: {
      files: ["bench/**/*.bench.ts"],
      profile: "smoke",
      plan: { margin: 0.02, memory: false },
      nodeFlags: [],
      seed: 1,
    },
    against: { install: "", build: "npm run build" },
    judge: { thresholds: {} },
    compare: "main",
    history: false,
    baselines: "baselines",
    out: "out",
  };
  expect(checkConfig(config, "x")).toBe(config);
});

test("unknown keys are named with their path and the nearest setting, all at once", () => {
  const problems = problemsOf({ benhc: {}, bench: { plan: { margn: 1 }, __proto__x: 1 }, constructor: 1 });
  expect(problems).toHaveLength(4);
  expect(problems.join("\n")).toMatch(/benhc is not a setting.*Did you mean bench/);
  expect(problems.join("\n")).toMatch(/bench\.plan\.margn is not a setting.*Did you mean margin/);
  expect(problems.join("\n")).toMatch(/constructor is not a setting/);
});

test.each([
  [null, "the default export must be an object"],
  [[], "the default export must be an object"],
  [{ bench: [] }, "bench must be an object"],
  [{ bench: { files: "a" } }, "bench.files must be a list of texts"],
  [{ bench: { profile: "fast" } }, "bench.profile must be one of smoke, ci, full, soak"],
  [{ bench: { plan: { margin: Number.NaN } } }, "bench.plan.margin must be a finite number"],
  [{ history: true }, "history must be a file name, or false for no history"],
  [{ out: "" }, "out must be a text that is not empty"],
])("%j: %s", (value, problem) => {
  expect(problemsOf(value)).toEqual([problem]);
});
