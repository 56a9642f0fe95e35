import type { FoundChunk } from "../knowledge-store.ts";

/** What a search found. */
export interface SearchHit extends FoundChunk {
  /** How well it fits among what was found, 0…1: by rank in both ways of searching. */
  readonly score: number;
  /** How alike question and passage are in meaning, −1…1; undefined when only its words were found. */
  readonly similarity: number | undefined;
}
