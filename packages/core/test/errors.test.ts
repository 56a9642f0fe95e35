import { expect, test } from "vitest";
import { coreErrors } from "../src/core-errors.ts";
import { defineErrors, exitCodes, MettleError, messageOf } from "../src/errors.ts";

const errors = defineErrors({
  DISK_FULL: { next: "Free some space.", exitCode: exitCodes.internal, retryable: true },
  NAME_TAKEN: { next: "Choose another name.", exitCode: exitCodes.usage },
});

test("an error carries its code, what to do next and how the command exits", () => {
  const cause = new Error("ENOSPC");
  const error = errors.create("DISK_FULL", "No room for run.json.", { details: { path: "run.json" }, cause });
  expect(error).toBeInstanceOf(MettleError);
  expect(error).toMatchObject({
    name: "MettleError",
    code: "DISK_FULL",
    message: "No room for run.json.",
    next: "Free some space.",
    exitCode: 1,
    retryable: true,
    details: { path: "run.json" },
  });
  expect(error.cause).toBe(cause);
});

test("the place may know better advice; nothing else of the definition changes", () => {
  const error = errors.create("NAME_TAKEN", "main is taken.", { next: "Try main-2." });
  expect(error).toMatchObject({ next: "Try main-2.", exitCode: 2, retryable: false, details: {} });
  expect("cause" in error).toBe(false);
});

test("exit codes are public and never renumbered", () => {
  expect(exitCodes).toEqual({
    pass: 0,
    internal: 1,
    usage: 2,
    objectiveMissed: 3,
    regression: 4,
    invalidMeasurement: 5,
    interrupted: 130,
  });
  expect(Object.keys(coreErrors.definitions).toSorted()).toEqual(["OPTIONS_INVALID", "QUANTITY_INVALID"]);
});

test("anything thrown has a message", () => {
  expect([messageOf(new Error("broken")), messageOf("text"), messageOf(undefined)]).toEqual([
    "broken",
    "text",
    "undefined",
  ]);
});
