import type { Milliseconds } from "@mettle/core";
import { createClient, type RedisClientType } from "@redis/client";

/** Longest pause before another attempt to connect. */
const reconnectAtMostMs = 5000;
/** Pause before attempt `retries` + 1. */
export const reconnectAfter = (retries: number): number => Math.min(reconnectAtMostMs, 50 * 2 ** retries);
/** Keys that a scan asks for at a time. */
export const scannedAtOnce = 500;

/** Who learns of what happens beside calls. */
export interface RedisTold {
  readonly onTrouble?: (error: unknown) => void;
  /** A node of a cluster, `host:port`, is reached, or is no longer. */
  readonly onNode?: (address: string, change: "added" | "removed") => void;
}

/** The sets that a key is entered in, so that it is found by them. */
export interface Membership {
  readonly sets: readonly string[];
  readonly member: string;
  /** Of the sets, counted from now. */
  readonly lifetime: Milliseconds;
}

/** What a cache needs of Redis, of one server or of a cluster. Calls reject while it is away. */
export interface RedisKeys extends AsyncDisposable {
  readonly ready: boolean;
  get(key: string): Promise<string | null>;
  set(key: string, text: string, lifetime: Milliseconds, within: Membership): Promise<void>;
  members(set: string): Promise<string[]>;
  /** When it resolves, no server gives any of them. */
  unlink(keys: readonly string[]): Promise<void>;
  scan(pattern: string): AsyncIterable<string[]>;
}

/** Told once while it stays the same: each attempt to connect fails alike. */
export function onceEach(tell: ((error: unknown) => void) | undefined): {
  readonly trouble: (error: Error) => void;
  readonly over: () => void;
} {
  let last = "";
  return {
    trouble: (error) => {
      if (error.message !== last) tell?.(error);
      last = error.message;
    },
    over: () => (last = ""),
  };
}

/** One server. */
export class SingleRedis implements RedisKeys {
  readonly #client: RedisClientType;
  readonly #connecting: Promise<unknown>;

  constructor(url: string, { onTrouble }: RedisTold) {
    this.#client = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy: reconnectAfter } });
    const { trouble, over } = onceEach(onTrouble);
    this.#client.on("error", trouble);
    this.#client.on("ready", over);
    this.#connecting = this.#client.connect().catch(() => undefined); // told by "error"
  }

  get ready(): boolean {
    return this.#client.isReady;
  }

  async get(key: string): Promise<string | null> {
    return this.#client.get(key);
  }

  async set(key: string, text: string, lifetime: Milliseconds, within: Membership): Promise<void> {
    const all = this.#client.multi().set(key, text, { expiration: { type: "PX", value: lifetime } });
    for (const set of within.sets) all.sAdd(set, within.member).pExpire(set, within.lifetime);
    await all.exec();
  }

  async members(set: string): Promise<string[]> {
    return this.#client.sMembers(set);
  }

  async unlink(keys: readonly string[]): Promise<void> {
    await this.#client.unlink([...keys]);
  }

  scan(pattern: string): AsyncIterable<string[]> {
    return this.#client.scanIterator({ MATCH: pattern, COUNT: scannedAtOnce });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.destroy();
    await this.#connecting;
  }
}
