import { createHash } from "node:crypto";
import { type Clock, ms } from "@mettle/core";
import { RequestFailure } from "../http/failure.ts";
import { IsolationFailure, type IsolatedWorkers } from "../isolation/isolated-workers.ts";
import type { TwoLevelCache } from "../storage/cache.ts";
import { Timings } from "../telemetry/timings.ts";
import type { DocumentFormat, PreparedDocument, PrepareInput } from "./documents/prepare.ts";
import { embeddable } from "./embedding/embeddable.ts";
import type { KnowledgeStore, StoredDocument } from "./knowledge-store.ts";
import type { Meaning, Way } from "./model-change/meaning.ts";
import { type Fused, fuseRankings } from "./search/fusion.ts";
import type { SearchHit } from "./search/hit.ts";
import type { TextSearch } from "./search/text-search.ts";

export interface KnowledgeBaseOptions {
  readonly store: KnowledgeStore;
  readonly meaning: Meaning;
  readonly onTrouble: (error: unknown) => void;
  readonly texts: TextSearch;
  readonly preparing: IsolatedWorkers<PrepareInput, PreparedDocument>;
  /** Answers by question; those of an older version of a tenant's knowledge are never asked for again. */
  readonly answers: TwoLevelCache<SearchAnswer>;
  readonly clock: Clock;
  readonly timings?: Timings;
  /** Tells other instances that a tenant's knowledge has changed. */
  readonly announce: (tenantId: string) => Promise<void>;
}

export interface Upload {
  readonly tenantId: string;
  readonly userId: string;
  readonly format: DocumentFormat;
  readonly data: Uint8Array;
  readonly title: string | undefined;
  readonly category: string | undefined;
}

export interface SearchQuestion {
  readonly tenantId: string;
  readonly text: string;
  /** 1…100. */
  readonly limit: number;
  readonly category?: string | undefined;
}

export interface SearchAnswer {
  readonly hits: readonly SearchHit[];
  /** `words` while the tenant's vectors are still being read. */
  readonly ways: "meaning and words" | "words";
}

const prepareDeadline = ms(30_000);
const chunksAtMost = 20_000;
/** Of each way, before they are put together. */
const candidates = 50;
/** With a filter most of what is found may be filtered out. */
const filteredCandidates = 400;
/** Chunks embedded before the event loop turns. */
const embeddedAtOnce = 64;
const untitled = "Untitled";

/** What tenants know: documents, and searches by meaning and by words together. */
export class KnowledgeBase {
  readonly #options: KnowledgeBaseOptions;
  readonly #timings: Timings;

  constructor(options: KnowledgeBaseOptions) {
    this.#options = options;
    this.#timings = options.timings ?? new Timings(options.clock);
  }

  /**
   * Stores a document, so that searches find it once this returns. The same content again is the document that is there.
   *
   * @throws RequestFailure `DOCUMENT_UNREADABLE`, `DOCUMENT_EMPTY`, `DOCUMENT_TOO_LARGE`, `EMBEDDING_FAILED`, `SERVICE_BUSY`
   */
  async add(upload: Upload): Promise<{ readonly document: StoredDocument; readonly added: boolean }> {
    const { store, meaning, clock } = this.#options;
    const { embedder } = meaning.current;
    const { tenantId, userId, format, category } = upload;
    const { title, characters, chunks } = await this.#prepare(upload);
    const texts = chunks.map(embeddable);
    const vectors: Float32Array[] = [];
    for (let from = 0; from < texts.length; from += embeddedAtOnce) {
      vectors.push(...(await embedder.embed(texts.slice(from, from + embeddedAtOnce))));
      await new Promise((turned) => setImmediate(turned));
    }
    const before = await meaning.embedAsBefore(tenantId, texts);
    const result = await store.add({
      tenantId,
      userId,
      title: (upload.title ?? title ?? untitled).slice(0, 300),
      category,
      format,
      digest: createHash("sha256").update(upload.data).digest(),
      characters,
      createdAt: new Date(clock.wallTime()),
      chunks,
      vectors,
      model: embedder.model,
      ...(before && { further: [before] }),
    });
    if (result.added) await this.#changed(tenantId);
    return result;
  }

  async #prepare({ format, data }: Upload): Promise<PreparedDocument> {
    let prepared: PreparedDocument;
    try {
      prepared = await this.#options.preparing.run({ format, data }, prepareDeadline);
    } catch (error) {
      throw unreadable(error);
    }
    if (prepared.chunks.length === 0) {
      throw new RequestFailure("unprocessable", "DOCUMENT_EMPTY", "No text was found in the document.");
    }
    if (prepared.chunks.length > chunksAtMost) {
      const message = `The document has ${prepared.chunks.length} passages; ${chunksAtMost} may be stored. Split it.`;
      throw new RequestFailure("too_large", "DOCUMENT_TOO_LARGE", message);
    }
    return prepared;
  }

  /** @returns false when the tenant has no such document */
  async remove(tenantId: string, id: string): Promise<boolean> {
    const removed = await this.#options.store.remove(tenantId, id);
    if (removed) await this.#changed(tenantId);
    return removed;
  }

  async #changed(tenantId: string): Promise<void> {
    await this.#options.meaning.changed(tenantId);
    await this.#options.announce(tenantId);
  }

  /** Passages that answer a question, the best first. @throws RequestFailure `EMBEDDING_FAILED` */
  async search(question: SearchQuestion, signal?: AbortSignal): Promise<SearchAnswer> {
    const { meaning, answers } = this.#options;
    const { tenantId, text, limit, category } = question;
    const standing = await meaning.standing(tenantId);
    if (!standing?.way) return this.#search(question, undefined, signal);
    const { version, way } = standing;
    const by = way === meaning.current ? "" : `:${way.embedder.model}`;
    const key = `knowledge:${tenantId}:${version}${by}:${JSON.stringify([text, limit, category])}`;
    // Without the signal: others may wait for the same answer, who have not gone.
    const answer = await answers.get(key, () => this.#search(question, way), [`tenant:${tenantId}`]);
    return answer as SearchAnswer;
  }

  async #search(
    { tenantId, text, limit, category }: SearchQuestion,
    way: Way | undefined,
    signal?: AbortSignal,
  ): Promise<SearchAnswer> {
    const { store, texts } = this.#options;
    const count = Math.max(category === undefined ? candidates : filteredCandidates, limit);
    const [near, worded] = await Promise.all([
      way && this.#near(way, tenantId, text, count, signal),
      texts.search(tenantId, text, count),
    ]);
    const meant = near?.keys.map((key) => ({ key, weight: 1 }));
    const fused = this.#timings.ofNow("scoring", () => fuseRankings(meant ? [meant, worded] : [worded]));
    const similarity = new Map(near?.keys.map((key, i) => [key, near.scores[i]]));
    const hits = await this.#fetch(fused, limit, category === undefined ? limit + 10 : count, (keys) =>
      store.chunks(tenantId, keys, category),
    );
    return {
      hits: hits.map((hit) => ({ ...hit, similarity: similarity.get(hit.key) })),
      ways: near ? "meaning and words" : "words",
    };
  }

  async #near(
    way: Way,
    tenantId: string,
    text: string,
    count: number,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly keys: readonly number[]; readonly scores: readonly number[] } | undefined> {
    const { embedder, index } = way;
    try {
      const [vector] = await this.#timings.of("embedding", () => embedder.embed([text], signal));
      return vector && (await this.#timings.of("similarity", () => index.search(tenantId, vector, count)));
    } catch (error) {
      if (way === this.#options.meaning.current) throw error;
      this.#options.onTrouble(error); // a model that is on its way out: words are left
      return undefined;
    }
  }

  /** The first `limit` of them that are there, asking for `page` at a time: some may be gone, or filtered out. */
  async #fetch(
    fused: readonly Fused[],
    limit: number,
    page: number,
    read: (keys: readonly number[]) => Promise<readonly Omit<SearchHit, "score" | "similarity">[]>,
  ): Promise<readonly Omit<SearchHit, "similarity">[]> {
    const hits: Omit<SearchHit, "similarity">[] = [];
    for (let from = 0; from < fused.length && hits.length < limit; from += page) {
      const some = fused.slice(from, from + page);
      const rows = new Map((await read(some.map(({ key }) => key))).map((row) => [row.key, row]));
      for (const { key, score } of some) {
        const row = rows.get(key);
        if (row && hits.length < limit) hits.push({ ...row, score });
      }
    }
    return hits;
  }
}

function unreadable(error: unknown): unknown {
  if (!(error instanceof IsolationFailure)) return error;
  const { reason, message } = error;
  if (reason === "busy" || reason === "cancelled") {
    return new RequestFailure("unavailable", "SERVICE_BUSY", "Too many documents are being read. Try again.", {
      retryAfter: 2,
      cause: error,
    });
  }
  const told =
    reason === "failed"
      ? `The document cannot be read: ${message}.`
      : "Reading the document takes too much time or memory.";
  return new RequestFailure("unprocessable", "DOCUMENT_UNREADABLE", told, { details: { reason }, cause: error });
}
