import type { Clock, Milliseconds } from "@mettle/core";
import { ms } from "@mettle/core";
import { createCluster, type RedisClusterType } from "@redis/client";
import {
  type Membership,
  onceEach,
  reconnectAfter,
  type RedisKeys,
  type RedisTold,
  scannedAtOnce,
} from "./redis-keys.ts";

/** Replicas that do not follow for so long are waited for no longer; they are behind, and Redis itself drops them. */
const followWithinMs = 1000;

type Node = RedisClusterType["masters"][number];

/**
 * Nodes of one cluster. Entries are read from replicas too; what is dropped is waited for until they have dropped it, so
 * that nobody reads from one what another instance has invalidated. Keys lie in different slots: what one server does in a
 * transaction is done here in an order in which nothing is missed.
 */
export class RedisCluster implements RedisKeys {
  readonly #cluster: RedisClusterType;
  readonly #closed = new AbortController();
  readonly #connecting: Promise<void>;

  /** @param urls - some of the nodes; they name the others. Name, password and TLS of the first hold for all */
  constructor(urls: readonly string[], clock: Clock, { onTrouble, onNode }: RedisTold) {
    const { username, password, protocol } = new URL(urls[0] ?? "");
    const { trouble, over } = onceEach(onTrouble);
    this.#cluster = createCluster({
      rootNodes: urls.map((url) => ({ url })),
      useReplicas: true,
      defaults: {
        disableOfflineQueue: true,
        ...(username !== "" && { username: decodeURIComponent(username) }),
        ...(password !== "" && { password: decodeURIComponent(password) }),
        socket: { reconnectStrategy: reconnectAfter, ...(protocol === "rediss:" && { tls: true }) },
      },
    });
    const reached = new Set<string>();
    this.#cluster.on("error", trouble);
    this.#cluster.on("node-error", trouble);
    this.#cluster.on("node-ready", ({ host, port }: { host: string; port: number }) => {
      const address = `${host}:${port}`;
      over();
      if (!reached.has(address)) onNode?.(address, "added");
      reached.add(address);
    });
    for (const gone of ["node-disconnect", "node-reconnecting"]) {
      this.#cluster.on(gone, ({ host, port }: { host: string; port: number }) => {
        if (reached.delete(`${host}:${port}`)) onNode?.(`${host}:${port}`, "removed");
      });
    }
    this.#connecting = this.#connect(clock, trouble);
  }

  get ready(): boolean {
    return this.#cluster.isReady;
  }

  async get(key: string): Promise<string | null> {
    return this.#cluster.get(key);
  }

  async set(key: string, text: string, lifetime: Milliseconds, within: Membership): Promise<void> {
    // First the sets: an entry that is in none of its sets yet would outlive their being dropped.
    await Promise.all(
      within.sets.map((set) => this.#cluster.multi().sAdd(set, within.member).pExpire(set, within.lifetime).exec()),
    );
    await this.#cluster.set(key, text, { expiration: { type: "PX", value: lifetime } });
  }

  /** Of the master: a replica may not know all of them yet. */
  async members(set: string): Promise<string[]> {
    const members = await this.#cluster.sendCommand<string[] | Set<string>>(set, false, ["SMEMBERS", set]);
    return [...members];
  }

  async unlink(keys: readonly string[]): Promise<void> {
    await Promise.all(keys.map((key) => this.#cluster.unlink(key)));
    await this.#followed();
  }

  async *scan(pattern: string): AsyncIterable<string[]> {
    for (const master of this.#cluster.masters) {
      const client = await this.#cluster.nodeClient(master);
      yield* client.scanIterator({ MATCH: pattern, COUNT: scannedAtOnce });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    await this.#connecting;
    if (this.#cluster.isOpen) this.#cluster.destroy();
  }

  /** Until every replica has what this client has written. */
  async #followed(): Promise<void> {
    const replicas = new Map<Node, number>();
    for (const { master, replicas: own } of this.#cluster.slots) replicas.set(master, own?.length ?? 0);
    await Promise.all(
      [...replicas].map(async ([master, count]) => {
        if (count > 0) await (await this.#cluster.nodeClient(master)).wait(count, followWithinMs);
      }),
    );
  }

  /** A cluster that cannot be reached at first is tried again, as one server is. */
  async #connect(clock: Clock, trouble: (error: Error) => void): Promise<void> {
    for (let retries = 0; !this.#closed.signal.aborted; retries++) {
      try {
        await this.#cluster.connect();
        return;
      } catch (error) {
        trouble(error as Error);
        await clock.sleep(ms(reconnectAfter(retries)), this.#closed.signal).catch(() => undefined); // closed
      }
    }
  }
}
