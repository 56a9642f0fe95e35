import { wordsOf } from "../embedding/words.ts";
import type { SearchHit } from "./hit.ts";

/** Where a passage of a context is from. */
interface Citation {
  /** As it stands in the context: `[1]`. */
  readonly number: number;
  readonly documentId: string;
  readonly title: string;
  readonly heading: string | null;
  readonly page: number | null;
  /** Of the passage's first and last chunk in the document. */
  readonly chunks: readonly [number, number];
  readonly score: number;
}

export interface AssembledContext {
  /** Passages, each after its number in brackets. */
  readonly text: string;
  readonly citations: readonly Citation[];
  readonly tokens: number;
  /** Hits that were left out: the same again, or no room. */
  readonly leftOut: number;
}

/** Passages that share this much of their words are the same. */
const sameFrom = 0.8;

/**
 * Tokens of a text for a model whose tokenizer is not known: an upper estimate for prose in Latin letters (four characters or
 * three quarters of a word a token, whichever gives more); two characters of other scripts are a token each.
 */
export function estimatedTokens(text: string): number {
  let wide = 0;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x2_ff) wide += 1;
  return Math.ceil(Math.max((text.length - wide) / 4, wordCount(text) / 0.75) + wide);
}

function wordCount(text: string): number {
  let count = 0;
  let inside = false;
  for (let i = 0; i < text.length; i++) {
    const space = text.charCodeAt(i) <= 32;
    if (!space && !inside) count += 1;
    inside = !space;
  }
  return count;
}

interface Passage {
  readonly hit: SearchHit;
  first: number;
  last: number;
  text: string;
  words: ReadonlySet<string>;
}

/**
 * The best hits as one text within a budget of tokens: neighbours in a document are joined, repetitions left out, and what
 * does not fit makes room for smaller ones that do.
 *
 * @param hits - the best first
 */
export function assembleContext(hits: readonly SearchHit[], tokensAtMost: number): AssembledContext {
  const passages: Passage[] = [];
  let tokens = 0;
  let leftOut = 0;
  for (const hit of hits) {
    const cost = estimatedTokens(`[${passages.length + 1}] ${headOf(hit)}\n${hit.text}\n\n`);
    const words = new Set(wordsOf(hit.text));
    if (tokens + cost > tokensAtMost || passages.some((passage) => alike(passage.words, words))) {
      leftOut += 1;
      continue;
    }
    tokens += cost;
    if (!joined(passages, hit, words)) {
      passages.push({ hit, first: hit.number, last: hit.number, text: hit.text, words });
    }
  }
  const text = passages.map((passage, i) => `[${i + 1}] ${headOf(passage.hit)}\n${passage.text}`).join("\n\n");
  const citations = passages.map(({ hit, first, last }, i) => ({
    number: i + 1,
    documentId: hit.documentId,
    title: hit.title,
    heading: hit.heading,
    page: hit.page,
    chunks: [first, last] as const,
    score: hit.score,
  }));
  return { text, citations, tokens: estimatedTokens(text), leftOut };
}

const headOf = ({ title, heading, page }: SearchHit): string =>
  `${title}${heading === null ? "" : `, ${heading}`}${page === null ? "" : `, page ${page}`}`;

/** A chunk right before or after a passage of the same document becomes part of it. */
function joined(passages: readonly Passage[], hit: SearchHit, words: ReadonlySet<string>): boolean {
  for (const passage of passages) {
    const same =
      passage.hit.documentId === hit.documentId && passage.hit.heading === hit.heading && passage.hit.page === hit.page;
    if (!same || (hit.number !== passage.last + 1 && hit.number !== passage.first - 1)) continue;
    if (hit.number > passage.last) {
      passage.text = merged(passage.text, hit.text);
      passage.last = hit.number;
    } else {
      passage.text = merged(hit.text, passage.text);
      passage.first = hit.number;
    }
    passage.words = passage.words.union(words);
    return true;
  }
  return false;
}

/** Two texts of which the second may begin with the end of the first. */
function merged(first: string, second: string): string {
  for (let length = Math.min(first.length, second.length, 400); length > 10; length--) {
    if (first.endsWith(second.slice(0, length))) return first + second.slice(length);
  }
  return `${first}\n${second}`;
}

function alike(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  const common = a.intersection(b).size;
  return (
    common > 0 && common / Math.min(a.size, b.size) >= sameFrom && common / Math.max(a.size, b.size) >= sameFrom / 2
  );
}
