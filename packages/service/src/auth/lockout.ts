import type { Clock, Milliseconds } from "@mettle/core";
import type { Database } from "../storage/database.ts";

export interface LockoutOptions {
  readonly failuresAllowed: number;
  /** Length of a pause, and of the time in which failures count. */
  readonly pause: Milliseconds;
}

/**
 * Pauses logins of a user or from an address after too many failures, for all instances. A pause ends by itself: nobody
 * can be locked out for good by others.
 */
export class Lockout {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #options: LockoutOptions;

  constructor(database: Database, clock: Clock, options: LockoutOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#options = options;
  }

  /** Ms until the last of the subjects may try again; 0 when all may now. */
  async remaining(subjects: readonly string[]): Promise<number> {
    const now = this.#clock.wallTime();
    const rows = await this.#database.query<{ locked_until: Date }>(
      "SELECT locked_until FROM login_failures WHERE subject = ANY($1) AND locked_until > $2",
      [subjects, new Date(now)],
    );
    return rows.reduce((most, row) => Math.max(most, row.locked_until.getTime() - now), 0);
  }

  async failed(subjects: readonly string[]): Promise<void> {
    const now = this.#clock.wallTime();
    const { failuresAllowed, pause } = this.#options;
    // In one order, so that two of these never wait for each other.
    for (const subject of subjects.toSorted()) {
      await this.#database.run(
        `INSERT INTO login_failures AS l (subject, failures, first_at, locked_until)
           VALUES ($1, 1, $2, CASE WHEN $4 <= 1 THEN $3::timestamptz END)
         ON CONFLICT (subject) DO UPDATE SET
           failures = CASE WHEN l.first_at < $5 THEN 1 ELSE l.failures + 1 END,
           first_at = CASE WHEN l.first_at < $5 THEN $2 ELSE l.first_at END,
           locked_until = CASE WHEN l.first_at >= $5 AND l.failures + 1 >= $4 THEN $3::timestamptz END`,
        [subject, new Date(now), new Date(now + pause), failuresAllowed, new Date(now - pause)],
      );
    }
  }

  /**
   * Forgets a user's failures, unless the user or one of the others was paused while the password was checked: of guesses that
   * are made at once no more may count than of those made one after the other.
   *
   * @returns ms until the last of the subjects may try again; 0 when all may now, and the success counts
   */
  async succeeded(user: string, others: readonly string[] = []): Promise<number> {
    const now = this.#clock.wallTime();
    const [row] = await this.#database.query<{ until: Date | null }>(
      `WITH paused AS (
         SELECT max(locked_until) AS until FROM login_failures WHERE subject = ANY($2) AND locked_until > $3
       ), forgotten AS (
         DELETE FROM login_failures WHERE subject = $1 AND (SELECT until FROM paused) IS NULL
       )
       SELECT until FROM paused`,
      [user, [user, ...others], new Date(now)],
    );
    return row?.until ? row.until.getTime() - now : 0;
  }
}
