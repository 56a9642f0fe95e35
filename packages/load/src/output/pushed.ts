import { messageOf } from "@mettle/core";
import type { Measurement } from "@mettle/results";
import { loadErrors } from "../engine/errors.ts";
import type { LoadOutput } from "../engine/load-output.ts";
import type { LoadSnapshot } from "../engine/load-snapshot.ts";

/** How measurements look to a receiver. */
export interface PushFormat {
  /** For messages. */
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  encode(measurements: readonly Measurement[], moment: PushMoment): string | Uint8Array<ArrayBuffer>;
}

export interface PushMoment {
  readonly startedAtMs: number;
  readonly atMs: number;
}

export interface PushOptions {
  readonly url: string;
  readonly format: PushFormat;
  /** @defaultValue 5000 */
  readonly intervalMs?: number;
  /** @defaultValue the global `fetch` */
  readonly fetch?: typeof fetch;
  readonly headers?: Readonly<Record<string, string>>;
  readonly wallTime?: () => number;
}

const TIMEOUT_MS = 10_000;

/**
 * Sends totals so far to a receiver every few seconds, and at the end. They are cumulative: one that is late or lost is
 * made up for by the next, so there is never more than one under way.
 */
export class PushedMetrics implements LoadOutput {
  readonly #options: PushOptions;
  readonly #now: () => number;
  readonly #startedAtMs: number;
  #lastMs: number;
  #sending: Promise<void> | undefined;
  #failure: string | undefined;

  constructor(options: PushOptions) {
    this.#options = options;
    this.#now = options.wallTime ?? Date.now;
    this.#startedAtMs = this.#now();
    this.#lastMs = this.#startedAtMs;
  }

  snapshot(snapshot: LoadSnapshot): void {
    const now = this.#now();
    if (this.#sending || now - this.#lastMs < (this.#options.intervalMs ?? 5000)) return;
    this.#lastMs = now;
    this.#sending = this.#send(snapshot).finally(() => {
      this.#sending = undefined;
    });
  }

  async close(last: LoadSnapshot): Promise<void> {
    await this.#sending;
    await this.#send(last);
    if (this.#failure === undefined) return;
    const { url, format } = this.#options;
    throw loadErrors.create(
      "LOAD_OUTPUT_FAILED",
      `The last metrics did not reach ${url} (${format.name}): ${this.#failure}.`,
      {
        details: { url, format: format.name, reason: this.#failure },
      },
    );
  }

  /** Never rejects: the last failure is told at the end, unless a later attempt made up for it. */
  async #send(snapshot: LoadSnapshot): Promise<void> {
    const { url, format, headers } = this.#options;
    try {
      const body = format.encode(snapshot.measurements(), { startedAtMs: this.#startedAtMs, atMs: this.#now() });
      const response = await (this.#options.fetch ?? fetch)(url, {
        method: "POST",
        headers: { ...format.headers, ...headers },
        body,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const text = await response.text();
      this.#failure = response.ok ? undefined : `status ${response.status} ${text.slice(0, 200)}`.trim();
    } catch (thrown) {
      this.#failure =
        thrown instanceof Error && thrown.cause ? `${thrown.message} (${messageOf(thrown.cause)})` : messageOf(thrown);
    }
  }
}
