import { createReadStream, readFileSync } from "node:fs";
import { Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arrivalStatistics } from "../../src/traces/arrival-statistics.ts";
import { readAzureTrace } from "../../src/traces/azure.ts";
import { type RecordedCall, traceSession } from "../../src/traces/dependencies.ts";
import { readMooncakeCompact, readMooncakeTrace } from "../../src/traces/mooncake.ts";
import { readOtelTrace } from "../../src/traces/otel.ts";
import { replaySession, traceArrivals } from "../../src/traces/replay.ts";
import type { TraceRequest } from "../../src/traces/trace.ts";

const fixture = (name: string): URL => new URL(`fixtures/${name}`, import.meta.url);
const open = (name: string) => createReadStream(fixture(name), { highWaterMark: 7 });
async function all(requests: AsyncIterable<TraceRequest>): Promise<TraceRequest[]> {
  const found: TraceRequest[] = [];
  for await (const request of requests) found.push(request);
  return found;
}

describe("readers", () => {
  test("Azure: times to a tenth of a microsecond, over midnight", async () => {
    const requests = await all(readAzureTrace(open("azure-shape.csv")));
    expect(requests.map(({ inputTokens, outputTokens }) => [inputTokens, outputTokens])).toEqual([
      [100, 10],
      [200, 20],
      [300, 30],
      [400, 40],
    ]);
    const times = requests.map(({ atMs }) => atMs);
    for (const [index, expected] of [0, 0.0002, 1500.0001, 1500.0001].entries())
      expect(times[index]).toBeCloseTo(expected, 9);
  });

  test("Mooncake: both forms say the same; a block is reused only behind reused ones", async () => {
    const expected = [
      { atMs: 0, inputTokens: 1100, outputTokens: 5, cachedInputTokens: 0 },
      { atMs: 0, inputTokens: 1500, outputTokens: 6, cachedInputTokens: 1024 },
      { atMs: 1500, inputTokens: 600, outputTokens: 7, cachedInputTokens: 0 },
      { atMs: 1600, inputTokens: 900, outputTokens: 8, cachedInputTokens: 900 },
    ];
    expect(await all(readMooncakeTrace(open("mooncake-shape.jsonl")))).toEqual(expected);
    expect(await all(readMooncakeCompact(open("mooncake-shape.csv")))).toEqual(expected);
  });

  test("OpenTelemetry: spans, sessions and what waits for what, by content", async () => {
    const [session, ...rest] = await readOtelTrace(open("agents.json"));
    expect(rest).toEqual([]);
    expect(session).toMatchObject({ id: "s1", atMs: 0 });
    expect(
      session?.calls.map(({ id, after, waitMs, durationMs, failed }) => [id, after, waitMs, durationMs, failed]),
    ).toEqual([
      ["plan", [], 0, 1500, false],
      ["red", ["plan"], 250, 2750, false],
      ["blue", ["plan"], 500, 3500, true],
      // It quotes the plan too, but already waits for it through the others.
      ["answer", ["red", "blue"], 500, 1500, false],
    ]);
    expect(session?.calls[0]).toMatchObject({
      name: "m-large",
      kind: "llm",
      inputTokens: 120,
      outputTokens: 40,
      cachedInputTokens: 64,
    });
  });

  test("OpenTelemetry: OTLP, a document a line; a parent that ended is waited for", async () => {
    const sessions = await readOtelTrace(open("agents-otlp.jsonl"));
    expect(sessions.map(({ id, atMs }) => [id, atMs])).toEqual([
      ["a", 0],
      ["b", 3000],
    ]);
    expect(sessions[0]?.calls).toMatchObject([
      { id: "1", kind: "llm", name: "m", inputTokens: 10, durationMs: 1000.5 },
      { id: "2", kind: "tool", name: "search", after: ["1"], waitMs: 499.5 },
    ]);
    expect(sessions[0]?.calls[0]).not.toHaveProperty("outputTokens");
  });
});

describe("bad input is refused with its place", () => {
  const header = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
  test.each([
    ["TIMESTAMP,ContextTokens\n", /x, line 1: there is no column GeneratedTokens/],
    [`${header}2025-01-01 00:00:00,1\n`, /x, line 2: it has 2 fields, the header 3/],
    [`${header}2025-02-30 00:00:00,1,1\n`, /x, line 2: "2025-02-30 00:00:00" is not a time/],
    [`${header}2025-01-01 00:00:01,1,1\n\n2025-01-01 00:00:00,1,1\n`, /x, line 4: its time is before/],
    [`${header}2025-01-01 00:00:00,-1,1\n`, /x, line 2: ContextTokens is "-1"/],
    [`${header}2025-01-01 00:00:00,1,1e3\n`, /x, line 2: GeneratedTokens is "1e3"/],
  ])("Azure %j", async (text, message) => {
    await expect(all(readAzureTrace([text], { source: "x" }))).rejects.toThrow(message);
  });

  test.each([
    ["{", /x, line 1: it is not JSON/],
    ["[]", /x, line 1: it is not an object/],
    ['{"timestamp":0,"input_length":1.5,"output_length":1}', /input_length is 1.5/],
    ['{"timestamp":null,"input_length":1,"output_length":1}', /timestamp is null/],
    ['{"timestamp":0,"input_length":1,"output_length":1,"hash_ids":["a"]}', /hash_ids/],
  ])("Mooncake %j", async (text, message) => {
    await expect(all(readMooncakeTrace([text], { source: "x" }))).rejects.toThrow(message);
  });

  test("Mooncake beyond the cap on blocks", async () => {
    const row = '{"timestamp":0,"input_length":1,"output_length":1,"hash_ids":[1,2,3]}';
    await expect(all(readMooncakeTrace([row], { maxBlocks: 2 }))).rejects.toMatchObject({ code: "TRACE_TOO_LARGE" });
  });

  const span = (changes: object): string =>
    JSON.stringify({
      spans: [
        {
          span_id: "1",
          trace_id: "t",
          start_time: "2026-01-01T00:00:00",
          end_time: "2026-01-01T00:00:01",
          attributes: { "gen_ai.operation.name": "chat" },
          ...changes,
        },
      ],
    });
  test.each([
    ["5", "TRACE_INVALID", /line 1: a trace is an object/],
    ["{}", "TRACE_INVALID", /neither spans nor resourceSpans/],
    ['{"spans": [1]}', "TRACE_INVALID", /list of objects/],
    ['{"spans": []}', "TRACE_EMPTY", /no span with gen_ai/],
    ['{\n"spans"', "TRACE_INVALID", /line 1: what begins there is not JSON/],
    [span({ span_id: null }), "TRACE_INVALID", /span 1: it has no span_id/],
    [span({ start_time: "yesterday" }), "TRACE_INVALID", /span 1 \(1\): its start "yesterday"/],
    [span({ start_time: "2026-01-01T00:00:02" }), "TRACE_INVALID", /ends before it starts/],
    [
      span({ attributes: { "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": -1 } }),
      "TRACE_INVALID",
      /input_tokens is -1/,
    ],
  ])("OpenTelemetry %s", async (text, code, message) => {
    await expect(readOtelTrace([text])).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });

  test("OpenTelemetry beyond its limits", async () => {
    const text = readFileSync(fixture("agents.json"), "utf8");
    await expect(readOtelTrace([text], { maxSpans: 4 })).rejects.toMatchObject({ code: "TRACE_TOO_LARGE" });
    await expect(readOtelTrace([text], { maxCharacters: 100 })).rejects.toMatchObject({ code: "TRACE_TOO_LARGE" });
  });
});

describe("statistics of arrivals", () => {
  const at = (times: readonly number[]): TraceRequest[] =>
    times.map((atMs, index) => ({ atMs, inputTokens: index + 1, outputTokens: 1 }));

  test("hand-computed: gaps 100, 300, 1 600 ms; counts 3 and 0 and 1 in three seconds", async () => {
    const found = await arrivalStatistics(at([0, 100, 400, 2000]));
    const deviation = Math.sqrt(((100 - 2000 / 3) ** 2 + (300 - 2000 / 3) ** 2 + (1600 - 2000 / 3) ** 2) / 3);
    const variation = deviation / (2000 / 3);
    expect(found).toMatchObject({
      requests: 4,
      durationMs: 2000,
      ratePerSecond: 2,
      peakPerSecond: 3,
      inputTokens: { p50: 2, p95: 4, p99: 4 },
    });
    expect(found.coefficientOfVariation).toBeCloseTo(variation, 12);
    expect(found.gammaShape).toBeCloseTo(1 / variation ** 2, 12);
    expect(found.indexOfDispersion).toBeCloseTo(((3 - 4 / 3) ** 2 + (4 / 3) ** 2 + (1 - 4 / 3) ** 2) / 3 / (4 / 3), 12);
  });

  test("constant arrivals do not vary, Poisson ones have CV and dispersion 1", async () => {
    const constant = await arrivalStatistics(at(Array.from({ length: 1000 }, (_, index) => index * 10)));
    expect(constant.coefficientOfVariation).toBeCloseTo(0, 9);
    const random = new Random(4);
    let now = 0;
    const poisson = await arrivalStatistics(
      at(Array.from({ length: 50_000 }, () => (now -= 100 * Math.log(1 - random.uniform())))),
    );
    expect(poisson.coefficientOfVariation).toBeCloseTo(1, 1);
    expect(poisson.gammaShape).toBeCloseTo(1, 1);
    expect(poisson.indexOfDispersion).toBeCloseTo(1, 1);
  });

  test("one request has no rate; none is refused", async () => {
    const one = await arrivalStatistics(at([0]));
    for (const absent of ["ratePerSecond", "coefficientOfVariation", "gammaShape", "indexOfDispersion"])
      expect(one).not.toHaveProperty(absent);
    await expect(arrivalStatistics([])).rejects.toMatchObject({ code: "TRACE_EMPTY" });
  });

  test("arrivals for the executor: faster, and no more than asked for", async () => {
    const trace = at(Array.from({ length: 3000 }, (_, index) => index));
    expect(Array.from(await traceArrivals(trace, { speed: 2, limit: 3 }))).toEqual([0, 0.5, 1]);
    expect((await traceArrivals(trace)).at(-1)).toBe(2999);
    await expect(traceArrivals(trace, { speed: 0 })).rejects.toMatchObject({ code: "REPLAY_INVALID" });
  });
});

const calls = fc
  .array(fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 10 })), { minLength: 1, maxLength: 12 })
  .map((spans) =>
    spans.map(
      ([startMs, length], index): RecordedCall => ({
        id: `c${index}`,
        kind: "llm",
        name: "m",
        startMs,
        endMs: startMs + length,
        failed: false,
        links: [],
      }),
    ),
  );

test("by time: a call waits, directly or not, for exactly what ended before it began, and for nothing twice", () => {
  fc.assert(
    fc.property(calls, (recorded) => {
      const session = traceSession("s", recorded, 0, "time", "x");
      const after = new Map(session.calls.map((call) => [call.id, call.after]));
      const reach = (id: string): Set<string> =>
        new Set((after.get(id) ?? []).flatMap((each) => [each, ...reach(each)]));
      for (const call of recorded) {
        const before = recorded.filter(({ endMs }) => endMs <= call.startMs).map(({ id }) => id);
        expect([...reach(call.id)].sort()).toEqual(before.sort());
        for (const direct of after.get(call.id) ?? []) {
          const others = (after.get(call.id) ?? []).filter((each) => each !== direct);
          expect(others.some((other) => reach(other).has(direct))).toBe(false);
        }
      }
    }),
  );
});

describe("replay", () => {
  const call = (id: string, after: string[], waitMs = 0) => ({
    id,
    kind: "llm" as const,
    name: "m",
    durationMs: 1,
    failed: false,
    after,
    waitMs,
  });
  const diamond = {
    id: "s",
    atMs: 0,
    calls: [call("a", []), call("b", ["a"], 20_000), call("c", ["a"], 10), call("d", ["b", "c"])],
  };

  test("order, capped waits, and all done", async () => {
    const log: string[] = [];
    const result = await replaySession(diamond, {
      speed: 2,
      sleep: (milliseconds) => Promise.resolve(void log.push(`sleep ${milliseconds}`)),
      call: ({ id }) => Promise.resolve(log.push(id) > 0),
    });
    expect(result).toEqual({ completed: 4, failed: 0, cancelled: 0, errors: [] });
    expect(log).toContain("sleep 7500");
    expect(log).toContain("sleep 5");
    expect(log[0]).toBe("a");
    expect(log.at(-1)).toBe("d");
  });

  test("a failure cancels all that waits for it, and only that", async () => {
    const made: string[] = [];
    const broken = new Error("down");
    const result = await replaySession(diamond, {
      sleep: () => Promise.resolve(),
      call: ({ id }) => {
        made.push(id);
        return id === "b" ? Promise.reject(broken) : Promise.resolve(true);
      },
    });
    expect(result).toEqual({ completed: 2, failed: 1, cancelled: 1, errors: [broken] });
    expect(made.sort()).toEqual(["a", "b", "c"]);
  });

  test("a session that waits for what is not there is refused", async () => {
    const options = { sleep: () => Promise.resolve(), call: () => Promise.resolve(true) };
    for (const wrong of [
      [call("a", ["b"]), call("b", [])],
      [call("a", []), call("a", [])],
    ]) {
      await expect(replaySession({ id: "s", atMs: 0, calls: wrong }, options)).rejects.toMatchObject({
        code: "REPLAY_INVALID",
      });
    }
  });
});
