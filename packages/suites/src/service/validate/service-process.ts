import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Clock, type MettleError, type Milliseconds, ms } from "@mettle/core";
import { suitesErrors } from "../../errors.ts";
import { standBack } from "./stand-back.ts";

export interface ServiceLaunch {
  /** Program and arguments; on its output it says `{"kind":"listening","url":"http://…"}`. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The folder of its embedded database: what it leaves running there when it is killed is ended too. */
  readonly dataFolder: string;
  /** From its start until `/ready` says yes. */
  readonly readyWithin: Milliseconds;
  /** From being told to end until it has. */
  readonly endWithin: Milliseconds;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** 128 and the number of the signal, as shells say it. */
const hungUp = 129;
const linesKept = 12;
const askEvery = ms(50);

/** An agent service as a process of its own, which ends with this object, or with this process. */
export class ServiceProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #launch: ServiceLaunch;
  readonly #lines: string[] = [];
  readonly #ended: Promise<void>;
  readonly #died = new AbortController();
  readonly #listening = Promise.withResolvers<string>();
  #stopping: Promise<Milliseconds> | undefined;
  #how: string | undefined;
  #url = "";
  #startedIn: Milliseconds = ms(0);

  private constructor(launch: ServiceLaunch) {
    this.#launch = launch;
    const [program = "", ...args] = launch.command;
    this.#child = spawn(program, args, {
      env: launch.env,
      stdio: ["ignore", "pipe", "pipe"],
      // In a session of its own: an interruption from the terminal reaches us alone, who end it; and Linux shares the
      // processors between it and the generator, where otherwise each of its many threads would count as much as that one.
      detached: true,
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once("error", (error) => this.#hasEnded(error.message, resolve));
      this.#child.once("close", (code, signal) => this.#hasEnded(signal ?? `exit code ${code}`, resolve));
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream) createInterface(stream).on("line", (line) => this.#hear(line));
    }
    process.once("exit", this.#kill);
    process.once("SIGHUP", this.#hangUp);
  }

  /**
   * Starts it and waits until it is ready.
   *
   * @throws MettleError `SERVICE_NOT_READY`, with its last lines; what the signal aborts with
   */
  static async start(launch: ServiceLaunch): Promise<ServiceProcess> {
    const started = new ServiceProcess(launch);
    try {
      await started.#ready();
      return started;
    } catch (error) {
      await started.stop();
      throw error;
    }
  }

  get url(): string {
    return this.#url;
  }

  /** Lets whatever else runs here go first: see `standBack`. */
  standBack(): void {
    if (this.#how === undefined && this.#child.pid !== undefined) standBack(this.#child.pid);
  }

  /** From its start until `/ready` said yes. */
  get startedIn(): Milliseconds {
    return this.#startedIn;
  }

  /** Aborts with `SERVICE_DIED` when it ends without having been told to. */
  get died(): AbortSignal {
    return this.#died.signal;
  }

  async #ready(): Promise<void> {
    const { clock, readyWithin, signal } = this.#launch;
    const over = new AbortController();
    const from = clock.now();
    const failed = Promise.race([
      this.#ended.then(() => {
        throw this.#notReady(`it ended (${this.#how ?? "?"}) before it was ready`);
      }),
      clock.sleep(readyWithin, over.signal).then(() => {
        throw this.#notReady(`it was not ready after ${Math.round(readyWithin / 1000)} s`);
      }),
      aborted(signal, over.signal),
    ]);
    failed.catch(() => undefined); // told below, unless it is ready first
    try {
      this.#url = await Promise.race([this.#listening.promise, failed]);
      while (!(await Promise.race([isReady(this.#url), failed]))) {
        await Promise.race([clock.sleep(askEvery, over.signal), failed]);
      }
      this.#startedIn = ms((clock.now() - from) / 1e6);
    } finally {
      over.abort();
    }
  }

  #hear(line: string): void {
    this.#lines.push(line.slice(0, 500));
    if (this.#lines.length > linesKept) this.#lines.shift();
    const [, url] = /"kind":\s*"listening".*?"url":\s*"([^"]+)"/.exec(line) ?? [];
    if (url !== undefined) this.#listening.resolve(url);
  }

  #hasEnded(how: string, resolve: () => void): void {
    this.#how ??= how;
    if (!this.#stopping) {
      const message = `The service ended by itself (${this.#how}) while it was measured${this.#lastLines()}`;
      this.#died.abort(suitesErrors.create("SERVICE_DIED", message, { details: { lines: [...this.#lines] } }));
    }
    resolve();
  }

  #notReady(why: string): MettleError {
    return suitesErrors.create("SERVICE_NOT_READY", `The service did not start: ${why}${this.#lastLines()}`, {
      details: { lines: [...this.#lines] },
    });
  }

  #lastLines(): string {
    return this.#lines.length === 0 ? ", without a word." : `; its last lines: ${this.#lines.join(" ⏎ ")}`;
  }

  /**
   * Has it drain and end; kills it when it takes too long.
   *
   * @returns how long that took
   */
  stop(): Promise<Milliseconds> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<Milliseconds> {
    const { clock, endWithin } = this.#launch;
    const from = clock.now();
    if (this.#how === undefined) {
      this.#child.kill("SIGTERM");
      const over = new AbortController();
      const late = clock.sleep(endWithin, over.signal).then(
        () => this.#kill(),
        () => undefined, // it ended in time
      );
      await this.#ended;
      over.abort();
      await late;
    }
    process.off("exit", this.#kill);
    process.off("SIGHUP", this.#hangUp);
    endDatabase(this.#launch.dataFolder);
    return ms((clock.now() - from) / 1e6);
  }

  /** At once, also where nothing can be waited for any more. */
  readonly #kill = (): void => {
    if (this.#how === undefined) this.#child.kill("SIGKILL");
    endDatabase(this.#launch.dataFolder);
  };

  /** The terminal was closed: of that a process in another session would not hear. */
  readonly #hangUp = (): void => {
    this.#kill();
    process.exit(hungUp);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(5000) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false; // asked again until the time is over
  }
}

function aborted(signal: AbortSignal | undefined, over: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal?.throwIfAborted();
    signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true, signal: over });
  });
}

/** A killed service leaves its PostgreSQL running; the first line of this file is the process to end. */
function endDatabase(dataFolder: string): void {
  let pid: number;
  try {
    pid = Number(readFileSync(join(dataFolder, "postgres", "postmaster.pid"), "utf8").split("\n")[0]);
  } catch {
    return; // it has ended with the service, as it should
  }
  if (!(Number.isInteger(pid) && pid > 1)) return;
  try {
    process.kill(pid, "SIGINT"); // PostgreSQL's fast shutdown
  } catch {
    // gone in between
  }
}
