import { type Clock, type Milliseconds, ms, systemClock } from "@mettle/core";
import { createPainter } from "../text/color.ts";
import { formatClock } from "../text/quantities.ts";
import { truncateEnd } from "../text/width.ts";
import { announcement, plainLine, renderFrame } from "./frame.ts";
import { FramePainter, type ProgressStream } from "./frame-painter.ts";
import { advanceProgress, initialProgress, type ProgressEvent, type ProgressState } from "./progress.ts";

/** `repaint` for terminals, `lines` for logs, `json` for programs (NDJSON), `quiet` for nobody. */
export type ProgressMode = "repaint" | "lines" | "json" | "quiet";

export function progressMode(
  stream: ProgressStream,
  flags: { readonly quiet?: boolean; readonly json?: boolean },
): ProgressMode {
  if (flags.quiet) return "quiet";
  if (flags.json) return "json";
  return stream.isTTY ? "repaint" : "lines";
}

export interface LiveViewOptions {
  readonly stream: ProgressStream;
  readonly mode: ProgressMode;
  /** @defaultValue false */
  readonly color?: boolean;
  /** @defaultValue systemClock */
  readonly clock?: Clock;
}

/** Four paints a second are enough for the eye and cost the measured processes nothing to speak of. */
const REPAINT_INTERVAL: Milliseconds = ms(250);
const LINE_INTERVAL: Milliseconds = ms(10_000);

/**
 * Shows progress events on a stream until closed. Paints at most four times a second, keeps the scrollback (no alternate
 * screen, cursor never hidden), writes notes and failures above the moving part, where they stay.
 *
 * `close()` may be called twice, and is what `using` calls. Left before `done`, the last frame stays to be read.
 */
export class LiveView {
  readonly #stream: ProgressStream;
  readonly #mode: ProgressMode;
  readonly #clock: Clock;
  readonly #color: boolean;
  readonly #stop = new AbortController();
  #state: ProgressState = initialProgress;
  #startedNs: number | undefined;
  readonly #painter: FramePainter;
  #pending: string[] = [];
  #running: Promise<void> | undefined;

  constructor(options: LiveViewOptions) {
    this.#stream = options.stream;
    this.#painter = new FramePainter(options.stream);
    this.#mode = options.mode;
    this.#clock = options.clock ?? systemClock;
    this.#color = options.color ?? false;
  }

  /** Events after `close` are ignored: what is over is no longer live. */
  handle(event: ProgressEvent): void {
    if (this.#stop.signal.aborted || this.#mode === "quiet") return;
    this.#startedNs ??= this.#clock.now();
    const nowMs = this.#nowMs();
    const before = this.#state;
    this.#state = advanceProgress(before, event, nowMs);
    if (this.#mode === "json") this.#writeJson(event, nowMs);
    else if (this.#mode === "lines") this.#writeLines(event, before, nowMs);
    else this.#paintSoon(event);
  }

  close(): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    if (this.#mode !== "repaint" || this.#startedNs === undefined) return;
    if (this.#state.done) this.#painter.clear(this.#pending);
    else this.#paint();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Resolves when the view's timer has ended, after `close`. */
  async closed(): Promise<void> {
    await this.#running;
  }

  #nowMs(): number {
    return (this.#clock.now() - (this.#startedNs ?? this.#clock.now())) / 1e6;
  }

  #writeJson(event: ProgressEvent, nowMs: number): void {
    const at = new Date(this.#clock.wallTime()).toISOString();
    const { kind, ...rest } = event;
    this.#stream.write(`${JSON.stringify({ kind, at, sinceStartMs: Math.round(nowMs), ...rest })}\n`);
  }

  #writeLines(event: ProgressEvent, before: ProgressState, nowMs: number): void {
    const text = announcement(event);
    if (text !== undefined) this.#stream.write(`[${formatClock(nowMs)}] ${text}\n`);
    const entered = this.#state.file !== before.file || this.#state.suite !== before.suite;
    if (entered || event.kind === "plan") this.#stream.write(`${plainLine(this.#state, nowMs)}\n`);
    if (event.kind === "done") this.#stream.write(`[${formatClock(nowMs)}] measured\n`);
    this.#running ??= this.#every(LINE_INTERVAL, () => {
      if (!this.#state.done) this.#stream.write(`${plainLine(this.#state, this.#nowMs())}\n`);
    });
  }

  #paintSoon(event: ProgressEvent): void {
    const text = announcement(event);
    if (text !== undefined) this.#pending.push(truncateEnd(` ${text}`, this.#painter.columns));
    if (this.#running) return;
    this.#paint();
    this.#running = this.#every(REPAINT_INTERVAL, () => {
      this.#paint();
    });
  }

  async #every(interval: Milliseconds, act: () => void): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#clock.sleep(interval, this.#stop.signal);
      } catch (thrown) {
        if (this.#stop.signal.aborted) return;
        throw thrown;
      }
      if (!this.#stop.signal.aborted) act();
    }
  }

  #paint(): void {
    if (this.#stream.writableNeedDrain && !this.#stop.signal.aborted) return;
    const size = { width: this.#painter.columns, height: this.#painter.rows };
    const frame = renderFrame(this.#state, this.#nowMs(), size, createPainter(this.#color));
    if (this.#painter.paint(frame, this.#pending)) this.#pending = [];
  }
}
