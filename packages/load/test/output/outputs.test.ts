import { mkdtempSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { importK6Csv, importK6Json, importK6Summary, type Measurement } from "@mettle/results";
import { Histogram } from "@mettle/stats";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LoadOutput } from "../../src/engine/load-output.ts";
import { openOutput } from "../../src/output/open-output.ts";
import { exponentialOf } from "../../src/output/otlp.ts";
import { seriesOf, writeRequest } from "../../src/output/prometheus.ts";
import { varint } from "../../src/output/protobuf.ts";
import { snappyStored } from "../../src/output/snappy.ts";
import { k6SummaryExport } from "../../src/output/summary-export.ts";
import { measured, runVirtually, type VirtualRun } from "../engine/virtual-run.ts";

const folder = mkdtempSync(join(tmpdir(), "mettle-out-"));

function loaded(outputs: readonly LoadOutput[]): Promise<VirtualRun> {
  return runVirtually(
    { vus: 3, duration: "3s", tags: { team: "a,b" } },
    async (user) => {
      await user.sleep(100);
      const own = user.recorder.metric({ name: "tokens", kind: "trend", contains: "default" });
      own.add(user.id * 7, user.recorder.tagSet({ ...user.tags, model: 'the "big" one' }));
      user.recorder.metric({ name: "ok", kind: "rate", contains: "default" }).add(1, user.recorder.tagSet(user.tags));
    },
    { outputs },
  );
}

describe("files of samples", () => {
  test("JSON: what k6 would have written; read again, it has the run's figures", async () => {
    const path = join(folder, "samples.json");
    const run = await loaded([openOutput("json=samples.json", folder, "s")]);
    const text = readFileSync(path, "utf8");
    const lines = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { type: string; metric: string });
    for (const metric of ["iterations", "tokens", "vus"]) {
      expect(lines.findIndex((line) => line.metric === metric && line.type === "Metric")).toBeLessThan(
        lines.findIndex((line) => line.metric === metric && line.type === "Point"),
      );
    }
    const again = await importK6Json([text], { name: "again", environment: run.run.environment });
    const find = (metric: string): Measurement => again.measurements.find((each) => each.metric === metric)!;
    expect(find("iterations").summary.sum).toBe(measured(run, "iterations").summary.sum);
    expect(find("tokens").summary.max).toBe(21);
    expect(find("iteration_duration").summary.count).toBe(measured(run, "iteration_duration").summary.count);
    expect(find("ok").summary.rate).toBe(1);
  });

  test("CSV: with k6's columns, cells quoted", async () => {
    const path = join(folder, "samples.csv");
    const run = await loaded([openOutput("csv=samples.csv", folder, "s")]);
    const text = readFileSync(path, "utf8");
    expect(text.split("\n", 1)[0]).toBe(
      "metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,proto,scenario,service,status,subproto,tls_version,url,extra_tags,metadata",
    );
    expect(text).toContain("tokens,");
    const again = await importK6Csv([text], { name: "again", environment: run.run.environment });
    const count = again.measurements.find(({ metric }) => metric === "iterations")?.summary.sum;
    expect(count).toBe(measured(run, "iterations").summary.sum);
  });

  test("a file that cannot be written is said at the end; the run is whole", async () => {
    const run = await loaded([openOutput("json=no/such/folder/x.json", folder, "s")]);
    expect(run.troubles.map(({ code }) => code)).toEqual(["LOAD_OUTPUT_FAILED"]);
    expect(measured(run, "iterations").summary.sum).toBe(90);
  });

  test.each(["json=", "csv=", "otlp=ftp://x", "prometheus=x", "carrier-pigeon=coop"])("%s is refused", (text) => {
    expect(() => openOutput(text, folder, "s")).toThrow(expect.objectContaining({ code: "LOAD_OUTPUT_INVALID" }));
  });
});

interface Received {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

async function receiving<T>(
  status: number,
  action: (url: string) => Promise<T>,
): Promise<{ received: Received[]; result: T }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      received.push({ path: request.url ?? "", headers: request.headers, body: Buffer.concat(parts) });
      response.statusCode = status;
      response.end("thanks");
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  try {
    const result = await action(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return { received, result };
  } finally {
    server.close();
  }
}

describe("receivers", () => {
  test("OTLP: counters as sums, distributions as exponential histograms, in seconds", async () => {
    const { received, result } = await receiving(200, (url) => loaded([openOutput(`otlp=${url}`, folder, "agents")]));
    expect(result.troubles).toEqual([]);
    const last = received.at(-1)!;
    expect(last.path).toBe("/v1/metrics");
    const body = JSON.parse(last.body.toString()) as {
      resourceMetrics: {
        resource: { attributes: unknown[] };
        scopeMetrics: { metrics: { name: string; unit: string }[] }[];
      }[];
    };
    expect(body.resourceMetrics[0]?.resource.attributes).toEqual([
      { key: "service.name", value: { stringValue: "agents" } },
    ]);
    const metrics = body.resourceMetrics[0]!.scopeMetrics[0]!.metrics;
    const duration = metrics.find(({ name }) => name === "iteration_duration") as never as {
      unit: string;
      exponentialHistogram: {
        dataPoints: { count: string; sum: number; max: number; positive: { bucketCounts: string[] } }[];
      };
    };
    expect(duration.unit).toBe("s");
    const [point] = duration.exponentialHistogram.dataPoints;
    const own = measured(result, "iteration_duration").summary;
    expect(point?.count).toBe(String(own.count));
    expect(point?.max).toBeCloseTo(own.max! / 1e9, 12);
    expect(point!.positive.bucketCounts.reduce((sum, each) => sum + Number(each), 0)).toBe(own.count);
    const sum = metrics.find(({ name }) => name === "iterations") as never as {
      sum: { isMonotonic: boolean; dataPoints: { asDouble: number; timeUnixNano: string }[] };
    };
    expect(sum.sum.isMonotonic).toBe(true);
    expect(sum.sum.dataPoints[0]?.asDouble).toBe(90);
    expect(sum.sum.dataPoints[0]?.timeUnixNano).toMatch(/^\d{19}$/);
  });

  test("Prometheus remote write: snappy, sorted labels, k6's names", async () => {
    const { received, result } = await receiving(204, (url) =>
      loaded([openOutput(`prometheus=${url}/api/v1/write`, folder, "s")]),
    );
    expect(result.troubles).toEqual([]);
    const { headers, body, path } = received.at(-1)!;
    expect(path).toBe("/api/v1/write");
    expect(headers["content-encoding"]).toBe("snappy");
    const series = decodeWriteRequest(unsnappy(body));
    const total = series.find(({ labels }) => labels["__name__"] === "k6_iterations_total" && !labels["scenario"]);
    expect(total?.value).toBe(90);
    const p95 = series.find(({ labels }) => labels["__name__"] === "k6_iteration_duration_p95" && !labels["scenario"]);
    expect(p95?.value).toBeCloseTo(measured(result, "iteration_duration").summary.p95! / 1e9, 12);
    for (const { keys } of series) expect(keys).toEqual(keys.toSorted());
  });

  test("a receiver that refuses, or is not there, is said at the end with its reason", async () => {
    const { result } = await receiving(503, (url) => loaded([openOutput(`otlp=${url}`, folder, "s")]));
    expect(result.troubles.map(({ code, message }) => [code, message.includes("status 503 thanks")])).toEqual([
      ["LOAD_OUTPUT_FAILED", true],
    ]);
    const { result: url } = await receiving(200, (address) => Promise.resolve(address));
    const gone = await loaded([openOutput(`prometheus=${url}`, folder, "s")]);
    expect(gone.troubles[0]?.message).toContain("ECONNREFUSED");
  });
});

/** Snappy's block format, decoded as far as stored literals go: the oracle for our writer. */
function unsnappy(bytes: Uint8Array): Uint8Array {
  let at = 0;
  let length = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at++]!;
    length += (byte % 128) * scale;
    if (byte < 128) break;
  }
  const parts: Uint8Array[] = [];
  while (at < bytes.length) {
    const tag = bytes[at++]!;
    expect(tag & 3).toBe(0);
    const code = tag >> 2;
    let size = code + 1;
    if (code >= 60) {
      const extra = code - 59;
      size = 1;
      for (let i = 0; i < extra; i++) size += bytes[at++]! * 256 ** i;
    }
    parts.push(bytes.subarray(at, at + size));
    at += size;
  }
  const whole = Buffer.concat(parts);
  expect(whole.length).toBe(length);
  return whole;
}

interface DecodedSeries {
  readonly labels: Record<string, string>;
  readonly keys: string[];
  readonly value: number;
  readonly at: number;
}

/** The Protocol Buffers wire format, read field by field. */
function* fields(bytes: Uint8Array): Generator<{ field: number; value: number | Uint8Array }> {
  let at = 0;
  const number = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++]!;
      value += (byte % 128) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = number();
    const [field, wire] = [Math.floor(key / 8), key % 8];
    if (wire === 0) yield { field, value: number() };
    else if (wire === 1) {
      yield { field, value: new DataView(bytes.buffer, bytes.byteOffset + at, 8).getFloat64(0, true) };
      at += 8;
    } else {
      const length = number();
      yield { field, value: bytes.subarray(at, at + length) };
      at += length;
    }
  }
}

function decodeWriteRequest(bytes: Uint8Array): DecodedSeries[] {
  return [...fields(bytes)].map(({ value: series }) => {
    const labels: Record<string, string> = {};
    const keys: string[] = [];
    let value = Number.NaN;
    let at = Number.NaN;
    for (const part of fields(series as Uint8Array)) {
      const inner = [...fields(part.value as Uint8Array)];
      if (part.field === 1) {
        const [name, text] = inner.map((each) => Buffer.from(each.value as Uint8Array).toString());
        keys.push(name!);
        labels[name!] = text!;
      } else {
        value = inner[0]?.value as number;
        at = inner[1]?.value as number;
      }
    }
    return { labels, keys, value, at };
  });
}

describe("formats", () => {
  test("what is stored in snappy is read again, for any length", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.constantFrom(1, 40, 70), (bytes, times) => {
        const long = Buffer.concat(Array.from({ length: times }, () => bytes));
        expect(Buffer.from(unsnappy(snappyStored(long))).equals(long)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test("write requests hold each series with its labels, value and moment", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ name: fc.stringMatching(/^[a-z]{1,8}$/), label: fc.string(), value: fc.double() }), {
          maxLength: 10,
        }),
        fc.integer({ min: 0, max: 2 ** 52 }),
        (series, at) => {
          const given = series.map(({ name, label, value }) => ({ name, labels: { zone: label, area: "1" }, value }));
          const decoded = decodeWriteRequest(writeRequest(given, at));
          expect(decoded.map(({ labels, value, at: moment }) => ({ labels, value, moment }))).toEqual(
            given.map(({ name, labels, value }) => ({ labels: { __name__: name, ...labels }, value, moment: at })),
          );
        },
      ),
    );
    expect([...varint(300)]).toEqual([0xac, 0x02]);
  });

  test("names and statistics of Prometheus series", () => {
    const names = seriesOf({
      metric: "http_req_duration",
      unit: "ns",
      direction: "lower",
      tags: {},
      summary: { count: 2, mean: 1e9, min: 5e8, p50: 1e9, max: 2e9 },
    });
    expect(names.map(({ name, value }) => [name, value])).toEqual([
      ["k6_http_req_duration_count", 2],
      ["k6_http_req_duration_min", 0.5],
      ["k6_http_req_duration_avg", 1],
      ["k6_http_req_duration_p50", 1],
      ["k6_http_req_duration_max", 2],
    ]);
  });

  test("exponential buckets hold every value within their bounds, to the width of ours", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1e12 }), { minLength: 1, maxLength: 100 }), (values) => {
        const histogram = new Histogram();
        for (const value of values) histogram.record(value);
        const { count, zeroCount, positive, scale } = exponentialOf(histogram, 1e-9);
        const total = positive.bucketCounts.reduce((sum, each) => sum + Number(each), Number(zeroCount));
        expect(total).toBe(values.length);
        expect(Number(count)).toBe(values.length);
        const base = 2 ** (2 ** -scale);
        const top = base ** (positive.offset + positive.bucketCounts.length);
        const greatest = Math.max(...values) * 1e-9;
        if (greatest > 0) expect(top).toBeGreaterThanOrEqual(greatest * (1 - 2 ** -7));
      }),
    );
  });

  test("the summary export is what importing k6's summary reads", async () => {
    const run = await loaded([]);
    const exported = k6SummaryExport(run.run, { iterations: { "count > 100": true } });
    expect(exported).toMatchObject({
      metrics: {
        iterations: { count: 90, thresholds: { "count > 100": true } },
        ok: { passes: 90, fails: 0, value: 1 },
      },
    });
    const again = importK6Summary(JSON.stringify(exported), { name: "again", environment: run.run.environment });
    expect(again.measurements.find(({ metric }) => metric === "iterations")?.summary.sum).toBe(90);
  });
});
