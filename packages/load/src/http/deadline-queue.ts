/** Something with a time limit. The links and the due time belong to the queue. */
export interface Deadline {
  dueAt: number;
  deadlineList: DeadlineList | undefined;
  earlier: Deadline | undefined;
  later: Deadline | undefined;
}

interface DeadlineList {
  readonly timeoutMs: number;
  first: Deadline | undefined;
  last: Deadline | undefined;
}

/** Lists kept for timeouts that are not in use, so that a few alternating timeouts make none anew. */
const KEPT_LISTS = 16;

/**
 * Deadlines in one list for each duration: within a list the order of starting is the order of falling due, so that adding
 * and removing are a few assignments. A timer for each request would cost more than its parsing.
 */
export class DeadlineQueue {
  readonly #lists = new Map<number, DeadlineList>();

  /** Hot. @param now - never decreases from call to call */
  add(item: Deadline, now: number, timeoutMs: number): void {
    let list = this.#lists.get(timeoutMs);
    if (!list) {
      list = { timeoutMs, first: undefined, last: undefined };
      this.#lists.set(timeoutMs, list);
    }
    item.dueAt = now + timeoutMs;
    item.deadlineList = list;
    item.later = undefined;
    item.earlier = list.last;
    if (list.last) list.last.later = item;
    else list.first = item;
    list.last = item;
  }

  /** Nothing where the item is not queued. Hot. */
  remove(item: Deadline): void {
    const list = item.deadlineList;
    if (!list) return;
    if (item.earlier) item.earlier.later = item.later;
    else list.first = item.later;
    if (item.later) item.later.earlier = item.earlier;
    else list.last = item.earlier;
    item.deadlineList = undefined;
    item.earlier = undefined;
    item.later = undefined;
  }

  /** When the next falls due, or Infinity. */
  nextDueAt(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { first } of this.#lists.values()) {
      if (first && first.dueAt < next) next = first.dueAt;
    }
    return next;
  }

  /** Removes and returns what is due, the earliest first. */
  expire(now: number): Deadline[] {
    const due: Deadline[] = [];
    for (const list of this.#lists.values()) {
      while (list.first && list.first.dueAt <= now) {
        due.push(list.first);
        this.remove(list.first);
      }
      if (!list.first && this.#lists.size > KEPT_LISTS) this.#lists.delete(list.timeoutMs);
    }
    return due.sort((a, b) => a.dueAt - b.dueAt);
  }
}
