import type { TextSource } from "@mettle/results";
import { csvRows, wholeNumber } from "./csv-table.ts";
import { invalidTrace } from "./errors.ts";
import type { ReadTraceOptions, TraceRequest } from "./trace.ts";

const time = /^(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2}):(\d{2})(\.\d+)?(?:Z|\+00:?00)?$/;

/**
 * The Azure LLM inference traces: `TIMESTAMP,ContextTokens,GeneratedTokens`, times in UTC with up to seven decimals.
 *
 * @throws MettleError `TRACE_INVALID` with the line; times must not run backwards
 */
export async function* readAzureTrace(
  text: TextSource,
  options: ReadTraceOptions = {},
): AsyncGenerator<TraceRequest, void, void> {
  const { source = "trace" } = options;
  let first: Moment | undefined;
  let last = 0;
  for await (const { line, values } of csvRows(text, ["TIMESTAMP", "ContextTokens", "GeneratedTokens"], source)) {
    const place = `line ${line}`;
    const [stamp = "", input, output] = values;
    const moment = readMoment(stamp);
    if (!moment) throw invalidTrace(source, place, `"${stamp}" is not a time such as 2023-11-16 18:17:03.9799600`);
    first ??= moment;
    // Seconds and fractions apart: as one double the seventh decimal of a date in ms would be lost.
    const atMs = moment.seconds - first.seconds + (moment.fraction - first.fraction);
    if (atMs < last) throw invalidTrace(source, place, "its time is before that of the line above");
    last = atMs;
    yield {
      atMs,
      inputTokens: wholeNumber(input, "ContextTokens", source, place),
      outputTokens: wholeNumber(output, "GeneratedTokens", source, place),
    };
  }
}

interface Moment {
  /** Whole seconds since 1970, in ms. */
  readonly seconds: number;
  /** The rest, ms. */
  readonly fraction: number;
}

function readMoment(text: string): Moment | undefined {
  const [, year, month, day, hour, minute, second, fraction = "0"] = time.exec(text) ?? [];
  if (year === undefined) return undefined;
  const seconds = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  // Date.UTC carries over; the 31st of June is a mistake, not the first of July.
  if (new Date(seconds).toISOString().slice(0, 19) !== `${year}-${month}-${day}T${hour}:${minute}:${second}`)
    return undefined;
  return { seconds, fraction: Number(fraction) * 1000 };
}
