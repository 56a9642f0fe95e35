import { expect, test } from "vitest";
import { traceContext, traceparent } from "../../src/http/trace-context.ts";

const trace = "0af7651916cd43dd8448eb211c80319c";
const parent = "b7ad6b7169203331";

test("goes on with the caller's trace", () => {
  const context = traceContext(`00-${trace}-${parent}-01`);
  expect(context).toMatchObject({ traceId: trace, parentId: parent, sampled: true });
  expect(traceparent(context)).toBe(`00-${trace}-${context.spanId}-01`);
  expect(context.spanId).not.toBe(parent);
  expect(traceContext(`cc-${trace}-${parent}-00-later`)).toMatchObject({ traceId: trace, sampled: false });
});

test("traces that begin here never share an id, however many begin", () => {
  const contexts = Array.from({ length: 5000 }, () => traceContext(undefined));
  expect(new Set(contexts.flatMap(({ traceId, spanId }) => [traceId, spanId])).size).toBe(10_000);
});

test.each([
  undefined,
  "",
  `00-${"0".repeat(32)}-${parent}-01`,
  `00-${trace}-${"0".repeat(16)}-01`,
  `ff-${trace}-${parent}-01`,
  `00-${trace}-${parent}-01-more`,
  `00-${trace.toUpperCase()}-${parent}-01`,
  `00-${trace}-${parent}`,
])("begins a new one for %j", (header) => {
  const context = traceContext(header);
  expect(context.traceId).not.toBe(trace);
  expect(context.parentId).toBeUndefined();
  expect(traceparent(context)).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-01$/);
});
