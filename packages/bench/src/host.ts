import { type ChildProcess, fork } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CaseFailure, LoadedSuite, Reply, Request } from "./protocol.ts";

export interface HostOptions {
  readonly cwd: string;
  readonly nodeFlags: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A command in front of node, such as `["setarch", "-R"]`. */
  readonly prefix?: readonly string[];
  readonly signal?: AbortSignal;
}

type ReplyOf<T extends Reply["type"]> = Reply & { type: T };
const replyTo: Readonly<{
  load: "loaded";
  prepare: "prepared";
  blocks: "blocks";
  turn: "turn";
  records: "records";
  memory: "memory";
  slopes: "slopes";
  finish: "finished";
}> = {
  load: "loaded",
  prepare: "prepared",
  blocks: "blocks",
  turn: "turn",
  records: "records",
  memory: "memory",
  slopes: "slopes",
  finish: "finished",
};

/**
 * How measuring processes are started, before the user's own flags, which may undo each.
 *
 * - allow-natives-syntax: the loop around a body asks to be compiled (see driver.ts).
 * - no-concurrent-recompilation, no-maglev: V8's middle tier stops collecting type feedback, and compilation beside the
 *   running code takes whatever feedback is there when a thread is free. The machine code of one and the same function
 *   then differs from instance to instance: seen on a busy machine, for a function that allocates, a spread of 2–9 %
 *   between identical arms, against 0.7–1.2 % without. What is measured is TurboFan's code either way.
 */
export const steadyFlags: readonly string[] = [
  "--allow-natives-syntax",
  "--no-concurrent-recompilation",
  "--no-maglev",
];

const outputKept = 4000;

/** Why a measuring process gave no answer, and which case was running. */
export class ProcessFailure extends Error {
  readonly failure: CaseFailure;
  constructor(failure: CaseFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** A measuring process seen from the runner: one request at a time, each with a deadline. */
export class Host {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #markerFile: string;
  #output = "";
  #suite: LoadedSuite | undefined;
  #pending: { resolve: (reply: Reply) => void; reject: (error: unknown) => void } | undefined;
  #ended: string | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => {
    this.#child.kill("SIGKILL");
  };

  constructor(options: HostOptions) {
    this.#folder = mkdtempSync(join(tmpdir(), "mettle-bench-"));
    this.#markerFile = join(this.#folder, "marker");
    const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
    const entry = fileURLToPath(new URL(`./child${extension}`, import.meta.url));
    // From sources (this repository's own development) the sibling packages are read from sources too.
    const conditions = extension === ".ts" ? ["--conditions=mettle-source"] : [];
    const [command, ...before] = [...(options.prefix ?? []), process.execPath];
    this.#child = fork(entry, [], {
      cwd: options.cwd,
      execPath: command ?? process.execPath,
      execArgv: [...before, ...conditions, ...steadyFlags, ...options.nodeFlags],
      env: { ...process.env, ...options.env },
      serialization: "advanced",
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-outputKept);
      });
    }
    this.#child.on("message", (reply: Reply) => this.#receive(reply));
    this.#child.on("error", (error) => this.#died(`it could not be started: ${error.message}`));
    // close, not exit: by then the last output has arrived.
    this.#child.on("close", (code, signal) => this.#died(signal ? `signal ${signal}` : `exit code ${code}`));
    this.#signal = options.signal;
    this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The end of what the process wrote to stdout and stderr. */
  get output(): string {
    return this.#output;
  }

  get markerFile(): string {
    return this.#markerFile;
  }

  /** The suite whose cases the marker counts. */
  follow(suite: LoadedSuite): void {
    this.#suite = suite;
  }

  /**
   * @param stallMs - how long the process may go without beginning another sample
   * @throws ProcessFailure when the process dies, breaks or stalls
   */
  async ask<T extends Request["type"]>(
    request: Request & { type: T },
    stallMs: number,
  ): Promise<ReplyOf<(typeof replyTo)[T]>> {
    const reply = await new Promise<Reply>((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#deathFailure(this.#ended));
        return;
      }
      const askedAt = Date.now();
      const watch = setInterval(
        () => {
          if (Date.now() - Math.max(askedAt, this.#lastMark()) < stallMs) return;
          this.#pending?.reject(this.#failure("timeout", `one sample did not settle within ${Math.round(stallMs)} ms`));
          this.#child.kill("SIGKILL");
        },
        Math.min(500, stallMs / 4),
      );
      const settle =
        <V>(then: (value: V) => void) =>
        (value: V): void => {
          clearInterval(watch);
          this.#pending = undefined;
          then(value);
        };
      this.#pending = { resolve: settle(resolve), reject: settle(reject) };
      this.#child.send(request, (error) => {
        if (error && this.#ended === undefined) this.#died(error.message);
      });
    });
    if (reply.type === "broken") throw new ProcessFailure({ ...reply.failure, case: this.#runningCase() });
    if (reply.type === "failed") {
      throw new ProcessFailure({
        case: "",
        kind: reply.where,
        message: reply.message,
        ...(reply.stack && { stack: reply.stack }),
      });
    }
    if (reply.type !== replyTo[request.type]) throw new Error(`expected ${replyTo[request.type]}, got ${reply.type}`);
    return reply as ReplyOf<(typeof replyTo)[T]>;
  }

  /** Ends the process if it still runs, and waits until it is gone. */
  async close(): Promise<void> {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    if (this.#ended === undefined) {
      const gone = new Promise<void>((resolve) => {
        this.#child.once("close", () => resolve());
      });
      this.#child.kill("SIGKILL");
      await gone;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** When the process last began a sample, by the marker's modification time; 0 before the first. */
  #lastMark(): number {
    return statSync(this.#markerFile, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  }

  #receive(reply: Reply): void {
    this.#pending?.resolve(reply);
  }

  #died(how: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = how;
    this.#pending?.reject(this.#deathFailure(how));
  }

  #deathFailure(how: string): ProcessFailure {
    if (/heap out of memory|Allocation failed/.test(this.#output)) {
      return this.#failure("memory", "its process ran out of memory");
    }
    return this.#failure("died", `its process ended (${how})`);
  }

  #failure(kind: string, message: string): ProcessFailure {
    const tail = this.#output.trim();
    return new ProcessFailure({ case: this.#runningCase(), kind, message, ...(tail && { stack: tail }) });
  }

  #runningCase(): string {
    if (!this.#suite) return "";
    const bytes = Buffer.alloc(2);
    try {
      const marker = openSync(this.#markerFile, "r");
      readSync(marker, bytes, 0, 2, 0);
      closeSync(marker);
    } catch (error) {
      // The process died before it could open its marker: no case had begun.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
      throw error;
    }
    return this.#suite.cases[bytes.readUInt16LE(0) - 1]?.id ?? "";
  }
}
