import type { EventStream } from "./event-stream.ts";
import type { Piece, ReplyPlan } from "./reply-plan.ts";
import type { Timed, TimerWheel } from "./timer-wheel.ts";

/** How a protocol writes a streamed answer. All text is ASCII and made of whole events. */
export interface ReplyFormat {
  /** Before the first token; says nothing that counts as output. */
  opening(): string;
  /** One event for the pieces, all of one kind. Hot. */
  pieces(pieces: readonly Piece[], from: number, to: number): string;
  closing(): string;
}

export type ReplyOutcome = "completed" | "faulted" | "disconnected";

/** One broken event, the same for every protocol: JSON that ends in the middle of a string. */
export const malformedEvent = 'data: {"id":"broken","choices":[{"delta":{"content":"\n\n';
const TRY_AGAIN_MS = 10;

/**
 * Sends a planned answer in time. Due times are absolute: token k is due at start + time to first token + k gaps, so a late
 * tick delays one token and not those after it. One entry on the wheel, one write for all that is due.
 */
export class ReplyStream implements Timed {
  readonly #stream: EventStream;
  readonly #plan: ReplyPlan;
  readonly #format: ReplyFormat;
  readonly #perChunk: number;
  readonly #onEnd: (outcome: ReplyOutcome, tokens: number) => void;
  #next = 0;
  #dueAt: number;
  #stalled = false;

  constructor(options: {
    readonly stream: EventStream;
    readonly plan: ReplyPlan;
    readonly format: ReplyFormat;
    readonly tokensPerChunk: number;
    readonly startedAt: number;
    readonly onEnd: (outcome: ReplyOutcome, tokens: number) => void;
  }) {
    this.#stream = options.stream;
    this.#plan = options.plan;
    this.#format = options.format;
    this.#perChunk = options.tokensPerChunk;
    this.#onEnd = options.onEnd;
    this.#dueAt = options.startedAt + options.plan.firstTokenAfterMs;
  }

  /** Sends what comes before the first token, and begins. */
  start(wheel: TimerWheel): () => void {
    this.#stream.write(this.#format.opening());
    return wheel.add(this.#dueAt, this);
  }

  /** Hot: once a token of every stream. */
  due(now: number): number {
    if (!this.#stream.open) return this.#finish("disconnected");
    if (this.#stream.full) return now + TRY_AGAIN_MS;
    const { pieces } = this.#plan;
    let text = "";
    while (this.#dueAt <= now) {
      if (this.#faultIsDue()) {
        this.#stream.write(text);
        text = "";
        const resumeAt = this.#strike(now);
        if (resumeAt !== undefined) return resumeAt;
      }
      if (this.#next >= pieces.length) {
        this.#stream.write(text + this.#format.closing());
        this.#stream.end();
        return this.#finish("completed");
      }
      const from = this.#next;
      const to = this.#chunkEnd(from);
      text += this.#format.pieces(pieces, from, to);
      this.#next = to;
      // The end follows the last token at once.
      if (to < pieces.length) for (let i = from; i < to; i++) this.#dueAt += this.#plan.nextGap();
    }
    this.#stream.write(text);
    return this.#dueAt;
  }

  #chunkEnd(from: number): number {
    const { pieces, fault, faultAfter } = this.#plan;
    let end = from + 1;
    const last = Math.min(pieces.length, from + this.#perChunk);
    while (end < last && pieces[end]?.kind === pieces[from]?.kind) end++;
    return fault && !this.#stalled && from < faultAfter ? Math.min(end, faultAfter) : end;
  }

  #faultIsDue(): boolean {
    return this.#plan.fault !== undefined && !this.#stalled && this.#next >= this.#plan.faultAfter;
  }

  /** @returns when to go on, NaN for never, undefined for at once */
  #strike(now: number): number | undefined {
    const { fault } = this.#plan;
    this.#stalled = true;
    switch (fault?.kind) {
      case "reset":
        this.#stream.reset();
        return this.#finish("faulted");
      case "truncate":
        this.#stream.cut();
        return this.#finish("faulted");
      case "malformed":
        this.#stream.write(malformedEvent);
        return undefined;
      case "stall":
        // Every token after it is late by as much.
        this.#dueAt = fault.stallMs === undefined ? Infinity : now + fault.stallMs;
        return this.#dueAt;
      default:
        return undefined;
    }
  }

  #finish(outcome: ReplyOutcome): number {
    this.#onEnd(outcome, this.#next);
    return Number.NaN;
  }
}

/** How long the answer takes when it comes in one piece, ms. */
export function wholeReplyDelay(plan: ReplyPlan): number {
  let total = plan.firstTokenAfterMs;
  for (let i = 1; i < plan.pieces.length; i++) total += plan.nextGap();
  return total;
}
