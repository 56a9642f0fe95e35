import type { Attributes } from "./instruments.ts";
import { bucketsPerDoubling, type MetricSnapshot, type SeriesSnapshot } from "./metrics-collector.ts";
import type { FinishedSpan } from "./spans.ts";

/** Our names → those of OpenTelemetry's semantic conventions; any other name goes out as `mettle.…`. */
const names: Readonly<Record<string, string>> = {
  "bus.published": "messaging.client.sent.messages",
  "bus.consumed": "messaging.client.consumed.messages",
  "bus.handler.time": "messaging.process.duration",
};
const attributeNames: Readonly<Record<string, string>> = {
  type: "messaging.destination.name",
  subscription: "messaging.destination.subscription.name",
  error: "error.type",
};

/** How a metric is called outside. */
export function openTelemetryName(name: string): string {
  return Object.hasOwn(names, name) ? names[name]! : `mettle.${name}`;
}

/** What made the telemetry; such as `service.name`. */
export interface TelemetryResource {
  readonly attributes: Attributes;
}

/** UCUM units; times in seconds as the conventions want them. */
const units: Readonly<Record<string, readonly [unit: string, factor: number]>> = {
  ns: ["s", 1e9],
  ms: ["s", 1e3],
  bytes: ["By", 1],
};
const unitOf = (unit: string): readonly [string, number] => (Object.hasOwn(units, unit) ? units[unit]! : [unit, 1]);

/**
 * A snapshot as an OTLP/JSON metrics request, cumulative since `startNs`.
 *
 * @param startNs - when collecting began, nanoseconds since the epoch
 * @param nowNs - when the snapshot was taken
 */
export function toOtlpMetrics(
  snapshot: readonly MetricSnapshot[],
  resource: TelemetryResource,
  startNs: number,
  nowNs: number,
): unknown {
  const times = { startTimeUnixNano: nanoText(startNs), timeUnixNano: nanoText(nowNs) };
  const metrics = snapshot.map(({ name, kind, unit, description, series }) => {
    const [outer, divisor] = unitOf(unit);
    const points = series.map((one) => ({ attributes: pairs(one.attributes), ...times, ...valueOf(one, divisor) }));
    const body =
      kind === "counter"
        ? { sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: points } }
        : kind === "gauge"
          ? { gauge: { dataPoints: points } }
          : { exponentialHistogram: { aggregationTemporality: 2, dataPoints: points } };
    return { name: openTelemetryName(name), unit: outer, description, ...body };
  });
  return { resourceMetrics: [{ resource: resourceOf(resource), scopeMetrics: [{ scope, metrics }] }] };
}

/** Spans as an OTLP/JSON trace request. */
export function toOtlpTraces(spans: readonly FinishedSpan[], resource: TelemetryResource): unknown {
  const out = spans.map((span) => ({
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId === undefined ? {} : { parentSpanId: span.parentSpanId }),
    name: span.name,
    kind: 1,
    startTimeUnixNano: nanoText(span.startNs),
    endTimeUnixNano: nanoText(span.startNs + span.durationNs),
    attributes: pairs(span.attributes),
    status: span.status.state === "ok" ? { code: 1 } : { code: 2, message: String(span.status.error) },
  }));
  return { resourceSpans: [{ resource: resourceOf(resource), scopeSpans: [{ scope, spans: out }] }] };
}

const scope: { readonly name: string } = { name: "@mettle/agents" };

const resourceOf = ({ attributes }: TelemetryResource): object => ({ attributes: pairs(attributes, false) });

/** 64-bit integers are text in OTLP/JSON. */
const nanoText = (value: number): string => BigInt(Math.round(value)).toString();

function pairs(attributes: Attributes, renamed = true): object[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key: renamed && Object.hasOwn(attributeNames, key) ? attributeNames[key] : key,
    value:
      typeof value === "string"
        ? { stringValue: value }
        : typeof value === "boolean"
          ? { boolValue: value }
          : { doubleValue: value },
  }));
}

function valueOf({ value, distribution }: SeriesSnapshot, divisor: number): object {
  if (distribution === undefined) return { asDouble: (value ?? 0) / divisor };
  const { count, sum, min, max, zeros, buckets } = distribution;
  const shifted = shiftedBuckets(buckets, divisor);
  return {
    count: String(count),
    sum: sum / divisor,
    min: min / divisor,
    max: max / divisor,
    scale: Math.log2(bucketsPerDoubling),
    zeroCount: String(zeros),
    positive: shifted,
  };
}

/** Buckets in another unit: each goes where its middle falls, at most one bucket's width away. */
function shiftedBuckets(buckets: ReadonlyMap<number, number>, divisor: number): object {
  const counts = new Map<number, number>();
  for (const [bucket, count] of buckets) {
    const at = Math.round(bucket - Math.log2(divisor) * bucketsPerDoubling);
    counts.set(at, (counts.get(at) ?? 0) + count);
  }
  if (counts.size === 0) return { offset: 0, bucketCounts: [] };
  const offset = Math.min(...counts.keys());
  const length = Math.max(...counts.keys()) - offset + 1;
  return { offset, bucketCounts: Array.from({ length }, (_, i) => String(counts.get(offset + i) ?? 0)) };
}
