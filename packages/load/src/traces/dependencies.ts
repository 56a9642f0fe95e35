import { invalidTrace } from "./errors.ts";

/** A call as its span tells it. */
export interface RecordedCall {
  readonly id: string;
  readonly kind: "llm" | "tool";
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly failed: boolean;
  readonly parent?: string;
  readonly links: readonly string[];
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly cachedInputTokens?: number;
  /** What it answered, and what it was asked, where the trace kept it. */
  readonly said?: string;
  readonly heard?: string;
}

/** A call with what it waits for. */
export interface TraceCall {
  readonly id: string;
  readonly kind: "llm" | "tool";
  readonly name: string;
  readonly durationMs: number;
  readonly failed: boolean;
  /** Calls that must have ended first; of these none waits for another. */
  readonly after: readonly string[];
  /** From the end of the last of them (or the session's start) to this call. */
  readonly waitMs: number;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly cachedInputTokens?: number;
}

export interface TraceSession {
  readonly id: string;
  /** After the first session of the trace. */
  readonly atMs: number;
  /** In an order in which each comes after its predecessors. */
  readonly calls: readonly TraceCall[];
}

/** Shorter answers ("yes", "done") are quoted by chance. */
const TELLING_CHARACTERS = 16;
const MOST_CALLS = 5000;

/**
 * The dependency graph of a session. A call waits for: spans it links to; its parent, where that had ended before (a parent
 * that still ran encloses it and is no predecessor); calls whose answer it quotes; and, where the trace kept no content,
 * all that ended before it began, which is the order seen and never wrong, only stricter than it need be.
 *
 * @param originMs - start of the whole trace
 */
export function traceSession(
  id: string,
  recorded: readonly RecordedCall[],
  originMs: number,
  mode: "auto" | "content" | "time",
  source: string,
): TraceSession {
  if (recorded.length > MOST_CALLS) throw invalidTrace(source, `session ${id}`, `it has more than ${MOST_CALLS} calls`);
  const calls = recorded.toSorted((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
  const index = new Map(calls.map((call, position) => [call.id, position]));
  if (index.size < calls.length) throw invalidTrace(source, `session ${id}`, "two spans have the same id");
  const start = calls[0]?.startMs ?? 0;
  // One bit for each earlier call: ancestors are found by joining those of the predecessors.
  const ancestors: bigint[] = [];
  const found = calls.map((call, position): TraceCall => {
    const candidates = predecessorsOf(call, position, calls, index, mode);
    const after = direct(candidates, ancestors);
    ancestors.push(after.reduce((bits, each) => bits | (ancestors[each] ?? 0n) | (1n << BigInt(each)), 0n));
    const ready = Math.max(start, ...after.map((each) => calls[each]?.endMs ?? start));
    return {
      id: call.id,
      kind: call.kind,
      name: call.name,
      durationMs: call.endMs - call.startMs,
      failed: call.failed,
      after: after.map((each) => calls[each]?.id ?? ""),
      waitMs: Math.max(0, call.startMs - ready),
      ...(call.inputTokens !== undefined && { inputTokens: call.inputTokens }),
      ...(call.outputTokens !== undefined && { outputTokens: call.outputTokens }),
      ...(call.cachedInputTokens !== undefined && { cachedInputTokens: call.cachedInputTokens }),
    };
  });
  return { id, atMs: start - originMs, calls: found };
}

function predecessorsOf(
  call: RecordedCall,
  position: number,
  calls: readonly RecordedCall[],
  index: ReadonlyMap<string, number>,
  mode: "auto" | "content" | "time",
): number[] {
  const ended = calls.flatMap((other, at) => (at < position && other.endMs <= call.startMs ? [at] : []));
  const among = new Set(ended);
  const named = [...call.links, ...(call.parent === undefined ? [] : [call.parent])]
    .map((name) => index.get(name))
    .filter((at): at is number => at !== undefined && among.has(at));
  if (named.length > 0) return [...new Set(named)];
  const { heard } = call;
  if (
    mode === "time" ||
    (mode === "auto" && (heard === undefined || !ended.every((at) => calls[at]?.said !== undefined)))
  ) {
    return ended;
  }
  return ended.filter((at) => {
    const said = calls[at]?.said ?? "";
    return said.length >= TELLING_CHARACTERS && heard?.includes(said) === true;
  });
}

/** Without those that another of them already waits for. Latest first, so that each is judged by the later ones. */
function direct(candidates: readonly number[], ancestors: readonly bigint[]): number[] {
  const kept: number[] = [];
  let covered = 0n;
  for (const candidate of candidates.toSorted((a, b) => b - a)) {
    if ((covered >> BigInt(candidate)) & 1n) continue;
    kept.push(candidate);
    covered |= ancestors[candidate] ?? 0n;
  }
  return kept.toReversed();
}
