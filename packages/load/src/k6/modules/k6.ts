import { Random } from "@mettle/core";
import { builtIn } from "../../metrics/built-in.ts";
import type { MemberMakers } from "../runtime/lazy-members.ts";
import type { UserContext } from "../runtime/user-context.ts";
import { box, setWaitingTwin, unbox } from "../runtime/waiting.ts";
import { textOf } from "../text.ts";

type Callback = (...args: unknown[]) => unknown;

const separator = "::";
const AsyncFunction = (async () => undefined).constructor;

function recordCheck(context: UserContext, name: string, passed: boolean, tags: unknown): void {
  const custom = (tags ?? {}) as Record<string, string>;
  const key = tags === undefined ? `check\0${name}` : `check\0${name}\0${JSON.stringify(tags)}`;
  const set = context.tagSet(key, () => ({ ...(context.has("check") && { check: name }), ...custom }));
  context.metric(builtIn.checks)?.add(passed ? 1 : 0, set);
}

function begin(context: UserContext, name: string): void {
  context.running(name);
  context.loop.check(name);
}

/** Hot. */
function makeCheck(context: UserContext): unknown {
  function check(value: unknown, checks: Record<string, unknown>, tags?: unknown): boolean {
    begin(context, "check");
    if (typeof checks !== "object" || checks === null) throw new TypeError("check() needs an object of functions");
    let all = true;
    for (const name in checks) {
      const test = checks[name];
      const result = typeof test === "function" ? (test as Callback)(value) : test;
      if (result instanceof Promise) throw new TypeError(`check "${name}" gave a promise: await before the check`);
      recordCheck(context, name, Boolean(result), tags);
      if (!result) all = false;
    }
    return all;
  }
  setWaitingTwin(check, async (value, checks, tags) => {
    begin(context, "check");
    let all = true;
    for (const [name, test] of Object.entries(checks as Record<string, unknown>)) {
      const result = typeof test === "function" ? unbox(await (test as Callback)(value)) : test;
      recordCheck(context, name, Boolean(result), tags);
      if (!result) all = false;
    }
    return all;
  });
  return check;
}

/** @returns the group to go back to */
function enter(context: UserContext, name: unknown, f: unknown): string {
  begin(context, "group");
  const text = String(name);
  if (text.includes(separator)) throw new Error(`group and check names may not contain '${separator}'`);
  if (typeof f !== "function") throw new TypeError("group() needs a function");
  const outer = context.group;
  context.group = `${outer}${separator}${text}`;
  return outer;
}

function leave(context: UserContext, outer: string, startedAt: number): void {
  context.record(builtIn.groupDuration, performance.now() - startedAt);
  context.group = outer;
}

/** Hot. */
function makeGroup(context: UserContext): unknown {
  function group(name: unknown, f: Callback): unknown {
    // Functions that only wait are given to the twin; one that reaches this is async as written.
    if (f instanceof AsyncFunction)
      throw new TypeError("group() does not take async functions: their awaits would outlive it");
    const outer = enter(context, name, f);
    const startedAt = performance.now();
    try {
      return f();
    } finally {
      leave(context, outer, startedAt);
    }
  }
  setWaitingTwin(group, async (name, f) => {
    const outer = enter(context, name, f);
    const startedAt = performance.now();
    try {
      return box(unbox(await (f as Callback)()));
    } finally {
      leave(context, outer, startedAt);
    }
  });
  return group;
}

const makeSleep =
  (context: UserContext) =>
  (seconds: unknown): Promise<void> => {
    const milliseconds = Number(seconds) * 1000;
    if (Number.isNaN(milliseconds)) throw new TypeError(`sleep() needs a number of seconds, got ${String(seconds)}`);
    const { user, loop } = context;
    const epoch = loop.block("sleep");
    if (!user) {
      // At the top level while options are read: there is no run to wait in.
      loop.unblock(epoch);
      return Promise.resolve();
    }
    return user.sleep(Math.max(0, milliseconds)).finally(() => loop.unblock(epoch));
  };

/** The module `k6`. */
export const k6Members: MemberMakers<UserContext> = {
  check: makeCheck,
  group: makeGroup,
  sleep: makeSleep,
  fail: (context) => (message?: unknown) => {
    context.loop.check("fail");
    throw new Error(message === undefined ? "fail() was called" : textOf(message));
  },
  randomSeed: (context) => (seed: unknown) => {
    const random = new Random(Math.trunc(Number(seed)) >>> 0);
    context.random = () => random.uniform();
  },
};
