import { expect, test } from "vitest";
import { promisedOutput } from "../examples.ts";

test("the lines after Prints: are the promise, without their indent", () => {
  expect(promisedOutput("// Does a thing.\n// Prints:\n//   one\n//     two\nimport x;\n// three")).toBe(
    "one\n  two\n",
  );
});

test("an example that promises nothing is told apart from one that prints nothing", () => {
  expect(promisedOutput("// Does a thing.\nimport x;")).toBeUndefined();
  expect(promisedOutput("// Prints:\nimport x;")).toBeUndefined();
  expect(promisedOutput("import x;\n// Prints:\n//   one")).toBeUndefined();
});
