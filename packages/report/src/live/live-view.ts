import { stripVTControlCharacters } from "node:util";
import { type Clock, type Milliseconds, ms, systemClock } from "@mettle/core";
import { createPainter } from "../text/color.ts";
import { formatClock } from "../text/quantities.ts";
import { textWidth, truncateEnd } from "../text/width.ts";
import { announcement, plainLine, renderFrame } from "./frame.ts";
import { advanceProgress, initialProgress, type ProgressEvent, type ProgressState } from "./progress.ts";

/** As much of a `WriteStream` as the view uses; usually `process.stderr`. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  /** True while the reader is behind: painting waits, so that memory does not grow. */
  readonly writableNeedDrain?: boolean;
}

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
  #frame: readonly string[] = [];
  #pending: string[] = [];
  #running: Promise<void> | undefined;

  constructor(options: LiveViewOptions) {
    this.#stream = options.stream;
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
    if (this.#state.done) {
      this.#stream.write(`${this.#eraseFrame()}${this.#pending.map((line) => `${line}\n`).join("")}`);
      this.#frame = [];
    } else this.#paint();
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
    if (text !== undefined) this.#pending.push(truncateEnd(` ${text}`, this.#columns()));
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

  #columns(): number {
    return Math.max(20, (this.#stream.columns ?? 80) - 1);
  }

  #paint(): void {
    if (this.#stream.writableNeedDrain && !this.#stop.signal.aborted) return;
    const size = { width: this.#columns(), height: Math.max(1, (this.#stream.rows ?? 24) - 1) };
    const frame = renderFrame(this.#state, this.#nowMs(), size, createPainter(this.#color));
    const changed = frame.length !== this.#frame.length || frame.some((line, i) => line !== this.#frame[i]);
    if (!changed && this.#pending.length === 0) return;
    const lines = [...this.#pending, ...frame];
    // One write, so that a terminal never shows half of it.
    this.#stream.write(`${this.#eraseFrame()}${lines.map((line) => `${line}\n`).join("")}`);
    this.#pending = [];
    this.#frame = frame;
  }

  /** Back to where the frame began, and clear from there. A narrowed terminal has wrapped its lines: counted as such. */
  #eraseFrame(): string {
    if (this.#frame.length === 0) return "";
    const columns = Math.max(1, this.#stream.columns ?? 80);
    const rows = this.#frame.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(textWidth(stripVTControlCharacters(line)) / columns)),
      0,
    );
    return `\u001b[${rows}A\r\u001b[0J`;
  }
}
