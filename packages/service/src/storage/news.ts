import type { Clock } from "@mettle/core";
import { ms, timeOrderedId } from "@mettle/core";
import type { Connection, Database, Prepared } from "./database.ts";

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
const notify: Prepared = {
  name: "news.notify",
  text: "SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) AS told (channel, payload)",
};

/** What is told together, in one statement. */
interface Batch {
  readonly channels: string[];
  readonly payloads: string[];
  readonly done: Promise<void>;
}

/**
 * News between instances by PostgreSQL's NOTIFY, on a connection of its own. News may be lost while the connection is:
 * whoever listens also looks for itself from time to time, and is told when it is back. This instance's own listeners are
 * told at once. What comes while a statement is under way goes with the next, all of it.
 */
export class News implements Bulletin, AsyncDisposable {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;
  /** Before each payload: one's own news has been heard already. */
  readonly #name: string;
  #connection: Connection | undefined;
  #losses = 0;
  #telling: Promise<unknown> = Promise.resolve();
  #next: Batch | undefined;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
    this.#name = `${timeOrderedId(clock)} `;
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
    const told = payload.slice(0, payloadAtMost);
    this.#deliver(channel, told);
    const batch = this.#next ?? this.#begin();
    batch.channels.push(channel);
    batch.payloads.push(this.#name + told);
    await batch.done;
  }

  #begin(): Batch {
    const [channels, payloads]: [string[], string[]] = [[], []];
    const done = this.#telling.then(async () => {
      this.#next = undefined;
      await this.#database.query(notify, [channels, payloads]);
    });
    this.#telling = done.catch(() => undefined); // told to those who wait for it
    this.#next = { channels, payloads, done };
    return this.#next;
  }

  #deliver(channel: string, payload: string): void {
    for (const listener of this.#listeners.get(channel) ?? []) listener(payload);
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
    lost.promise.catch(() => undefined); // where it breaks before it is waited for, the statement under way tells
    const onLost = (error?: Error): void => lost.reject(error ?? new Error("the connection ended"));
    const onEnd = (): void => lost.resolve();
    const onNews = ({ channel, payload = "" }: { channel: string; payload?: string | undefined }): void => {
      if (!payload.startsWith(this.#name)) this.#deliver(channel, payload.slice(this.#name.length));
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
