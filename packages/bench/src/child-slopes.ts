import type { CaseDefinition } from "./definition.ts";
import type { SlopeReply } from "./protocol.ts";

/**
 * Memory per thing, or growth over cycles, of one case. The statistics behind them are loaded when first needed: a
 * process that only takes times starts without them.
 */
export async function measureSlopes(definition: CaseDefinition, atStep: () => void): Promise<SlopeReply[]> {
  if (definition.perThing) {
    const { measureMemoryPerThing } = await import("./memory/per-thing.ts");
    const scopes = await measureMemoryPerThing({ ...definition.perThing, onProgress: atStep });
    return Object.values(scopes).map(({ scope, slopeBytes, low, high, confidence, points }) => ({
      suffix: scope,
      unit: "bytes",
      value: slopeBytes,
      low,
      high,
      confidence,
      count: points.length,
    }));
  }
  if (!definition.leak) throw new Error(`${definition.title} has no slope to measure`);
  const { measureLeak } = await import("./memory/leak.ts");
  const found = await measureLeak({ ...definition.leak, onProgress: atStep });
  const { confidence, outcome, minimumBytesPerCycle } = found;
  const count = found.points.length;
  const word = { leak: "a leak", none: "no leak", undecided: "can't tell" }[outcome];
  const perCycle: SlopeReply = {
    suffix: "growth-per-cycle",
    unit: "bytes",
    value: found.slopeBytesPerCycle,
    low: found.low,
    high: found.high,
    confidence,
    count,
    note: `${word}: a leak is a growth of more than ${minimumBytesPerCycle} bytes a cycle whose interval excludes zero`,
  };
  const hourly = found.growthPerHour;
  if (!hourly) return [perCycle];
  const { bytesPerHour: value, low, high } = hourly;
  return [
    perCycle,
    { suffix: "growth-per-hour", unit: "bytes/h", value, low, high, confidence: hourly.confidence, count },
  ];
}
