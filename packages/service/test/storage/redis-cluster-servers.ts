import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ownPort } from "./own-port.ts";

const run = promisify(execFile);

/** Three masters with a replica each, of this machine alone. */
export class TestRedisCluster implements AsyncDisposable {
  readonly #folder: string;
  readonly #nodes: { readonly port: number; readonly child: ChildProcess }[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async start(): Promise<TestRedisCluster> {
    const cluster = new TestRedisCluster(await mkdtemp(join(tmpdir(), "mettle-redis-cluster-")));
    try {
      for (let i = 0; i < 6; i++) await cluster.#startNode();
      const nodes = cluster.#nodes.map(({ port }) => `127.0.0.1:${port}`);
      await run("redis-cli", ["--cluster", "create", ...nodes, "--cluster-replicas", "1", "--cluster-yes"]);
      await cluster.#settled();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Three of the nodes, as a setting names them: the others are found by them. */
  get url(): string {
    return this.#nodes
      .slice(0, 3)
      .map(({ port }) => `redis://127.0.0.1:${port}`)
      .join(",");
  }

  /** What one node says. */
  async ask(port: number, ...command: string[]): Promise<string> {
    const { stdout } = await run("redis-cli", ["-p", String(port), ...command]);
    return stdout.trim();
  }

  get ports(): readonly number[] {
    return this.#nodes.map(({ port }) => port);
  }

  /** Ports of masters and of replicas, as they are now. */
  async roles(): Promise<{ readonly masters: number[]; readonly replicas: number[] }> {
    const masters: number[] = [];
    const replicas: number[] = [];
    for (const port of this.ports) {
      const said = await this.ask(port, "ROLE");
      (said.startsWith("master") ? masters : replicas).push(port);
    }
    return { masters, replicas };
  }

  async kill(port: number): Promise<void> {
    const child = this.#nodes.find((node) => node.port === port)?.child;
    if (child?.kill("SIGKILL") === true) await once(child, "exit");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.#nodes)
      if (child.exitCode === null && child.signalCode === null && child.kill("SIGKILL")) await once(child, "exit");
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #startNode(): Promise<void> {
    const [port, bus] = [await ownPort(), await ownPort()];
    const flags = {
      port,
      bind: "127.0.0.1",
      save: "",
      dir: this.#folder,
      "cluster-enabled": "yes",
      "cluster-port": bus,
      "cluster-config-file": `nodes-${port}.conf`,
      // A master that a busy machine gives no time is no failed one.
      "cluster-node-timeout": 60_000,
      "repl-diskless-sync-delay": 0,
      "repl-ping-replica-period": 1,
    };
    const given = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const child = spawn("redis-server", given, { stdio: ["ignore", "pipe", "inherit"] });
    this.#nodes.push({ port, child });
    let said = "";
    for await (const text of child.stdout.iterator({ destroyOnReturn: false })) {
      said += String(text);
      if (said.includes("Ready to accept connections")) return;
    }
    throw new Error(`redis-server did not start: ${said}`);
  }

  /** Until every node knows the whole cluster. A replica is given to clients once it has heard of its master. */
  async #settled(): Promise<void> {
    for (const port of this.ports) {
      for (;;) {
        const slots = await this.ask(port, "CLUSTER", "SLOTS");
        const state = await this.ask(port, "CLUSTER", "INFO");
        if (state.includes("cluster_state:ok") && this.ports.every((each) => slots.includes(String(each)))) break;
      }
    }
  }
}
