import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { ownPort } from "./own-port.ts";

/** Whether there is a nats-server to test with; scripts/install-servers.sh installs one. */
export const hasNats: boolean = spawnSync("nats-server", ["--version"]).status === 0;

/** A NATS server of this machine alone that can be ended and started again at its address. */
export class TestNats implements AsyncDisposable {
  readonly #port: number;
  readonly #flags: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(port: number, flags: readonly string[]) {
    this.#port = port;
    this.#flags = flags;
  }

  static async start(flags: readonly string[] = []): Promise<TestNats> {
    const port = await ownPort();
    const nats = new TestNats(port, flags);
    await nats.start();
    return nats;
  }

  urlFor(credentials = ""): string {
    return `nats://${credentials}127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    const flags = ["--addr", "127.0.0.1", "--port", String(this.#port), ...this.#flags];
    const child = spawn("nats-server", flags, { stdio: ["ignore", "ignore", "pipe"] });
    this.#child = child;
    for await (const line of createInterface({ input: child.stderr })) {
      if (line.includes("Server is ready")) break;
      if (line.includes("[FTL]")) throw new Error(line);
    }
    child.stderr.resume();
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child?.kill("SIGKILL") === true) await once(child, "exit");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
