import type { ClockReading } from "./messages.ts";

/** How another machine's clocks stand to this one's: theirs minus ours. */
export interface ClockOffset {
  readonly monotonicMs: number;
  readonly wallMs: number;
  /** The offsets are right within this: half of the round trip that they were taken in. */
  readonly uncertaintyMs: number;
}

/** One question: when it was asked and answered by the clock here, and what the other end's clocks said in between. */
export interface ClockExchange {
  readonly askedMs: number;
  readonly answeredMs: number;
  /** Of this machine, at `answeredMs`. */
  readonly wallMs: number;
  readonly there: ClockReading;
}

/**
 * Cristian's method: the other end read its clocks somewhere between question and answer, so the shortest round trip
 * knows best. @returns undefined without an exchange
 */
export function offsetOf(exchanges: readonly ClockExchange[]): ClockOffset | undefined {
  const [best] = exchanges.toSorted((a, b) => a.answeredMs - a.askedMs - (b.answeredMs - b.askedMs));
  if (!best) return undefined;
  const half = (best.answeredMs - best.askedMs) / 2;
  return {
    monotonicMs: best.there.monotonicMs - (best.askedMs + half),
    wallMs: best.there.wallMs - (best.wallMs - half),
    uncertaintyMs: half,
  };
}
