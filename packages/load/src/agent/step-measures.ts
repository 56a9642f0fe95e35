import type { StepEvent, StepOutcome, TokenUsage } from "../drivers/driver.ts";

/**
 * What one request to a model is worth in numbers: milliseconds and counts. What did not happen is absent. The
 * definitions are those of vLLM's, inference-perf's, GuideLLM's and AIPerf's reports, so that figures compare.
 */
export interface StepMeasures {
  readonly ok: boolean;
  /** Milliseconds of the monotonic clock. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** `t_send − t_scheduled`; absent where nothing was scheduled. */
  readonly scheduleDelay?: number;
  /** Time to the first token that is not empty, whatever its kind, from sending. */
  readonly timeToFirstToken?: number;
  /** The same from the scheduled moment: what a user of an open system waits. */
  readonly timeToFirstTokenFromScheduled?: number;
  /** Time to the first token of the answer itself, reasoning and tool calls aside. */
  readonly timeToFirstOutputToken?: number;
  /** Second chunk − first chunk. */
  readonly timeToSecondToken?: number;
  /** `t(last token) − t_send`; the response's end where it had no token. */
  readonly endToEnd: number;
  /** `(endToEnd − timeToFirstToken) / (output tokens − 1)`; absent for one token or none. */
  readonly timePerOutputToken?: number;
  /** `endToEnd / output tokens`: what GuideLLM calls time per output token. */
  readonly normalizedTimePerOutputToken?: number;
  /** Tokens per second that one user sees: `1 / timePerOutputToken`. */
  readonly tokensPerSecondPerUser?: number;
  /** `input tokens / timeToFirstToken`, per second. */
  readonly prefillTokensPerSecond?: number;
  /** As the server counted; without its count, the chunks that came (then `outputCounted` is false). */
  readonly outputTokens?: number;
  readonly outputCounted: boolean;
  readonly inputTokens?: number;
  readonly cachedInputTokens?: number;
  readonly reasoningTokens?: number;
}

/**
 * Follows the events of one step. Hot: `event` runs for every token and allocates nothing; gaps between chunks go to
 * `onGap` as they happen, because a chunk is not a token and the pooled distribution is over chunks.
 */
export class StepMeter {
  readonly #scheduledAt: number | undefined;
  readonly #onGap: ((milliseconds: number) => void) | undefined;
  #first = Number.NaN;
  #firstContent = Number.NaN;
  #second = Number.NaN;
  #last = Number.NaN;
  #chunks = 0;
  #usage: TokenUsage | undefined;

  /**
   * @param scheduledAt - when the step was due, in ms of the monotonic clock
   * @param onGap - called with every gap between successive chunks, ms
   */
  constructor(scheduledAt?: number, onGap?: (milliseconds: number) => void) {
    this.#scheduledAt = scheduledAt;
    this.#onGap = onGap;
  }

  /** Hot. Drivers send `token` for every chunk that is not empty; `firstToken` says the same as the first of them. */
  event(event: StepEvent): void {
    if (event.type === "token") {
      const { at } = event;
      if (this.#chunks === 0) this.#first = at;
      else {
        if (this.#chunks === 1) this.#second = at;
        this.#onGap?.(at - this.#last);
      }
      if (event.kind === "content" && Number.isNaN(this.#firstContent)) this.#firstContent = at;
      this.#last = at;
      this.#chunks++;
    } else if (event.type === "usage") this.#usage = event.usage;
  }

  measures(outcome: StepOutcome): StepMeasures {
    const { startedAt } = outcome;
    const usage = outcome.usage ?? this.#usage;
    const endedAt = this.#chunks > 0 ? this.#last : outcome.endedAt;
    const endToEnd = endedAt - startedAt;
    const first = this.#chunks > 0 ? this.#first - startedAt : undefined;
    const output = usage?.output ?? (this.#chunks > 0 ? this.#chunks : undefined);
    const perToken =
      first !== undefined && output !== undefined && output > 1 ? (endToEnd - first) / (output - 1) : undefined;
    const scheduled = this.#scheduledAt;
    return {
      ok: outcome.ok,
      startedAt,
      endedAt: outcome.endedAt,
      ...(scheduled !== undefined && { scheduleDelay: startedAt - scheduled }),
      ...(first !== undefined && { timeToFirstToken: first }),
      ...(first !== undefined && scheduled !== undefined && { timeToFirstTokenFromScheduled: this.#first - scheduled }),
      ...(!Number.isNaN(this.#firstContent) && { timeToFirstOutputToken: this.#firstContent - startedAt }),
      ...(this.#chunks > 1 && { timeToSecondToken: this.#second - this.#first }),
      endToEnd,
      ...(perToken !== undefined && { timePerOutputToken: perToken }),
      ...(perToken !== undefined && perToken > 0 && { tokensPerSecondPerUser: 1000 / perToken }),
      ...(output !== undefined && output > 0 && { normalizedTimePerOutputToken: endToEnd / output }),
      ...(first !== undefined &&
        first > 0 &&
        usage?.input !== undefined && { prefillTokensPerSecond: (usage.input / first) * 1000 }),
      ...(output !== undefined && { outputTokens: output }),
      outputCounted: usage?.output !== undefined,
      ...(usage?.input !== undefined && { inputTokens: usage.input }),
      ...(usage?.cachedInput !== undefined && { cachedInputTokens: usage.cachedInput }),
      ...(usage?.reasoning !== undefined && { reasoningTokens: usage.reasoning }),
    };
  }
}
