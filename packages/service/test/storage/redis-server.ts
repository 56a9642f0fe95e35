import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownPort } from "./own-port.ts";

/** Whether there is a redis-server to test with; scripts/install-servers.sh installs one. */
export const hasRedis: boolean = spawnSync("redis-server", ["--version"]).status === 0;

/** A Redis of this machine alone that can be ended, stopped and started again at its address. */
export class TestRedis implements AsyncDisposable {
  readonly #folder: string;
  readonly #port: number;
  #child: ChildProcess | undefined;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
  }

  static async start(): Promise<TestRedis> {
    const port = await ownPort();
    const redis = new TestRedis(await mkdtemp(join(tmpdir(), "mettle-redis-")), port);
    await redis.start();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    const flags = ["--port", String(this.#port), "--bind", "127.0.0.1", "--save", "", "--dir", this.#folder];
    this.#child = spawn("redis-server", flags, { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    for await (const text of this.#child.stdout?.iterator({ destroyOnReturn: false }) ?? []) {
      said += String(text);
      if (said.includes("Ready to accept connections")) return;
    }
    throw new Error(`redis-server did not start: ${said}`);
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child?.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child?.kill("SIGKILL") === true) await once(child, "exit");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
