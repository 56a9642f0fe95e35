import { describe, expect, test } from "vitest";
import { colorSupport, createPainter } from "../../src/text/color.ts";

describe("colorSupport", () => {
  const terminal = { isTTY: true };
  test.each([
    [{}, terminal, true],
    [{}, {}, false],
    [{ NO_COLOR: "1" }, terminal, false],
    [{ NO_COLOR: "" }, terminal, true],
    [{ FORCE_COLOR: "" }, {}, true],
    [{ FORCE_COLOR: "1", NO_COLOR: "1" }, {}, true],
    [{ FORCE_COLOR: "0" }, terminal, false],
    [{ FORCE_COLOR: "false" }, terminal, false],
    [{ NODE_DISABLE_COLORS: "1" }, terminal, false],
    [{ TERM: "dumb" }, terminal, false],
    [{ TERM: "xterm", NO_COLOR: undefined }, terminal, true],
  ])("%j on %j: %s", (env, stream, expected) => {
    expect(colorSupport(env, stream)).toBe(expected);
  });
});

test("a painter without colour changes nothing, one with colour closes what it opens", () => {
  expect(createPainter(false)("bad", "x")).toBe("x");
  expect(createPainter(true)("good", "x")).toBe("\u001b[32mx\u001b[39m");
  expect(createPainter(true)("plain", "x")).toBe("x");
});
