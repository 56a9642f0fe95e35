import { linesOf, type TextSource } from "@mettle/results";
import { csvRows, tooLong, wholeNumber } from "./csv-table.ts";
import { invalidTrace, traceErrors } from "./errors.ts";
import type { ReadTraceOptions, TraceRequest } from "./trace.ts";

/** Tokens of one block of the prefix cache, as Mooncake hashes them. */
const BLOCK_TOKENS = 512;

export interface MooncakeOptions extends ReadTraceOptions {
  /** Distinct blocks remembered to tell reuse; beyond it the trace is refused. @defaultValue 10 000 000 */
  readonly maxBlocks?: number;
}

/**
 * Mooncake's JSONL: `timestamp` in ms, `input_length`, `output_length`, `hash_ids` of the prompt's blocks of 512 tokens. What
 * an unlimited prefix cache would have held becomes `cachedInputTokens`: the leading blocks seen before.
 *
 * @throws MettleError `TRACE_INVALID` with the line, `TRACE_TOO_LARGE`
 */
export async function* readMooncakeTrace(
  text: TextSource,
  options: MooncakeOptions = {},
): AsyncGenerator<TraceRequest, void, void> {
  const { source = "trace", maxBlocks = 10_000_000 } = options;
  const seen = new Set<number>();
  const arrivals = new Arrivals(source);
  for await (const { number, text: line } of linesOf(text, (at) => tooLong(source, at))) {
    const place = `line ${number}`;
    const row = parseRow(line, source, place);
    const inputTokens = wholeNumber(row["input_length"], "input_length", source, place);
    const blocks = row["hash_ids"];
    if (blocks !== undefined && !(Array.isArray(blocks) && blocks.every(Number.isInteger))) {
      throw invalidTrace(source, place, "hash_ids is not a list of whole numbers");
    }
    const cached = blocks === undefined ? undefined : reusedBlocks(blocks as number[], seen);
    if (seen.size > maxBlocks) {
      const message = `${source}, ${place}: more than ${maxBlocks} different blocks.`;
      throw traceErrors.create("TRACE_TOO_LARGE", message, { details: { source, place, maxBlocks } });
    }
    yield {
      atMs: arrivals.at(row["timestamp"], "timestamp", place),
      inputTokens,
      outputTokens: wholeNumber(row["output_length"], "output_length", source, place),
      ...(cached !== undefined && { cachedInputTokens: Math.min(inputTokens, cached * BLOCK_TOKENS) }),
    };
  }
}

/**
 * The compact form of the same: `timestamp_ms,input_tokens,output_tokens,blocks,reused_blocks`.
 *
 * @throws MettleError `TRACE_INVALID` with the line
 */
export async function* readMooncakeCompact(
  text: TextSource,
  options: ReadTraceOptions = {},
): AsyncGenerator<TraceRequest, void, void> {
  const { source = "trace" } = options;
  const columns = ["timestamp_ms", "input_tokens", "output_tokens", "blocks", "reused_blocks"];
  const arrivals = new Arrivals(source);
  for await (const { line, values } of csvRows(text, columns, source)) {
    const place = `line ${line}`;
    const [stamp, input, output, blocks, reused] = values;
    const inputTokens = wholeNumber(input, "input_tokens", source, place);
    const all = wholeNumber(blocks, "blocks", source, place);
    const old = wholeNumber(reused, "reused_blocks", source, place);
    if (old > all) throw invalidTrace(source, place, `${old} of ${all} blocks are reused`);
    yield {
      atMs: arrivals.at(stamp, "timestamp_ms", place),
      inputTokens,
      outputTokens: wholeNumber(output, "output_tokens", source, place),
      cachedInputTokens: Math.min(inputTokens, old * BLOCK_TOKENS),
    };
  }
}

/** Times relative to the first, in order. */
class Arrivals {
  readonly #source: string;
  #first: number | undefined;
  #last = 0;

  constructor(source: string) {
    this.#source = source;
  }

  at(value: unknown, name: string, place: string): number {
    const stamp = typeof value === "string" && value !== "" ? Number(value) : value;
    if (typeof stamp !== "number" || !Number.isFinite(stamp)) {
      throw invalidTrace(this.#source, place, `${name} is ${JSON.stringify(value) ?? "absent"}, not a number`);
    }
    this.#first ??= stamp;
    const atMs = stamp - this.#first;
    if (atMs < this.#last) throw invalidTrace(this.#source, place, "its time is before that of the line above");
    this.#last = atMs;
    return atMs;
  }
}

/** How many leading blocks were seen before; all are seen afterwards. */
function reusedBlocks(blocks: readonly number[], seen: Set<number>): number {
  const fresh = blocks.findIndex((block) => !seen.has(block));
  for (const block of blocks) seen.add(block);
  return fresh < 0 ? blocks.length : fresh;
}

function parseRow(line: string, source: string, place: string): Readonly<Record<string, unknown>> {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (cause) {
    throw invalidTrace(source, place, "it is not JSON", cause);
  }
  if (typeof row === "object" && row !== null && !Array.isArray(row)) return row as Readonly<Record<string, unknown>>;
  throw invalidTrace(source, place, "it is not an object");
}
