import { type Clock, ms } from "@mettle/core";
import type { Msg, NatsConnection, NodeConnectionOptions } from "@nats-io/transport-node";
import type { Bulletin } from "./news.ts";

export interface NatsNewsOptions {
  /** May hold a user and a password. */
  readonly url: string;
  /** What instances of one database have in common, and nobody else: a word. */
  readonly scope: string;
  /** Told there while the server is away, and heard there always: other instances may have no connection. */
  readonly otherwise: Bulletin;
  readonly clock: Clock;
  /** Told once of each kind of trouble in a row. */
  readonly onTrouble: (error: unknown) => void;
}

type Listener = (payload: string) => void;

const reconnectAfter = ms(500);
/** A server that says nothing for twice as long is gone. */
const pingEveryMs = 3000;

/**
 * News between instances by a NATS server, for what is told often: each costs the database nothing. A server that is away is
 * no trouble to anybody: PostgreSQL's NOTIFY serves until it is back.
 */
export class NatsNews implements Bulletin, AsyncDisposable {
  readonly #options: NatsNewsOptions;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;
  #connection: NatsConnection | undefined;

  constructor(options: NatsNewsOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  get connected(): boolean {
    return this.#connection !== undefined;
  }

  listen(channel: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(listener));
    const stop = this.#options.otherwise.listen(channel, listener);
    return () => {
      listeners.delete(listener);
      stop();
    };
  }

  async tell(channel: string, payload: string): Promise<void> {
    const { scope, otherwise } = this.#options;
    // One that has just ended may not have been noticed yet.
    if (!this.#connection || this.#connection.isClosed()) return otherwise.tell(channel, payload);
    this.#connection.publish(`${subjectOf(scope)}.${channel}`, payload);
  }

  async #run(): Promise<void> {
    const { clock, onTrouble, scope } = this.#options;
    const { signal } = this.#ending;
    // Only where there is a server to speak to: it takes part of a start's time.
    const { connect } = await import("@nats-io/transport-node");
    let told = "";
    while (!signal.aborted) {
      try {
        const connection = await connect(connectionOptions(this.#options.url));
        const end = (): void => void connection.close();
        signal.addEventListener("abort", end, { once: true });
        connection.subscribe(`${subjectOf(scope)}.*`, {
          callback: (error, message) => (error ? undefined : this.#hear(message)),
        });
        if (signal.aborted) end();
        else await connection.flush();
        this.#connection = connection;
        told = "";
        // What was told meanwhile is lost: an empty payload asks everybody to look.
        for (const listeners of this.#listeners.values()) for (const listener of listeners) listener("");
        await connection.closed();
        signal.removeEventListener("abort", end);
      } catch (error) {
        if (String(error) !== told && !signal.aborted) onTrouble(error);
        told = String(error);
      }
      this.#connection = undefined;
      await clock.sleep(reconnectAfter, signal).catch(() => undefined);
    }
  }

  #hear(message: Msg): void {
    const channel = message.subject.slice(subjectOf(this.#options.scope).length + 1);
    for (const listener of this.#listeners.get(channel) ?? []) listener(message.string());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }
}

const subjectOf = (scope: string): string => `mettle.service.${scope}`;

/** The library's own reconnecting would hold back what is told meanwhile; here it goes another way at once. */
function connectionOptions(url: string): NodeConnectionOptions {
  const { protocol, host, username, password } = new URL(url);
  return {
    servers: `${protocol}//${host}`,
    name: "mettle-service",
    reconnect: false,
    pingInterval: pingEveryMs,
    maxPingOut: 2,
    ...(protocol === "tls:" && { tls: {} }),
    ...(username !== "" && { user: decodeURIComponent(username) }),
    ...(password !== "" && { pass: decodeURIComponent(password) }),
  };
}
