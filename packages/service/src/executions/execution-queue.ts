import { type Clock, type Milliseconds, timeOrderedId } from "@mettle/core";
import type { Database, Prepared } from "../storage/database.ts";
import { storableJson } from "../storage/storable.ts";
import { Timings } from "../telemetry/timings.ts";
import type {
  Ending,
  EventPlace,
  Execution,
  ExecutionError,
  ExecutionEvent,
  ExecutionState,
  Leased,
  Standing,
  Task,
  ToldEvent,
  UnwrittenEvents,
} from "./execution.ts";

export interface NewExecution {
  readonly tenantId: string;
  readonly userId: string;
  readonly agentType: string;
  readonly task: Task;
  readonly idempotencyKey?: string;
  readonly requestDigest: string;
  readonly deadlineAt: Date;
}

/** What became of a new execution. */
export interface Added {
  readonly execution: Execution;
  /** False where its key had made one before. */
  readonly added: boolean;
  readonly digest: string;
  /** Where its holder took it at once. */
  readonly lease?: Leased;
}

export interface QueueOptions {
  /** A holder that does not renew within this is taken for dead. */
  readonly lease: Milliseconds;
  /** An execution whose holders died so often is given up. */
  readonly attemptsAllowed: number;
  readonly timings?: Timings;
}

export interface HistoryPage {
  readonly executions: readonly Execution[];
  /** Where the next page begins; absent at the end. */
  readonly next?: string;
}

interface ExecutionRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly user_id: string;
  readonly agent_type: string;
  readonly task: Task;
  readonly request_digest: string;
  readonly state: ExecutionState;
  readonly attempts: number;
  readonly fence: string;
  readonly deadline_at: Date;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly ended_at: Date | null;
  readonly result: unknown;
  readonly error: ExecutionError | null;
  readonly checkpoint: unknown;
  readonly cancel_requested: boolean;
}

const columns = `id, tenant_id, user_id, agent_type, task, request_digest, state, attempts, fence, deadline_at, created_at,
  started_at, ended_at, result, error, checkpoint, cancel_requested`;
const columnsOf = (table: string): string => columns.replaceAll(/\w+/g, (column) => `${table}.${column}`);

/** What every execution asks. */
const statements = {
  add: {
    name: "executions.add",
    text: `INSERT INTO executions
       (id, tenant_id, user_id, agent_type, task, idempotency_key, request_digest, deadline_at, created_at,
        state, attempts, fence, lease_owner, lease_until, started_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::integer, $11::integer, $12, $13, $14)
     ON CONFLICT (tenant_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING RETURNING ${columns}`,
  },
  claim: {
    name: "executions.claim",
    text: `WITH waiting AS (
       SELECT id, tenant_id, created_at, rank FROM (SELECT DISTINCT tenant_id FROM executions WHERE state = 'queued') t
       CROSS JOIN LATERAL (
         SELECT id, created_at, row_number() OVER (ORDER BY created_at, id) AS rank FROM executions e
         WHERE e.tenant_id = t.tenant_id AND state = 'queued' ORDER BY created_at, id LIMIT $2::bigint * 2) e
     ), running AS (
       SELECT tenant_id, count(*) AS number FROM executions WHERE state = 'running' GROUP BY tenant_id
     ), chosen AS (
       SELECT e.id FROM executions e JOIN waiting w ON w.id = e.id LEFT JOIN running r ON r.tenant_id = w.tenant_id
       WHERE e.state = 'queued' ORDER BY coalesce(r.number, 0) + w.rank, w.created_at, w.id
       LIMIT $2::bigint FOR UPDATE OF e SKIP LOCKED
     )
     UPDATE executions e SET state = 'running', attempts = attempts + 1, fence = fence + 1, lease_owner = $1,
       lease_until = $3, started_at = coalesce(started_at, $4)
     FROM chosen WHERE e.id = chosen.id RETURNING ${columnsOf("e")}`,
  },
  end: {
    name: "executions.end",
    text: `WITH ended AS (
       UPDATE executions SET state = $3, result = $4, error = $5, ended_at = $6, lease_owner = NULL, lease_until = NULL,
         checkpoint = NULL
       WHERE id = $1 AND fence = $2 AND state = 'running' RETURNING ${columns}
     ), told AS (
       INSERT INTO execution_events (execution_id, fence, number, event)
       SELECT ended.id, ended.fence, $7 + ordinality - 1, event
       FROM ended CROSS JOIN jsonb_array_elements($8::jsonb) WITH ORDINALITY AS e (event) ON CONFLICT DO NOTHING
     )
     SELECT ${columns} FROM ended`,
  },
  save: {
    name: "executions.save",
    text: "UPDATE executions SET checkpoint = $3 WHERE id = $1 AND fence = $2 AND state = 'running'",
  },
  find: { name: "executions.find", text: `SELECT ${columns} FROM executions WHERE tenant_id = $1 AND id = $2` },
  // Each from an index of its own, which holds no other states: what has ended costs nothing here.
  counts: {
    name: "executions.counts",
    text: `SELECT (SELECT count(*) FROM executions WHERE state = 'queued') AS queued,
       (SELECT count(*) FROM executions WHERE state = 'running') AS running`,
  },
  tell: {
    name: "executions.tell",
    text: `INSERT INTO execution_events (execution_id, fence, number, event)
     SELECT $1, $2, $3 + ordinality - 1, event FROM jsonb_array_elements($4::jsonb) WITH ORDINALITY AS e (event)
     ON CONFLICT DO NOTHING`,
  },
} as const satisfies Readonly<Record<string, Prepared>>;

/**
 * Executions in the database. Each is run at least once, and its ending is written once: by the holder of the newest
 * lease, in one statement with the check that it is the newest.
 */
export class ExecutionQueue {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #options: QueueOptions;
  readonly #timings: Timings;

  constructor(database: Database, clock: Clock, options: QueueOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#options = options;
    this.#timings = options.timings ?? new Timings(clock);
  }

  get #now(): Date {
    return new Date(this.#clock.wallTime());
  }

  /**
   * @param holder - takes it at once, past the queue
   * @returns the execution that this key made before, where there is one; `digest` tells whether it was the same request
   */
  async add(entry: NewExecution, holder?: string): Promise<Added> {
    const now = this.#now;
    const values = [
      timeOrderedId(this.#clock),
      entry.tenantId,
      entry.userId,
      entry.agentType,
      JSON.stringify(entry.task),
      entry.idempotencyKey ?? null,
      entry.requestDigest,
      entry.deadlineAt,
      now,
      ...(holder === undefined ? ["queued", 0, null, null, null] : ["running", 1, holder, this.#leaseEnd(), now]),
    ];
    const [row] = await this.#timings.of("persisting", () =>
      this.#database.query<ExecutionRow>(statements.add, values),
    );
    if (row) {
      const lease = holder === undefined ? {} : { lease: leasedOf(row) };
      return { execution: executionOf(row), added: true, digest: row.request_digest, ...lease };
    }
    const [before] = await this.#database.query<ExecutionRow>(
      "SELECT * FROM executions WHERE tenant_id = $1 AND idempotency_key = $2",
      [entry.tenantId, entry.idempotencyKey],
    );
    if (!before) return this.add(entry, holder); // deleted in between
    return { execution: executionOf(before), added: false, digest: before.request_digest };
  }

  /**
   * Takes up to `most` executions: first of the tenants that have the fewest running, then the oldest. Two instances never
   * take the same.
   */
  async claim(owner: string, most: number): Promise<readonly Leased[]> {
    if (most <= 0) return [];
    const rows = await this.#database.query<ExecutionRow>(statements.claim, [owner, most, this.#leaseEnd(), this.#now]);
    return rows.map((row) => leasedOf(row));
  }

  #leaseEnd(): Date {
    return new Date(this.#clock.wallTime() + this.#options.lease);
  }

  /** Keeps leases. @returns those that are still held, and those of them that are to be cancelled */
  async renew(held: readonly Leased[]): Promise<ReadonlyMap<string, { readonly cancel: boolean }>> {
    if (held.length === 0) return new Map();
    const rows = await this.#database.query<{ id: string; cancel_requested: boolean }>(
      `UPDATE executions e SET lease_until = $3 FROM unnest($1::uuid[], $2::bigint[]) AS held (id, fence)
       WHERE e.id = held.id AND e.fence = held.fence AND e.state = 'running' RETURNING e.id, e.cancel_requested`,
      [held.map(({ id }) => id), held.map(({ fence }) => fence), this.#leaseEnd()],
    );
    return new Map(rows.map(({ id, cancel_requested: cancel }) => [id, { cancel }]));
  }

  /**
   * @param rest - what the execution told last
   * @returns the execution as it has ended; undefined when the lease is no longer held: somebody else has it, and this ending
   *   is not one
   */
  async end(lease: Leased, ending: Ending, rest: UnwrittenEvents): Promise<Execution | undefined> {
    const result = ending.state === "succeeded" ? storableJson(ending.result) : null;
    const error = ending.state === "succeeded" ? null : storableJson(ending.error);
    const values = [
      lease.id,
      lease.fence,
      ending.state,
      result,
      error,
      this.#now,
      rest.first,
      storableJson(rest.events),
    ];
    const [row] = await this.#timings.of("persisting", () =>
      this.#database.query<ExecutionRow>(statements.end, values),
    );
    return row && executionOf(row);
  }

  /** Keeps a state for the next attempt. @returns false when the lease is no longer held */
  async save(lease: Leased, state: unknown): Promise<boolean> {
    const changed = await this.#timings.of("persisting", () =>
      this.#database.run(statements.save, [lease.id, lease.fence, storableJson(state)]),
    );
    return changed > 0;
  }

  /** Gives leases back, so that others take the executions at once: at the end of an instance. */
  async release(held: readonly Leased[]): Promise<void> {
    await this.#database.run(
      `UPDATE executions e SET state = 'queued', lease_owner = NULL, lease_until = NULL, attempts = attempts - 1
       FROM unnest($1::uuid[], $2::bigint[]) AS held (id, fence)
       WHERE e.id = held.id AND e.fence = held.fence AND e.state = 'running'`,
      [held.map(({ id }) => id), held.map(({ fence }) => fence)],
    );
  }

  /** Queues again what dead holders left, gives up what is past its deadline or killed its holders. @returns the given up */
  async recover(): Promise<{ readonly queued: number; readonly ended: readonly string[] }> {
    const { attemptsAllowed } = this.#options;
    const lost = JSON.stringify({ code: "EXECUTION_LOST", message: "Everybody who ran it was lost." });
    const late = JSON.stringify({ code: "EXECUTION_DEADLINE", message: "It was not finished in time." });
    return this.#database.transaction(async ({ query, run }) => {
      const ended = await query<{ id: string }>(
        `UPDATE executions SET state = 'failed', ended_at = $1, lease_owner = NULL, lease_until = NULL,
           error = CASE WHEN deadline_at <= $1 THEN $3::jsonb ELSE $4::jsonb END
         WHERE (state = 'running' AND lease_until < $1 AND (attempts >= $2 OR deadline_at <= $1))
            OR (state = 'queued' AND deadline_at <= $1) RETURNING id`,
        [this.#now, attemptsAllowed, late, lost],
      );
      const queued = await run(
        `UPDATE executions SET state = 'queued', lease_owner = NULL, lease_until = NULL
         WHERE state = 'running' AND lease_until < $1`,
        [this.#now],
      );
      return { queued, ended: ended.map(({ id }) => id) };
    });
  }

  /**
   * Ends a queued execution, and asks the holder of a running one to end it.
   *
   * @returns the execution as it then is; undefined when the tenant has none of this id
   */
  async cancel(tenantId: string, id: string): Promise<Execution | undefined> {
    const error = JSON.stringify({ code: "EXECUTION_CANCELLED", message: "It was cancelled." });
    const [row] = await this.#database.query<ExecutionRow>(
      `UPDATE executions SET
         state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END,
         error = CASE state WHEN 'queued' THEN $3::jsonb ELSE error END,
         ended_at = CASE state WHEN 'queued' THEN $4 ELSE ended_at END,
         cancel_requested = state IN ('queued', 'running')
       WHERE tenant_id = $1 AND id = $2 RETURNING *`,
      [tenantId, id, error, this.#now],
    );
    return row && executionOf(row);
  }

  async find(tenantId: string, id: string): Promise<Execution | undefined> {
    const [row] = await this.#timings.of("retrieving", () =>
      this.#database.query<ExecutionRow>(statements.find, [tenantId, id]),
    );
    return row && executionOf(row);
  }

  async standing(tenantId: string, id: string): Promise<Standing | undefined> {
    const [row] = await this.#database.query<Standing>(
      "SELECT state, attempts FROM executions WHERE tenant_id = $1 AND id = $2",
      [tenantId, id],
    );
    return row;
  }

  /** The newest first. @param after - `next` of the page before */
  async history(tenantId: string, limit: number, after?: string): Promise<HistoryPage> {
    const rows = await this.#database.query<ExecutionRow>(
      `SELECT * FROM executions WHERE tenant_id = $1
         AND ($2::uuid IS NULL OR (created_at, id) < (SELECT created_at, id FROM executions WHERE tenant_id = $1 AND id = $2))
       ORDER BY created_at DESC, id DESC LIMIT $3`,
      [tenantId, after ?? null, limit + 1],
    );
    const page = rows.slice(0, limit).map((row) => executionOf(row));
    const last = page.at(-1);
    return { executions: page, ...(rows.length > limit && last && { next: last.id }) };
  }

  async counts(): Promise<{ readonly queued: number; readonly running: number }> {
    const [row] = await this.#database.query<Readonly<Record<"queued" | "running", string>>>(statements.counts);
    return { queued: Number(row?.queued), running: Number(row?.running) };
  }

  /** Keeps what a lease's holder tells, for those who look in late. */
  async addEvents(lease: Leased, first: number, events: readonly ExecutionEvent[]): Promise<void> {
    await this.#database.run(statements.tell, [lease.id, lease.fence, first, storableJson(events)]);
  }

  /** What was told after a place, in order. A new attempt tells everything again, under a higher fence. */
  async eventsAfter(id: string, after: EventPlace, most = 1000): Promise<readonly ToldEvent[]> {
    return this.#database.query(
      `SELECT fence, number, event FROM execution_events WHERE execution_id = $1 AND (fence, number) > ($2, $3)
       ORDER BY fence, number LIMIT $4`,
      [id, after.fence, after.number, most],
    );
  }
}

const executionOf = (row: ExecutionRow): Execution => ({
  id: row.id,
  agentType: row.agent_type,
  task: row.task,
  state: row.state,
  attempts: row.attempts,
  createdAt: row.created_at,
  startedAt: row.started_at,
  endedAt: row.ended_at,
  deadlineAt: row.deadline_at,
  result: row.result,
  error: row.error,
});

const leasedOf = (row: ExecutionRow): Leased => ({
  id: row.id,
  tenantId: row.tenant_id,
  userId: row.user_id,
  agentType: row.agent_type,
  task: row.task,
  attempts: row.attempts,
  fence: row.fence,
  createdAt: row.created_at,
  deadlineAt: row.deadline_at,
  checkpoint: row.checkpoint ?? undefined,
  cancelRequested: row.cancel_requested,
});
