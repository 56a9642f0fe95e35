import type { Clock } from "@mettle/core";
import type { Queries } from "../../storage/database.ts";
import type { Ranking } from "./fusion.ts";
import { chooseLexemes, type LexemeStatistics, tsqueryOf } from "./lexemes.ts";

const statisticsLifetimeMs = 60_000;
/** Matches that are ranked, at most. */
const rankedAtMost = 1000;
/** Of a question's words, to tell how many a chunk has. */
const comparedAtMost = 32;

/** PostgreSQL's full text search over a tenant's chunks. */
export class TextSearch {
  readonly #database: Queries;
  readonly #clock: Clock;
  #statistics: { readonly value: Promise<LexemeStatistics>; readonly until: number } | undefined;

  constructor(database: Queries, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /**
   * The chunks that have words of the question, those that have more of them, close together, first. One that has all of
   * them counts fully, others by the square of their share: a single common word is a coincidence.
   */
  async search(tenantId: string, question: string, count: number): Promise<Ranking> {
    const [row] = await this.#database.query<{ lexemes: readonly string[] }>(
      "SELECT tsvector_to_array(to_tsvector('english', $1)) AS lexemes",
      [question],
    );
    const lexemes = row?.lexemes ?? [];
    if (lexemes.length === 0) return [];
    const chosen = chooseLexemes(lexemes, await this.#statisticsNow());
    const each = lexemes.slice(0, comparedAtMost).map((lexeme) => tsqueryOf({ lexemes: [lexeme], join: "any" }));
    const rows = await this.#database.query<{ key: string; share: number }>(
      `SELECT key, share FROM (
         SELECT key, ts_rank_cd(words, to_tsquery('simple', $2), 2) AS rank,
           (SELECT count(*) FROM unnest($3::text[]) AS one WHERE words @@ one::tsquery) / $4::float8 AS share
         FROM knowledge_chunks WHERE words @@ to_tsquery('simple', $2) AND tenant_id = $1 LIMIT ${rankedAtMost}) AS found
       ORDER BY share DESC, rank DESC, key LIMIT $5`,
      [tenantId, tsqueryOf(chosen), each, each.length, count],
    );
    return rows.map(({ key, share }) => ({ key: Number(key), weight: share * share }));
  }

  #statisticsNow(): Promise<LexemeStatistics> {
    const now = this.#clock.now() / 1e6;
    if (this.#statistics && now < this.#statistics.until) return this.#statistics.value;
    const value = this.#readStatistics();
    this.#statistics = { value, until: now + statisticsLifetimeMs };
    value.catch(() => {
      this.#statistics = undefined; // told to whoever asked; the next search asks again
    });
    return value;
  }

  /** What ANALYZE, which PostgreSQL runs by itself, has counted. */
  async #readStatistics(): Promise<LexemeStatistics> {
    const rows = await this.#database.query<{
      chunks: number;
      lexemes: readonly string[] | null;
      shares: readonly number[] | null;
    }>(
      `SELECT greatest(c.reltuples, 0)::float8 AS chunks, s.most_common_elems::text::text[] AS lexemes,
         s.most_common_elem_freqs AS shares
       FROM pg_class c LEFT JOIN pg_stats s ON s.tablename = c.relname AND s.attname = 'words'
         AND s.schemaname = current_schema()
       WHERE c.oid = 'knowledge_chunks'::regclass`,
    );
    const [{ chunks, lexemes, shares } = { chunks: 0, lexemes: null, shares: null }] = rows;
    return { chunks, shares: new Map((lexemes ?? []).map((lexeme, i) => [lexeme, shares?.[i] ?? 0])) };
  }
}
