import { type ChildProcess, fork } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CaseFailure, type LoadedCase, type LoadedSuite, marker, type Reply, type Request } from "./protocol.ts";

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
  relay: "relay";
  records: "records";
  memory: "memory";
  slopes: "slopes";
  finish: "finished";
}> = {
  load: "loaded",
  prepare: "prepared",
  blocks: "blocks",
  relay: "relay",
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
 * - no-concurrent-sparkplug: baseline code too is compiled beside the running code by default and arrives whenever it is
 *   done, some hundred kilobytes of it within one reading of memory: seen on a busy machine, a slope of memory over
 *   things wrong by 3 % in a third of runs, and equal to the byte without.
 * - min-semi-space-size: the nursery has its final size (V8's default maximum, MiB) from the start. Left to itself it grows
 *   by what happened to survive, at another moment in each process: two builds then ran with nurseries of unlike size, of
 *   which one fits the caches.
 */
export const steadyFlags: readonly string[] = [
  "--allow-natives-syntax",
  "--no-concurrent-recompilation",
  "--no-maglev",
  "--no-concurrent-sparkplug",
  "--min-semi-space-size=16",
];

const outputKept = 4000;
/** Longest time that one sample may take, where its case does not say. */
const sampleStallMs = 10_000;
/** For the last output of a process that is gone: something it started may hold its pipes open for ever. */
const outputGraceMs = 250;
/** V8's last words, in several wordings. */
const outOfMemory = /fatal.*(out of memory|allocation failed)/i;

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
  #outOfMemory = false;
  /** An error that came while nobody was asking. */
  #broken: (Reply & { type: "broken" }) | undefined;
  readonly #gone: Promise<void>;
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
        this.#output += text;
        // Now, because the native stack that follows may push it out of what is kept.
        if (outOfMemory.test(this.#output)) this.#outOfMemory = true;
        this.#output = this.#output.slice(-outputKept);
      });
    }
    this.#child.on("message", (reply: Reply) => this.#receive(reply));
    this.#gone = new Promise<void>((resolve) => {
      const gone = (how: string): void => {
        this.#died(how);
        this.#child.stdout?.destroy();
        this.#child.stderr?.destroy();
        resolve();
      };
      this.#child.on("error", (error) => {
        if (this.#child.pid === undefined) gone(`it could not be started: ${error.message}`);
      });
      const how = (code: number | null, signal: string | null): string =>
        signal ? `signal ${signal}` : `exit code ${code}`;
      // close, not exit: by then the last output has arrived. Unless a child of its own keeps the pipe.
      this.#child.once("close", (code, signal) => gone(how(code, signal)));
      this.#child.once("exit", (code, signal) => setTimeout(() => gone(how(code, signal)), outputGraceMs).unref());
    });
    this.#signal = options.signal;
    this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (this.#signal?.aborted) this.#onAbort();
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
   * @param stallMs - how long the process may go without beginning another step; in a sample its case's own limit holds
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
      if (this.#broken) {
        resolve(this.#broken);
        return;
      }
      const askedAt = Date.now();
      const limits = this.#suite?.cases.map(({ timeoutMs }) => timeoutMs ?? sampleStallMs) ?? [];
      const watch = setInterval(
        () => {
          const { entry, inSample } = this.#readMarker();
          const limitMs = inSample ? (entry?.timeoutMs ?? sampleStallMs) : stallMs;
          if (Date.now() - Math.max(askedAt, this.#lastMark()) < limitMs) return;
          const what = inSample
            ? "one sample did not settle"
            : request.type === "load"
              ? "it did not load"
              : "it gave no answer";
          this.#pending?.reject(this.#failure("timeout", `${what} within ${Math.round(limitMs)} ms`));
          this.#child.kill("SIGKILL");
        },
        Math.max(10, Math.min(500, stallMs / 4, ...limits.map((limit) => limit / 4))),
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
    if (reply.type === "broken") {
      const { failure } = reply;
      // An error of the file's own code is no case's, whichever ran when it came.
      const blamed = failure.case === "" && failure.kind === "unhandled" ? this.#runningCase() : failure.case;
      throw new ProcessFailure({ ...failure, case: blamed });
    }
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
    if (this.#ended === undefined) this.#child.kill("SIGKILL");
    await this.#gone;
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
    if (this.#pending) this.#pending.resolve(reply);
    else if (reply.type === "broken") this.#broken ??= reply;
  }

  #died(how: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = how;
    this.#pending?.reject(this.#deathFailure(how));
  }

  #deathFailure(how: string): ProcessFailure {
    if (this.#outOfMemory) {
      return this.#failure("memory", "its process ran out of memory");
    }
    return this.#failure("died", `its process ended (${how})`);
  }

  #failure(kind: string, message: string): ProcessFailure {
    const tail = this.#output.trim();
    return new ProcessFailure({ case: this.#runningCase(), kind, message, ...(tail && { stack: tail }) });
  }

  #runningCase(): string {
    return this.#readMarker().entry?.id ?? "";
  }

  #readMarker(): { readonly entry: LoadedCase | undefined; readonly inSample: boolean } {
    const bytes = Buffer.alloc(marker.bytes);
    try {
      const file = openSync(this.#markerFile, "r");
      readSync(file, bytes, 0, marker.bytes, 0);
      closeSync(file);
    } catch (error) {
      // The process did not get as far as opening its marker: no case had begun.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    return { entry: this.#suite?.cases[bytes.readUInt16LE(0) - 1], inSample: bytes[2] === marker.inSample };
  }
}
