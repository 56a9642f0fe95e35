import { messageOf } from "@mettle/core";
import { type TaskContext, TaskFailure } from "../agent-type.ts";
import type { KnowledgeSearch, Passage } from "../knowledge-search.ts";
import { termsOf } from "../text/sentences.ts";
import { type Depth, type Question, reachOf } from "./plan.ts";

export const sourceNames = ["reports", "databases", "web"] as const;
export type SourceName = (typeof sourceNames)[number];
/** Where is searched; a source that is not set up is absent. */
export type Sources = Partial<Readonly<Record<SourceName, KnowledgeSearch>>>;

/** A passage that bears on a question, and where it is from. */
export interface Evidence extends Passage {
  readonly source: SourceName;
}

export interface SourceState {
  readonly source: SourceName;
  readonly state: "searched" | "not configured" | "failed";
  /** Passages that bear on the topic. */
  readonly passages: number;
  readonly reason?: string;
}

/** A passage bears on a topic when it has so large a share of its words, */
const wordsShared = 1 / 3;
/** or when the search finds it so near in meaning. */
const nearInMeaning = 0.75;
const followUpTerms = 3;

/** Searches all sources for each question. Kept by question, the best first. */
export class Gathering {
  readonly #sources: Sources;
  readonly #asked: readonly SourceName[];
  readonly #context: TaskContext;
  readonly #topicTerms: ReadonlySet<string>;
  readonly #failures = new Map<SourceName, string>();
  readonly #found = new Map<SourceName, Set<string>>();

  constructor(sources: Sources, asked: readonly SourceName[], topic: string, context: TaskContext) {
    this.#sources = sources;
    this.#asked = asked;
    this.#context = context;
    this.#topicTerms = new Set(termsOf(topic));
  }

  async answer({ query }: Question, depth: Depth): Promise<readonly Evidence[]> {
    const { passages, followUp } = reachOf[depth];
    const first = await this.#search(query, passages);
    if (!followUp || first.length === 0) return first.slice(0, passages);
    const second = await this.#search(`${query} ${newTerms(first, query).join(" ")}`, passages);
    return merged([first, second]).slice(0, passages);
  }

  /** @throws TaskFailure `SOURCES_FAILED` when every source that is set up failed */
  states(): readonly SourceState[] {
    const states = this.#asked.map((source): SourceState => {
      const passages = this.#found.get(source)?.size ?? 0;
      if (!this.#sources[source]) return { source, state: "not configured", passages: 0 };
      const reason = this.#failures.get(source);
      return reason === undefined
        ? { source, state: "searched", passages }
        : { source, state: "failed", passages, reason };
    });
    const tried = states.filter(({ state }) => state !== "not configured");
    if (tried.length > 0 && tried.every(({ state }) => state === "failed")) {
      throw new TaskFailure("SOURCES_FAILED", `No source could be searched: ${tried[0]?.reason}.`, true);
    }
    return states;
  }

  async #search(text: string, limit: number): Promise<readonly Evidence[]> {
    const { tenantId, signal } = this.#context;
    const lists = await Promise.all(
      this.#asked.map(async (source): Promise<readonly Evidence[]> => {
        const search = this.#sources[source];
        if (!search) return [];
        try {
          const passages = await search.search({ tenantId, text, limit, signal });
          return passages.filter((passage) => this.#bears(passage)).map((passage) => ({ ...passage, source }));
        } catch (error) {
          signal.throwIfAborted();
          this.#failures.set(source, messageOf(error)); // told in the report; the others may still answer
          return [];
        }
      }),
    );
    for (const { source, documentId, passageId } of lists.flat()) {
      const known = this.#found.get(source) ?? new Set();
      this.#found.set(source, known.add(`${documentId} ${passageId}`));
    }
    return merged(lists);
  }

  #bears({ text, title, score }: Passage): boolean {
    if (score >= nearInMeaning) return true;
    const terms = new Set(termsOf(`${title} ${text}`));
    const shared = [...this.#topicTerms].filter((term) => terms.has(term)).length;
    return this.#topicTerms.size > 0 && shared / this.#topicTerms.size >= wordsShared;
  }
}

const rankOffset = 60;

/** Several lists as one, by reciprocal rank (Cormack, Clarke and Buettcher 2009): scores of different sources do not compare. */
function merged(lists: readonly (readonly Evidence[])[]): readonly Evidence[] {
  const ranked = new Map<string, { readonly evidence: Evidence; worth: number }>();
  for (const list of lists) {
    for (const [rank, evidence] of list.entries()) {
      const key = keyOf(evidence);
      const known = ranked.get(key) ?? { evidence, worth: 0 };
      known.worth += 1 / (rankOffset + rank + 1);
      ranked.set(key, known);
    }
  }
  return [...ranked.values()].toSorted((a, b) => b.worth - a.worth).map(({ evidence }) => evidence);
}

export const keyOf = ({ source, documentId, passageId }: Evidence): string => `${source} ${documentId} ${passageId}`;

/** The words that most of the first passages share and the query has not: what the sources themselves call it. */
function newTerms(evidence: readonly Evidence[], query: string): readonly string[] {
  const known = new Set(termsOf(query));
  const counts = new Map<string, number>();
  for (const { text } of evidence.slice(0, 5)) {
    for (const term of new Set(termsOf(text))) if (!known.has(term)) counts.set(term, (counts.get(term) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > 1)
    .toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, followUpTerms)
    .map(([term]) => term);
}
