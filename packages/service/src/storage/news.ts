import type { Clock } from "@mettle/core";
import { ms } from "@mettle/core";
import type { Connection, Database } from "./database.ts";

type Listener = (payload: string) => void;

/** Where instances tell one another what others should look at. News may be lost. */
export interface Bulletin {
  /** @param listener - told an empty payload when news may have been lost: look for yourself. @returns the end of listening */
  listen(channel: string, listener: Listener): () => void;
  /** Tells all instances, this one too. What cannot be told is looked for sooner or later. */
  tell(channel: string, payload: string): Promise<void>;
}

const reconnectAfter = ms(500);
/** PostgreSQL's limit is 8000 bytes. */
const payloadAtMost = 7000;

/**
 * News between instances by PostgreSQL's NOTIFY, on a connection of its own. News may be lost while the connection is:
 * whoever listens also looks for itself from time to time, and is told when it is back.
 */
export class News implements Bulletin, AsyncDisposable {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;
  #connection: Connection | undefined;
  #losses = 0;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
    this.#running = this.#run();
  }

  /** How often the connection was lost. */
  get losses(): number {
    return this.#losses;
  }

  listen(channel: string, listener: Listener): () => void {
    const known = this.#listeners.get(channel);
    const listeners = known ?? new Set();
    this.#listeners.set(channel, listeners.add(listener));
    if (!known) void this.#connection?.query(`LISTEN ${channel}`).catch(() => undefined); // else at the next connection
    return () => {
      listeners.delete(listener);
    };
  }

  async tell(channel: string, payload: string): Promise<void> {
    await this.#database.run("SELECT pg_notify($1, $2)", [channel, payload.slice(0, payloadAtMost)]);
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        await this.#database.withConnection(async (connection) => this.#hear(connection));
      } catch {
        this.#losses += 1;
        await this.#clock.sleep(reconnectAfter, signal).catch(() => undefined);
      }
    }
  }

  async #hear(connection: Connection): Promise<void> {
    const { signal } = this.#ending;
    const lost = Promise.withResolvers<void>();
    const onLost = (error?: Error): void => lost.reject(error ?? new Error("the connection ended"));
    const onEnd = (): void => lost.resolve();
    const onNews = ({ channel, payload = "" }: { channel: string; payload?: string | undefined }): void => {
      for (const listener of this.#listeners.get(channel) ?? []) listener(payload);
    };
    connection.on("notification", onNews);
    connection.once("error", onLost);
    connection.once("end", onLost);
    signal.addEventListener("abort", onEnd, { once: true });
    try {
      for (const channel of this.#listeners.keys()) await connection.query(`LISTEN ${channel}`);
      this.#connection = connection;
      // What was told meanwhile is lost: an empty payload asks everybody to look.
      for (const listeners of this.#listeners.values()) for (const listener of listeners) listener("");
      if (!signal.aborted) await lost.promise;
      await connection.query("UNLISTEN *");
    } finally {
      this.#connection = undefined;
      signal.removeEventListener("abort", onEnd);
      connection.off("notification", onNews);
      connection.off("error", onLost);
      connection.off("end", onLost);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }
}
