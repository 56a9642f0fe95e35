import { AsyncLocalStorage } from "node:async_hooks";
import { MettleError, messageOf } from "@mettle/core";
import { SampleError } from "./driver.ts";
import type { CaseFailure, Reply } from "./protocol.ts";

/** What was running when something was begun: a case, or the file's own code. */
export interface Origin {
  /** Empty: the file itself, not one of its cases. */
  readonly case: string;
  /** The file had been loaded before in this process, and perhaps cannot be loaded twice. */
  readonly again: boolean;
}

/**
 * Carried along by promises, timers and sockets: an error that comes late, out of a timer or a forgotten promise, is
 * charged to the case that began it and not to the one that happens to run.
 */
export const origin: AsyncLocalStorage<Origin> = new AsyncLocalStorage();

/** @param isAsync - whether the body returns promises, so that a plain error was a rejection */
export function failureOf(id: string, error: unknown, isAsync = false): CaseFailure {
  const shown = error instanceof SampleError && error.cause instanceof Error ? error.cause : error;
  return {
    case: id,
    // Only our own class names a kind: an error of the body's may have a field of that name too.
    kind: error instanceof SampleError ? error.kind : isAsync ? "rejected" : "threw",
    message: plain(messageOf(error)),
    ...(shown instanceof Error && shown.stack && { stack: plain(shown.stack) }),
  };
}

/** A hook that failed, with its name. */
export class HookError extends Error {
  readonly failure: CaseFailure;
  /** @param id - the case whose hook it is; empty for a suite's */
  constructor(id: string, hook: string, error: unknown) {
    const failure = failureOf(id, error);
    super(`${hook}: ${failure.message}`);
    this.failure = { ...failure, kind: "hook", message: this.message };
  }
}

/** A missed deadline while warming up is no sample yet; the arm goes on. */
export function unlessDeadline(error: unknown): undefined {
  if (error instanceof SampleError && error.kind === "deadline") return;
  throw error;
}

/** An error outside any call. */
export function brokenBy(error: unknown, loading: boolean): Reply {
  const from = origin.getStore();
  const failure = failureOf(from?.case ?? "", error);
  if (from?.again) return { type: "broken", failure: { ...failure, kind: "reload" } };
  if (loading || from?.case === "") return { type: "broken", failure: { ...failure, kind: "load" } };
  const message = `an error outside any call, in a timer or a forgotten promise: ${failure.message}`;
  return { type: "broken", failure: { ...failure, kind: "unhandled", message } };
}

/** A request that could not be carried out. */
export function failedReply(error: unknown, where: "load" | "reload" | "hook"): Reply {
  const { message, stack } = error instanceof HookError ? error.failure : failureOf("", error);
  const invalid = error instanceof MettleError && error.code === "BENCH_DEFINITION_INVALID";
  return { type: "failed", where: invalid ? "definition" : where, message, ...(stack && { stack }) };
}

/** Takes our query off module addresses: it differs from load to load, and means nothing to a reader. */
export function plain(text: string): string {
  return text.replaceAll(/\?mettle=\d+/g, "");
}

/** What keeps the event loop alive now and did not before: `Timeout`, `TCPServerWrap`. Without counts: they vary. */
export function leftOver(before: readonly string[], after: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const name of after) counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const name of before) counts.set(name, (counts.get(name) ?? 0) - 1);
  const left = [...counts].filter(([, count]) => count > 0).map(([name]) => name);
  return left.sort();
}
