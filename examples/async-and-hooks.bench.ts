// Bodies that wait, hooks at every level, parallel callers, a stopwatch of the body's own, and a deadline.
import { EventEmitter } from "node:events";
import { afterAll, beforeAll, bench, suite } from "@mettle/bench";

suite("mailbox", { compare: false }, () => {
  const mailbox = new EventEmitter();
  let queue: number[] = [];

  // Once in every measuring process, around all cases of the suite.
  beforeAll(() => {
    mailbox.on("ask", () => setImmediate(() => mailbox.emit("answer", queue.length)));
  });
  afterAll(() => {
    mailbox.removeAllListeners();
  });

  // A promise is awaited; the time is that of the whole call.
  bench("enqueue and yield", async () => {
    queue.push(1);
    await Promise.resolve();
    return queue.pop();
  });

  // Around every iteration, not timed: sorting changes its input, so each call needs a fresh one.
  bench("sort a full queue", () => queue.sort((a, b) => a - b), {
    beforeEach: () => {
      queue = Array.from({ length: 2000 }, (_, i) => (i * 7919) % 2000);
    },
  });

  // Eight callers at once; the time is that of one call's share.
  bench("eight at once", () => new Promise((resolve) => setImmediate(resolve)), { concurrency: 8 });

  // Only what lies between start() and stop() counts.
  bench(
    "drain only",
    (context) => {
      const full = Array.from({ length: 500 }, (_, i) => i);
      context.start();
      while (full.length > 0) full.pop();
      context.stop();
    },
    { timing: "manual" },
  );

  // From one event to another. An answer that takes longer than 50 ms is an error sample: counted, never missing.
  bench("ask and be answered", (context) =>
    context.event<number>((done) => {
      mailbox.once("answer", done);
      mailbox.emit("ask");
    }, 50),
  );
});
