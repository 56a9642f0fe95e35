import fc from "fast-check";
import { expect, test } from "vitest";
import { SseData } from "../../src/drivers/sse-data.ts";

/** The specification's way, on the whole text at once. */
function slowly(text: string): [string, string][] {
  const found: [string, string][] = [];
  const lines = text.replace(/^\ufeff/, "").split(/\r\n|\r|\n/);
  lines.pop();
  let data: string[] = [];
  let event = "";
  for (const line of lines) {
    if (line === "") {
      if (data.length > 0) found.push([data.join("\n"), event]);
      data = [];
      event = "";
      continue;
    }
    const [, field, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === "data") data.push(value ?? "");
    if (field === "event") event = value ?? "";
  }
  return found;
}

const line = fc.oneof(
  fc.constantFrom("", "data: a", "data:b", "data", "data: µ€😀", "event: x", "event:", ": comment", "id: 1", "retry: 5", "data:  two", "datax: no"),
  fc.string().map((text) => text.replaceAll(/[\r\n]/g, "")),
);
const stream = fc
  .array(fc.tuple(line, fc.constantFrom("\n", "\r", "\r\n")))
  .map((lines) => lines.map(([text, end]) => text + end).join(""));

test("any split of the bytes gives the events of the whole", () => {
  fc.assert(
    fc.property(stream, fc.boolean(), fc.array(fc.nat(40)), (text, mark, cuts) => {
      const whole = (mark ? "\ufeff" : "") + text;
      const bytes = new TextEncoder().encode(whole);
      const found: [string, string][] = [];
      const parser = new SseData((data, event) => found.push([data, event]));
      let from = 0;
      for (const cut of cuts) {
        parser.push(bytes.subarray(from, from + cut), 0);
        from = Math.min(bytes.length, from + cut);
      }
      parser.push(bytes.subarray(from), 0);
      expect(found).toEqual(slowly(whole));
    }),
    { numRuns: 500 },
  );
});

test("an endless line is given up, and memory with it", () => {
  const parser = new SseData(() => {});
  const chunk = new Uint8Array(2 ** 20).fill(97);
  for (let i = 0; i < 40; i++) parser.push(chunk, 0);
  expect(parser.overflowed).toBe(true);
});
