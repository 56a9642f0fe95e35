import type { Tags } from "./recorder.ts";
import type { FailureCounter, SampleBook, SlowSample } from "./sample-book.ts";

/** What one kind of request remembers of the sample book, so that most requests need not ask it. */
export interface NotedKind {
  /** What a time must exceed to be among the slowest, in ms. */
  slowAbove: number;
  /** The last kind of failure, which is that of the next, most often. */
  lastFailure: { readonly kind: string; readonly counter: FailureCounter } | undefined;
}

export const notedKind = (): NotedKind => ({ slowAbove: Number.NEGATIVE_INFINITY, lastFailure: undefined });

/** Rare: each time some request is slower than all but the slowest few before it. */
export function noteSlow(book: SampleBook | undefined, kind: NotedKind, tags: Tags, sample: SlowSample): void {
  kind.slowAbove = book ? book.slow(tags, sample) : Number.POSITIVE_INFINITY;
}

/** Hot where much fails: a comparison and an addition for what fails as the last one did. */
export function countedAsLast({ lastFailure }: NotedKind, failure: string): boolean {
  if (lastFailure?.kind !== failure) return false;
  lastFailure.counter.count += 1;
  return true;
}

/** Counts a failure of another kind than the last one. */
export function noteFailure(
  book: SampleBook | undefined,
  kind: NotedKind,
  tags: Tags,
  { failure, at, label }: { readonly failure: string; readonly at: number; readonly label: string },
): void {
  const counter = book?.failure(tags, failure, at, label);
  if (!counter) return;
  counter.count += 1;
  kind.lastFailure = { kind: failure, counter };
}
