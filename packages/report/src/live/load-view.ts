import { type Clock, ms, systemClock } from "@mettle/core";
import { createPainter } from "../text/color.ts";
import { formatClock } from "../text/quantities.ts";
import { truncateEnd } from "../text/width.ts";
import { visibleText } from "../text/visible.ts";
import { FramePainter, type ProgressStream } from "./frame-painter.ts";
import type { LiveViewOptions, ProgressMode } from "./live-view.ts";
import { type LoadProgress, loadPlainLine, renderLoadFrame } from "./load-frame.ts";

/** Log lines come this far apart, in ms; what changes is said at once. */
const LINE_INTERVAL_MS = 10_000;
/** A frame is painted four times a second; figures come once a second, and what moves between is the time. */
const REPAINT_MS = 250;
/** Without news for longer than this the run has ended or is stuck: a clock that went on would hide it. */
const LONGEST_WITHOUT_NEWS_MS = 1000;

/**
 * Shows a load test on a stream until closed: on a terminal as a frame that is painted over, elsewhere as a line every ten
 * seconds, for programs as one JSON object each time. Keeps the scrollback. `close()` may be called twice.
 */
export class LoadView implements Disposable {
  readonly #stream: ProgressStream;
  readonly #mode: ProgressMode;
  readonly #color: boolean;
  readonly #clock: Clock;
  readonly #painter: FramePainter;
  #last: LoadProgress | undefined;
  #lastLineMs = Number.NEGATIVE_INFINITY;
  /** When it came, on the clock. */
  #lastAtMs = 0;
  #repainting: AbortController | undefined;
  #pending: string[] = [];
  #closed = false;

  constructor({ stream, mode, color = false, clock = systemClock }: LiveViewOptions) {
    this.#stream = stream;
    this.#mode = mode;
    this.#color = color;
    this.#clock = clock;
    this.#painter = new FramePainter(stream);
  }

  /** Shows a moment; after `close` nothing. */
  update(progress: LoadProgress): void {
    if (this.#closed || this.#mode === "quiet") return;
    const before = this.#last;
    this.#last = progress;
    if (this.#mode === "json") this.#writeJson({ kind: "load", ...progress });
    else if (this.#mode === "lines") this.#writeLine(progress, before);
    else {
      this.#lastAtMs = this.#nowMs();
      this.#paint(progress);
      this.#paintAgain(progress);
    }
  }

  /** Something worth saying at once and for good. */
  note(text: string): void {
    if (this.#closed || this.#mode === "quiet") return;
    const at = formatClock(this.#last?.elapsedMs ?? 0);
    if (this.#mode === "json") this.#writeJson({ kind: "note", text });
    else if (this.#mode === "lines") this.#stream.write(`[${at}] ${visibleText(text)}\n`);
    else this.#pending.push(truncateEnd(` ${at} ${visibleText(text)}`, this.#painter.columns));
  }

  /** Takes the frame away: the summary follows. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#repainting?.abort();
    if (this.#mode === "repaint" && (this.#last || this.#pending.length > 0)) this.#painter.clear(this.#pending);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #writeJson(value: object): void {
    const at = new Date(this.#clock.wallTime()).toISOString();
    this.#stream.write(`${JSON.stringify({ at, ...value })}\n`);
  }

  #writeLine(progress: LoadProgress, before: LoadProgress | undefined): void {
    const changed =
      before?.phase !== progress.phase ||
      before.validity.state !== progress.validity.state ||
      before.thresholds.missed !== progress.thresholds.missed;
    if (!changed && progress.elapsedMs - this.#lastLineMs < LINE_INTERVAL_MS) return;
    this.#lastLineMs = progress.elapsedMs;
    this.#stream.write(`${loadPlainLine(progress)}\n`);
  }

  /** Until there is news, the same with the time that has passed since. */
  #paintAgain(progress: LoadProgress): void {
    this.#repainting?.abort();
    const repainting = new AbortController();
    this.#repainting = repainting;
    this.#clock.sleep(ms(REPAINT_MS), repainting.signal).then(
      () => {
        const sinceMs = this.#nowMs() - this.#lastAtMs;
        if (repainting.signal.aborted || sinceMs > LONGEST_WITHOUT_NEWS_MS) return;
        this.#paint({ ...progress, elapsedMs: progress.elapsedMs + sinceMs });
        this.#paintAgain(progress);
      },
      (reason: unknown) => {
        if (!repainting.signal.aborted) throw reason;
      },
    );
  }

  #nowMs(): number {
    return this.#clock.now() / 1e6;
  }

  #paint(progress: LoadProgress): void {
    if (this.#stream.writableNeedDrain) return;
    const size = { width: this.#painter.columns, height: this.#painter.rows };
    const frame = renderLoadFrame(progress, size, createPainter(this.#color));
    if (this.#painter.paint(frame, this.#pending)) this.#pending = [];
  }
}
