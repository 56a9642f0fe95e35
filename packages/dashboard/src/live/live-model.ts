import type { TimeGap } from "@mettle/report";
import type { LiveAbout } from "./moment.ts";
import {
  type LiveFrame,
  type LiveStanding,
  type LiveStart,
  type LiveTexts,
  type LiveTick,
  type SecondColumn,
  type SpendingRow,
  secondColumns,
} from "./wire.ts";

/** Seconds that a page keeps: eight hours; of a longer run the latest. */
const MOST_SECONDS = 8 * 3600;
const DROPPED_AT_ONCE = 3600;
const RECENT = 60;
/** Seconds begin once a second; one that comes so much later than its number says is a stretch not seen. */
const LATE = 1.8;

/** What a page knows of a load test that goes on: everything told so far. */
export class LiveModel {
  about: LiveAbout | undefined;
  standing: LiveStanding | undefined;
  /** The end of each second, ms since the start. */
  readonly atMs: number[] = [];
  readonly slots: (readonly number[])[] = [];
  readonly spending: (readonly SpendingRow[])[] = [];
  readonly #columns: readonly (number | null)[][] = secondColumns.map(() => []);
  readonly #texts = new Map<number, string>();
  readonly #recent = new Map<number, (number | null)[]>();
  #gaps: TimeGap[] = [];
  #seq: number | undefined;

  /** Everything from the beginning, or as much of it as the server kept. What this page had seen before stays. */
  start(start: LiveStart): void {
    const isSame = this.about?.startedAt === start.about.startedAt && this.about.name === start.about.name;
    if (!isSame) this.#forget();
    this.about = start.about;
    this.#learn(start.texts);
    for (const tick of start.ticks) this.tick(tick);
    if (start.standing) this.standing = start.standing;
    this.#recent.clear();
    for (const [name, values] of start.recent) this.#recent.set(name, [...values]);
  }

  frame(frame: LiveFrame): void {
    if (this.#seq !== undefined && frame.seq <= this.#seq) return;
    if (frame.texts) this.#learn(frame.texts);
    this.tick(frame);
    this.standing = frame.standing;
    for (const operation of frame.standing.operations) {
      const values = this.#recent.get(operation[0]) ?? [];
      this.#recent.set(operation[0], values);
      values.push(operation[6]);
      if (values.length > RECENT) values.shift();
    }
  }

  /** One second for the charts; one seen before changes nothing. */
  tick({ seq, atMs, second, slots, spending }: LiveTick): void {
    if (this.#seq !== undefined && seq <= this.#seq) return;
    const last = this.atMs.at(-1);
    const isAfterGap = this.#seq !== undefined && seq > this.#seq + 1;
    // Who comes late has not seen what came before, which is no gap in what was measured but one in what is known.
    const hasNoBeginning = this.#seq === undefined && atMs > 1000 * LATE;
    if (isAfterGap && last !== undefined) this.#notSeen(last, atMs);
    else if (hasNoBeginning) this.#gaps.push({ fromMs: 0, toMs: atMs - 1000 });
    this.#seq = seq;
    this.#push(atMs, second, slots, spending ?? []);
  }

  get gaps(): readonly TimeGap[] {
    return this.#gaps;
  }

  get lastMs(): number {
    return this.atMs.at(-1) ?? 0;
  }

  text(number: number): string {
    return this.#texts.get(number) ?? "";
  }

  column(name: SecondColumn): readonly (number | null)[] {
    return this.#columns[secondColumns.indexOf(name)] ?? [];
  }

  latest(name: SecondColumn): number | undefined {
    return this.column(name).at(-1) ?? undefined;
  }

  recent(operation: number): readonly (number | null)[] {
    return this.#recent.get(operation) ?? [];
  }

  #learn(texts: LiveTexts): void {
    for (const [number, text] of texts) this.#texts.set(number, text);
  }

  /** Lines break where nothing was seen. */
  #notSeen(fromMs: number, untilMs: number): void {
    this.#gaps.push({ fromMs, toMs: untilMs - 1000 });
    this.#push(
      fromMs + 1,
      secondColumns.map(() => null),
      [],
      [],
    );
  }

  #push(
    atMs: number,
    second: readonly (number | null)[],
    slots: readonly number[],
    spending: readonly SpendingRow[],
  ): void {
    this.atMs.push(atMs);
    this.slots.push(slots);
    this.spending.push(spending);
    this.#columns.forEach((column, i) => column.push(second[i] ?? null));
    if (this.atMs.length <= MOST_SECONDS) return;
    this.atMs.splice(0, DROPPED_AT_ONCE);
    this.slots.splice(0, DROPPED_AT_ONCE);
    this.spending.splice(0, DROPPED_AT_ONCE);
    for (const column of this.#columns) column.splice(0, DROPPED_AT_ONCE);
  }

  #forget(): void {
    this.standing = undefined;
    this.#seq = undefined;
    this.#gaps = [];
    this.#texts.clear();
    for (const column of [this.atMs, this.slots, this.spending, ...this.#columns]) column.length = 0;
  }
}
