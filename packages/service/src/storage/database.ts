import { type Clock, messageOf, type Milliseconds, ms, ns } from "@mettle/core";
import pg from "pg";
import { serviceErrors } from "../errors.ts";
import { DurationHistogram } from "../telemetry/duration-histogram.ts";
import { databaseError } from "./database-errors.ts";

export interface PoolOptions {
  /** Connections kept open. */
  readonly min: number;
  readonly max: number;
  /** Longest wait for a free connection. */
  readonly acquireTimeout: Milliseconds;
  /** How long a connection beyond `min` stays open unused. */
  readonly idleTimeout: Milliseconds;
  /** The server ends a statement that takes longer. */
  readonly statementTimeout: Milliseconds;
}

/** S4-131 … S4-133. */
export const poolDefaults: PoolOptions = {
  min: 5,
  max: 20,
  acquireTimeout: ms(10_000),
  idleTimeout: ms(30_000),
  statementTimeout: ms(30_000),
};

/** The pool at a moment, and what it did since its start. */
export interface PoolGauges {
  readonly open: number;
  readonly idle: number;
  readonly inUse: number;
  readonly waiting: number;
  readonly max: number;
  /** In use as a share of `max`, 0…1. */
  readonly utilization: number;
  readonly acquired: number;
  readonly acquireTimeouts: number;
  /** Sum of all waits for a connection. */
  readonly acquireMs: number;
  readonly queries: number;
  readonly queryErrors: number;
}

export type Row = Readonly<Record<string, unknown>>;

/**
 * A statement that the server reads and plans once for a connection and then knows by its name: for those that are asked
 * hundreds of times a second. It names its columns, as what it returns must never change while older instances run.
 */
export interface Prepared {
  /** One name, one text. */
  readonly name: string;
  readonly text: string;
}

/** What runs statements: the pool, or one transaction. Values never become part of a statement's text. */
export interface Queries {
  /**
   * @throws MettleError `DATABASE_UNAVAILABLE`, `DATABASE_BUSY`, `DATABASE_TIMEOUT`; other errors of PostgreSQL as `pg`
   *   throws them, with their SQLSTATE as `code`
   */
  readonly query: <R extends object = Row>(
    text: string | Prepared,
    values?: readonly unknown[],
  ) => Promise<readonly R[]>;
  /** Rows that a statement without result changed. */
  readonly run: (text: string | Prepared, values?: readonly unknown[]) => Promise<number>;
}

export type Connection = pg.PoolClient;

/** Where the times of a pool's work are recorded (S4-133). */
export interface DatabaseTimings {
  readonly acquiring: DurationHistogram;
  readonly querying: DurationHistogram;
}

/** PostgreSQL behind a pool of connections. */
export class Database implements Queries, AsyncDisposable {
  readonly #pool: pg.Pool;
  readonly #options: PoolOptions;
  readonly #clock: Clock;
  #acquired = 0;
  #acquireTimeouts = 0;
  #acquireMs = 0;
  #queries = 0;
  #queryErrors = 0;
  readonly #timings: DatabaseTimings;

  /** Opens nothing yet. @param connection - a URL, or where a server listens */
  constructor(
    connection: string | pg.PoolConfig,
    options: PoolOptions,
    clock: Clock,
    timings: DatabaseTimings = { acquiring: new DurationHistogram(), querying: new DurationHistogram() },
  ) {
    this.#timings = timings;
    this.#options = options;
    this.#clock = clock;
    this.#pool = new pg.Pool({
      ...(typeof connection === "string" ? { connectionString: connection } : connection),
      min: options.min,
      max: options.max,
      connectionTimeoutMillis: options.acquireTimeout,
      idleTimeoutMillis: options.idleTimeout,
      statement_timeout: options.statementTimeout,
      // Where the network swallows the answer the server's own limit is of no use.
      query_timeout: options.statementTimeout + 5000,
      application_name: "mettle",
      keepAlive: true,
    });
    // A connection that breaks while unused: the pool has dropped it already, and the next statement opens another.
    this.#pool.on("error", () => undefined);
    // One that breaks while it changes hands, when nobody listens, would end the process: its next statement tells of it.
    this.#pool.on("connect", (connection) => connection.on("error", () => undefined));
  }

  get gauges(): PoolGauges {
    const { totalCount: open, idleCount: idle, waitingCount: waiting } = this.#pool;
    const { max } = this.#options;
    return {
      open,
      idle,
      inUse: open - idle,
      waiting,
      max,
      utilization: (open - idle) / max,
      acquired: this.#acquired,
      acquireTimeouts: this.#acquireTimeouts,
      acquireMs: this.#acquireMs,
      queries: this.#queries,
      queryErrors: this.#queryErrors,
    };
  }

  /** Opens the connections that are kept, so that the first callers need not wait. */
  async warm(): Promise<void> {
    const connections = await Promise.all(Array.from({ length: this.#options.min }, () => this.#acquire()));
    for (const connection of connections) connection.release();
  }

  async query<R extends object = Row>(text: string | Prepared, values?: readonly unknown[]): Promise<readonly R[]> {
    return this.withConnection(async (connection) => this.#queriesOf(connection).query<R>(text, values));
  }

  async run(text: string | Prepared, values?: readonly unknown[]): Promise<number> {
    return this.withConnection(async (connection) => this.#queriesOf(connection).run(text, values));
  }

  #queriesOf(connection: Connection): Queries {
    const { query, run } = queriesOf(connection);
    return {
      query: <R extends object>(text: string | Prepared, values?: readonly unknown[]) =>
        this.#counted(() => query<R>(text, values)),
      run: (text, values) => this.#counted(() => run(text, values)),
    };
  }

  /** Hot: once a statement. */
  async #counted<T>(statement: () => Promise<T>): Promise<T> {
    this.#queries += 1;
    const from = this.#clock.now();
    try {
      return await statement();
    } catch (error) {
      this.#queryErrors += 1;
      throw error;
    } finally {
      this.#timings.querying.record(ns(this.#clock.now() - from));
    }
  }

  /** Runs `work` in one transaction: committed when it returns, rolled back when it throws. */
  async transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    return this.withConnection(async (connection) => {
      await connection.query("BEGIN");
      try {
        const result = await work(this.#queriesOf(connection));
        await connection.query("COMMIT");
        return result;
      } catch (error) {
        await connection.query("ROLLBACK").catch((broken: unknown) => {
          // The end of the connection rolls back.
          throw serviceErrors.create("DATABASE_UNAVAILABLE", `A transaction was cut off: ${messageOf(error)}.`, {
            cause: broken,
          });
        });
        throw error;
      }
    });
  }

  /** Holds one connection while `work` runs: for LISTEN, COPY and session locks. */
  async withConnection<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await this.#acquire();
    let broken: Error | undefined;
    const onError = (error: Error): void => {
      broken = error;
    };
    connection.on("error", onError);
    try {
      return await work(connection);
    } catch (error) {
      const told = databaseError(error);
      const { code } = error as { readonly code?: unknown };
      // What the server has not answered it may be doing still: the next user's statements would wait behind it, or become
      // part of a transaction that was given up.
      const unanswered = told !== undefined && code === undefined;
      if (unanswered || [told?.code, code].includes("DATABASE_UNAVAILABLE")) broken ??= told ?? (error as Error);
      throw told ?? error;
    } finally {
      connection.off("error", onError);
      connection.release(broken);
    }
  }

  async #acquire(): Promise<Connection> {
    const from = this.#clock.now();
    try {
      const connection = await this.#pool.connect();
      this.#acquired += 1;
      return connection;
    } catch (error) {
      const told = databaseError(error);
      if (told?.code === "DATABASE_BUSY") this.#acquireTimeouts += 1;
      throw told ?? error;
    } finally {
      const waited = ns(this.#clock.now() - from);
      this.#acquireMs += waited / 1e6;
      this.#timings.acquiring.record(waited);
    }
  }

  async close(): Promise<void> {
    if (!this.#pool.ended) await this.#pool.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Statements on one connection. */
export function queriesOf(connection: Connection): Queries {
  return {
    query: async <R extends object>(text: string | Prepared, values?: readonly unknown[]) =>
      (await connection.query<R>(statement(text, values))).rows,
    run: async (text, values) => (await connection.query(statement(text, values))).rowCount ?? 0,
  };
}

const statement = (text: string | Prepared, values: readonly unknown[] = []): pg.QueryConfig => ({
  ...(typeof text === "string" ? { text } : text),
  values: values as unknown[],
});
