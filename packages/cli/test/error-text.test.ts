import { cliErrors } from "../src/errors.ts";
import { expect, test } from "vitest";
import { describeError } from "../src/error-text.ts";

test("a coded error is two lines: what is wrong, what to do next", () => {
  const error = cliErrors.create("RUN_NOT_FOUND", "No run\u001b[2J here.", {
    next: "Measure first.",
    details: { path: "x" },
  });
  const { text, exitCode, document } = describeError(error);
  expect(text).toBe("✗ RUN_NOT_FOUND No run\ufffd[2J here.\n  → Measure first.\n");
  expect(exitCode).toBe(2);
  expect(document.error).toMatchObject({ code: "RUN_NOT_FOUND", exitCode: 2, details: { path: "x" } });
});

test("any other error is a defect: exit code 1, with its stack", () => {
  const { text, exitCode } = describeError(new TypeError("boom"));
  expect(exitCode).toBe(1);
  expect(text).toContain("boom");
  expect(text).toContain("error-text.test.ts");
  expect(describeError("thrown text").text).toContain("thrown text");
});
