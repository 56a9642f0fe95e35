import { compileFunction } from "node:vm";
import { MettleError } from "@mettle/core";
import { EventLoop } from "../../../src/k6/runtime/event-loop.ts";
import { CompiledProgram, evaluateProgram } from "../../../src/k6/runtime/evaluate.ts";
import { setWaitingTwin, unbox } from "../../../src/k6/runtime/waiting.ts";
import { transformScript } from "../../../src/k6/transform/program.ts";

export type Trace = readonly string[];

const sequenceLimit = 5_000;

/** Whether a program came to its end, before the limit and without the end of its stack. */
export const isFinished = (trace: Trace): boolean =>
  trace.length < sequenceLimit && !trace.some((line) => line.includes("Maximum call stack size exceeded"));

class Recorder {
  readonly lines: string[] = [];
  add(...parts: unknown[]): void {
    if (this.lines.length > sequenceLimit) throw new Error("too long");
    this.lines.push(parts.map(String).join(" "));
  }
}

const responseTo = (url: unknown): object => {
  const status = String(url).length;
  return { status, body: [status], json: () => ({ value: status + 1 }) };
};

type Callback = (...args: unknown[]) => unknown;
type Checks = Record<string, Callback>;

/** The script as it stands, with calls that return at once: the oracle. */
export function runOriginal(source: string): Trace {
  const trace = new Recorder();
  const http = {
    get: (url: unknown) => {
      trace.add("get", url);
      return responseTo(url);
    },
  };
  const sleep = (seconds: unknown): void => trace.add("sleep", seconds);
  const check = (value: unknown, checks: Checks): boolean => {
    let ok = true;
    for (const [name, f] of Object.entries(checks)) {
      const result = Boolean(f(value));
      trace.add("check", name, result);
      ok &&= result;
    }
    return ok;
  };
  const group = (name: string, f: Callback): unknown => {
    trace.add("group", name);
    try {
      return f();
    } finally {
      trace.add("end", name);
    }
  };
  const code = source.replaceAll(/^import .*$/gm, "").replace("export default function", "return function");
  const console = { log: (...parts: unknown[]) => trace.add(...parts) };
  try {
    const make = compileFunction(`"use strict";${code}`, ["http", "sleep", "check", "group", "console"]);
    const main = (make as Callback)(http, sleep, check, group, console) as Callback;
    trace.add("returned", main());
  } catch (error) {
    trace.lines.push(`threw ${(error as Error).name} ${(error as Error).message}`);
  }
  return trace.lines;
}

/** The script transformed, with calls that take a turn of the event loop. */
export async function runTransformed(file: string): Promise<Trace> {
  const trace = new Recorder();
  const loop = new EventLoop();
  const members = nativeMembers(trace, loop);
  const program = transformScript(file, {
    provide: (name) => {
      const found = members[name];
      return found && { name, module: { exports: new Set(Object.keys(found)) } };
    },
  });
  const compiled = await CompiledProgram.compile(program);
  const console = {
    log: (...parts: unknown[]) => {
      loop.check("console.log");
      trace.add(...parts);
    },
  };
  try {
    const exports = await evaluateProgram(compiled, {
      loop,
      global: (name) => ({ console, __VU: 1, __ENV: {}, Math })[name as "console"],
      native: (name) => ({ ...members[name], default: members[name] }),
      iteration: () => 0,
    });
    const result = unbox(await (exports["default"] as Callback)());
    await loop.drain();
    trace.add("returned", result);
  } catch (error) {
    if (error instanceof MettleError) throw error;
    trace.add("threw", (error as Error).name, (error as Error).message);
  }
  return trace.lines;
}

function nativeMembers(trace: Recorder, loop: EventLoop): Record<string, Record<string, unknown>> {
  const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  const get = (url: unknown): Promise<unknown> =>
    loop.blocking("http.get", async () => {
      trace.add("get", url);
      await turn();
      return responseTo(url);
    });
  const sleep = (seconds: unknown): Promise<void> =>
    loop.blocking("sleep", async () => {
      trace.add("sleep", seconds);
      await turn();
    });
  const check = (value: unknown, checks: Checks): boolean => {
    let ok = true;
    for (const [name, f] of Object.entries(checks)) {
      const result = Boolean(f(value));
      trace.add("check", name, result);
      ok &&= result;
    }
    return ok;
  };
  setWaitingTwin(check, async (value, checks) => {
    let ok = true;
    for (const [name, f] of Object.entries(checks as Checks)) {
      const result = Boolean(unbox(await f(value)));
      trace.add("check", name, result);
      ok &&= result;
    }
    return ok;
  });
  const group = (name: string, f: Callback): unknown => {
    trace.add("group", name);
    try {
      return f();
    } finally {
      trace.add("end", name);
    }
  };
  setWaitingTwin(group, async (name, f) => {
    trace.add("group", name);
    try {
      return await (f as Callback)();
    } finally {
      trace.add("end", name);
    }
  });
  return { "k6/http": { get }, k6: { sleep, check, group } };
}
