import { ManualClock, ms } from "@mettle/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Observers } from "../../src/runtime/events.ts";
import { restartDefaults } from "../../src/supervision/restart-window.ts";
import type { Parent, Supervised } from "../../src/supervision/supervised.ts";
import { type Strategy, Supervisor } from "../../src/supervision/supervisor.ts";
import { TimerWheel } from "../../src/timers/timer-wheel.ts";

type State = "up" | "down" | "ended";

class Child implements Supervised {
  readonly address: string;
  readonly restartKind = "transient";
  state: State = "up";
  restarts = 0;

  constructor(address: string) {
    this.address = address;
  }

  suspend(): void {
    if (this.state === "ended") throw new Error("suspended after its end");
    this.state = "down";
  }

  restart(): void {
    if (this.state !== "down") throw new Error(`restarted while ${this.state}`);
    this.state = "up";
    this.restarts++;
  }

  terminate(): void {
    this.state = "ended";
  }
}

/** What should happen, written as the words of the documentation: a list of states and the times of failures. */
class Model {
  readonly states: State[];
  readonly restarts: number[];
  failures: number[] = [];
  dueAt = Number.POSITIVE_INFINITY;
  escalated = 0;
  readonly #strategy: Strategy;

  constructor(strategy: Strategy, children: number) {
    this.#strategy = strategy;
    this.states = Array.from({ length: children }, (): State => "up");
    this.restarts = Array.from({ length: children }, () => 0);
  }

  advance(to: number): void {
    if (this.dueAt > to) return;
    this.dueAt = Number.POSITIVE_INFINITY;
    this.states.forEach((state, i) => {
      if (state !== "down") return;
      this.states[i] = "up";
      this.restarts[i]!++;
    });
  }

  fail(child: number, now: number): void {
    if (this.states[child] !== "up" || this.escalated > 0) return;
    const { maxRestarts, withinMs, backoffMs, backoffFactor } = restartDefaults;
    this.failures = this.failures.filter((at) => now - at < withinMs);
    if (this.failures.length >= maxRestarts) {
      this.escalated = 1;
      this.dueAt = Number.POSITIVE_INFINITY;
      this.states.fill("down");
      return;
    }
    const delay = this.failures.length === 0 ? 0 : backoffMs * backoffFactor ** (this.failures.length - 1);
    this.failures.push(now);
    this.states.forEach((_, i) => {
      const taken = this.#strategy === "one-for-all" || i === child || (this.#strategy === "rest-for-one" && i > child);
      if (taken) this.states[i] = "down";
    });
    this.dueAt = now + delay;
    if (delay === 0) this.advance(now);
  }
}

test("a supervisor does what a plain model of its documentation does, for any failures at any times", async () => {
  const step = fc.oneof(
    fc.record({ fail: fc.nat(3) }),
    fc.record({ wait: fc.constantFrom(1, 5, 9, 10, 11, 19, 20, 21, 100, 4999, 5000, 5001) }),
  );
  const strategies = fc.constantFrom<Strategy>("one-for-one", "one-for-all", "rest-for-one");
  await fc.assert(
    fc.asyncProperty(strategies, fc.array(step, { maxLength: 25 }), async (strategy, steps) => {
      const clock = new ManualClock();
      const wheel = new TimerWheel(clock);
      let escalated = 0;
      const parent: Parent = { address: "root", childFailed: () => escalated++, childEnded: () => undefined };
      const supervisor = new Supervisor(
        "s",
        parent,
        { clock, wheel, observers: new Observers() },
        {
          strategy,
          limits: restartDefaults,
          restart: "transient",
        },
      );
      const children = [0, 1, 2, 3].map((i) => new Child(String(i)));
      for (const child of children) supervisor.adopt(child);
      const model = new Model(strategy, children.length);
      for (const each of steps) {
        if ("wait" in each) {
          await clock.advance(ms(each.wait));
          model.advance(clock.now() / 1e6);
        } else {
          const child = children[each.fail]!;
          model.fail(each.fail, clock.now() / 1e6);
          if (child.state === "up" && escalated === 0) supervisor.childFailed(child, new Error("broken"));
        }
        expect(children.map(({ state }) => state)).toEqual(model.states);
        expect(children.map(({ restarts }) => restarts)).toEqual(model.restarts);
        expect(escalated).toBe(model.escalated);
      }
      supervisor.terminate("done");
      expect(new Set(children.map(({ state }) => state))).toEqual(new Set(["ended"]));
      expect(wheel.size).toBe(0);
    }),
    { numRuns: 300 },
  );
});
