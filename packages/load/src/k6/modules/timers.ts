import type { TimerFunctions } from "../runtime/timer-functions.ts";
import type { UserContext } from "../runtime/user-context.ts";

type Callback = (...args: unknown[]) => unknown;

const shortestIntervalMs = 1;

/** Timers of one user: they fire as events of its loop, and the iteration waits for them. The same ones for one user. */
export function timerFunctions(context: UserContext): TimerFunctions {
  return (context.timers ??= makeTimers(context));
}

function makeTimers(context: UserContext): TimerFunctions {
  const active = new Map<number, () => void>();
  let lastId = 0;
  const start = (callback: unknown, delay: unknown, args: unknown[], repeats: boolean): number => {
    if (typeof callback !== "function") throw new TypeError("a timer needs a function");
    context.running("a timer");
    context.loop.check("a timer");
    const id = ++lastId;
    const release = context.loop.hold(() => active.get(id)?.());
    const milliseconds = Math.max(repeats ? shortestIntervalMs : 0, Number(delay) || 0);
    let timer: NodeJS.Timeout;
    const stop = (): void => {
      clearTimeout(timer);
      active.delete(id);
      release();
    };
    const fire = (): void => {
      context.loop.post(() => {
        if (!active.has(id)) return undefined;
        if (!repeats) stop();
        else timer = setTimeout(fire, milliseconds);
        return (callback as Callback)(...args);
      });
    };
    active.set(id, stop);
    timer = setTimeout(fire, milliseconds);
    return id;
  };
  const clear = (id: unknown): void => active.get(Number(id))?.();
  return {
    setTimeout: (callback, delay, ...args) => start(callback, delay, args, false),
    clearTimeout: clear,
    setInterval: (callback, delay, ...args) => start(callback, delay, args, true),
    clearInterval: clear,
  };
}
