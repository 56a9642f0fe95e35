import { Type } from "typebox";
import { expect, test } from "vitest";
import { ManualClock, ms } from "@mettle/core";
import { strict } from "../../src/http/schemas.ts";
import { type Tool, type ToolContext, ToolFailure } from "../../src/tools/tool.ts";
import { ToolBox } from "../../src/tools/tool-box.ts";

const input = strict({ n: Type.Optional(Type.Integer()) });
function toolThat(run: (context: ToolContext) => unknown, kind: Tool["kind"] = "light"): Tool {
  return { name: "tool", summary: "", kind, input, run: (_input: unknown, context: ToolContext) => run(context) };
}
const call = { name: "tool", input: {}, tenantId: "t" };

test("a call that takes too long is told to end, and answered at once", async () => {
  const clock = new ManualClock();
  let seen: AbortSignal | undefined;
  const box = new ToolBox([toolThat(({ signal }) => ((seen = signal), new Promise(() => undefined)))], clock);
  const outcome = box.call({ ...call, timeout: ms(50) }).catch((failure: unknown) => failure);
  await clock.advance(ms(50));
  expect(await outcome).toMatchObject({
    type: "unprocessable",
    code: "TOOL_TIMEOUT",
    message: "tool took longer than 50 ms.",
  });
  expect(seen?.aborted).toBe(true);
  expect(box.statisticsOf(({ running }) => running)).toEqual({ tool: 0 });
});

test("nobody can ask for more time than a tool has", async () => {
  const clock = new ManualClock();
  const box = new ToolBox([toolThat(() => new Promise(() => undefined))], clock);
  const outcome = box.call({ ...call, timeout: ms(1e9) }).catch((failure: unknown) => failure);
  await clock.advance(ms(5000));
  expect(await outcome).toMatchObject({ code: "TOOL_TIMEOUT" });
});

test("the time of a call is what its clock says", async () => {
  const clock = new ManualClock();
  const box = new ToolBox([toolThat(async () => (await clock.sleep(ms(20)), "done"))], clock);
  const outcome = box.call(call);
  await clock.advance(ms(20));
  expect(await outcome).toEqual({ output: "done", durationMs: 20 });
});

test("one tenant cannot take all heavy places", async () => {
  const box = new ToolBox([toolThat(() => new Promise(() => undefined), "heavy")], new ManualClock());
  for (let i = 0; i < 8; i++) void box.call(call);
  await expect(box.call(call)).rejects.toMatchObject({ type: "unavailable", code: "TOOL_BUSY", retryAfter: 1 });
  for (const tenantId of ["u", "v", "w"]) for (let i = 0; i < 8; i++) void box.call({ ...call, tenantId });
  await expect(box.call({ ...call, tenantId: "x" })).rejects.toMatchObject({ code: "TOOL_BUSY" });
  expect(box.statisticsOf(({ running }) => running)).toEqual({ tool: 32 });
});

test.each([
  [new ToolFailure("No."), { type: "unprocessable", code: "TOOL_FAILED", message: "No." }],
  [new ToolFailure("No.", "TOOL_ADDRESS_REFUSED"), { type: "forbidden", code: "TOOL_ADDRESS_REFUSED" }],
  [new Error("a bug"), { name: "Error", message: "a bug" }],
])("what a tool throws: %s", async (thrown, expected) => {
  const box = new ToolBox([toolThat(() => Promise.reject(thrown as Error))], new ManualClock());
  await expect(box.call(call)).rejects.toMatchObject(expected);
  expect(box.statisticsOf(({ failures }) => failures)).toEqual({ tool: 1 });
});

test("an output that would fill memory when it is written out is refused", async () => {
  let value: unknown = "x";
  for (let i = 0; i < 40; i++) value = [value, value];
  const box = new ToolBox([toolThat(() => value)], new ManualClock());
  await expect(box.call(call)).rejects.toMatchObject({
    code: "TOOL_FAILED",
    message: expect.stringMatching(/more than/) as string,
  });
});

test("unknown tools and arguments are refused before anything runs", async () => {
  const box = new ToolBox([toolThat(() => expect.unreachable())], new ManualClock());
  await expect(box.call({ ...call, name: "constructor" })).rejects.toMatchObject({ code: "TOOL_UNKNOWN" });
  await expect(box.call({ ...call, input: { n: "1" } })).rejects.toMatchObject({ code: "TOOL_INPUT_INVALID" });
  await expect(box.call({ ...call, input: { tenantId: "other" } })).rejects.toMatchObject({
    code: "TOOL_INPUT_INVALID",
  });
});
