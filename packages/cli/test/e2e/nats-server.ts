// Linters read this file without the project that names the types of Node.
/// <reference types="node" />
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** Whether there is a nats-server to test with; scripts/install-servers.sh installs Debian's. */
export const hasNatsServer: boolean = spawnSync("nats-server", ["--version"]).status === 0;
if (!hasNatsServer) {
  process.stderr.write("No nats-server here: tests of load over NATS are skipped (scripts/install-servers.sh).\n");
}

/** A nats-server of one test, on a free port. */
export class NatsServer implements AsyncDisposable {
  readonly address: string;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, address: string) {
    this.#process = process;
    this.address = address;
  }

  static async start(
    args: readonly string[] = [],
    scheme = "nats",
    env: Readonly<Record<string, string>> = {},
  ): Promise<NatsServer> {
    const child = spawn("nats-server", ["--addr", "127.0.0.1", "--port", "-1", ...args], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let port: string | undefined;
    for await (const line of createInterface({ input: child.stderr })) {
      port ??= /Listening for client connections on 127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (port !== undefined && line.includes("Server is ready")) break;
      if (line.includes("[FTL]")) throw new Error(line);
    }
    child.stderr.resume();
    if (port === undefined) throw new Error("nats-server ended before it listened");
    return new NatsServer(child, `${scheme}://127.0.0.1:${port}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill("SIGKILL");
    await once(this.#process, "exit");
  }
}
