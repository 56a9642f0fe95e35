import { type Sentence, sentencesOf, wordCount } from "./sentences.ts";
import { similarity, type Vector, type Vectors, vectorsOf } from "./vectors.ts";

export interface Summary {
  readonly summary: string;
  /** Sentences taken, by their places in the text. */
  readonly sentences: readonly number[];
  readonly words: number;
  readonly originalWords: number;
}

const damping = 0.85;
const rounds = 40;
const settled = 1e-6;
/** Beyond this many sentences only the most telling ones by their terms alone are compared with each other. */
const comparedAtMost = 1500;
/** Being central and saying something new weigh alike. */
const redundancy = 1;

/**
 * A summary of sentences of the text itself, in their order, of at most so many words: the most central ones by LexRank
 * (Erkan and Radev 2004, a random walk over sentences that are alike), each chosen for what it adds to those before it
 * (maximal marginal relevance, Carbonell and Goldstein 1998).
 *
 * @param breathe - called from time to time; may throw to end the work
 */
export async function summarize(text: string, maxWords: number, breathe: () => Promise<void>): Promise<Summary> {
  const all = sentencesOf(text);
  const vectors = vectorsOf(all);
  const candidates = preselect(all, vectors);
  const scores = await lexRank(candidates, vectors, breathe);
  const chosen = choose(candidates, scores, vectors, maxWords).toSorted((a, b) => a.index - b.index);
  const [lead] = all;
  // Where every sentence is too long, the beginning of the first is better than nothing.
  const summary =
    chosen.length > 0 || !lead ? chosen.map((one) => one.text).join(" ") : firstWords(lead.text, maxWords);
  return {
    summary,
    sentences: chosen.length > 0 ? chosen.map(({ index }) => index) : lead ? [0] : [],
    words: wordCount(summary),
    originalWords: wordCount(text),
  };
}

function preselect(all: readonly Sentence[], vectors: Vectors): readonly Sentence[] {
  if (all.length <= comparedAtMost) return all;
  const total = new Map<string, number>();
  for (const vector of vectors.values()) {
    for (const [term, value] of vector) total.set(term, (total.get(term) ?? 0) + value);
  }
  const scored = all.map((sentence) => ({ sentence, score: similarity(vectors.get(sentence) ?? new Map(), total) }));
  const best = scored.toSorted((a, b) => b.score - a.score).slice(0, comparedAtMost);
  return best.map(({ sentence }) => sentence);
}

/** The share of a random walk's time that it spends at each sentence. */
async function lexRank(
  sentences: readonly Sentence[],
  vectors: Vectors,
  breathe: () => Promise<void>,
): Promise<ReadonlyMap<Sentence, number>> {
  const size = sentences.length;
  const steps = await transitions(sentences, vectors, breathe);
  let ranks = new Float64Array(size).fill(1 / size);
  for (let round = 0; round < rounds; round++) {
    await breathe();
    const next = new Float64Array(size).fill((1 - damping) / size);
    for (let i = 0; i < size; i++) {
      const share = damping * (ranks[i] as number);
      for (let j = 0; j < size; j++) next[j] = (next[j] as number) + share * (steps[i * size + j] as number);
    }
    const change = next.reduce((sum, value, i) => sum + Math.abs(value - (ranks[i] as number)), 0);
    ranks = next;
    if (change < settled) break;
  }
  return new Map(sentences.map((sentence, i) => [sentence, ranks[i] as number]));
}

/** Row by row the chances to go from one sentence to each other: in proportion to how alike they are. */
async function transitions(
  sentences: readonly Sentence[],
  vectors: Vectors,
  breathe: () => Promise<void>,
): Promise<Float64Array> {
  const size = sentences.length;
  const own = sentences.map((sentence) => vectors.get(sentence) ?? new Map<string, number>());
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    if (i % 64 === 0) await breathe();
    for (let j = 0; j < i; j++) {
      const alike = similarity(own[i] as Vector, own[j] as Vector);
      matrix[i * size + j] = alike;
      matrix[j * size + i] = alike;
    }
  }
  for (let i = 0; i < size; i++) {
    const row = matrix.subarray(i * size, (i + 1) * size);
    const sum = row.reduce((total, value) => total + value, 0);
    for (let j = 0; j < size; j++) row[j] = sum === 0 ? 1 / size : (row[j] as number) / sum;
  }
  return matrix;
}

function choose(
  candidates: readonly Sentence[],
  scores: ReadonlyMap<Sentence, number>,
  vectors: Vectors,
  maxWords: number,
): Sentence[] {
  const most = Math.max(...scores.values(), Number.MIN_VALUE);
  const lengths = new Map(candidates.map((sentence) => [sentence, wordCount(sentence.text)]));
  const said = new Map<Sentence, number>();
  const left = new Set(candidates);
  const chosen: Sentence[] = [];
  let room = maxWords;
  for (;;) {
    let best: Sentence | undefined;
    let bestGain = 0;
    for (const sentence of left) {
      if ((lengths.get(sentence) ?? 0) > room) continue;
      const gain = (scores.get(sentence) ?? 0) / most - redundancy * (said.get(sentence) ?? 0);
      if (gain > bestGain) [best, bestGain] = [sentence, gain];
    }
    if (!best) return chosen;
    left.delete(best);
    chosen.push(best);
    room -= lengths.get(best) ?? 0;
    const vector = vectors.get(best) ?? new Map<string, number>();
    for (const sentence of left) {
      said.set(sentence, Math.max(said.get(sentence) ?? 0, similarity(vector, vectors.get(sentence) ?? new Map())));
    }
  }
}

function firstWords(text: string, most: number): string {
  let count = 0;
  for (const { segment, index, isWordLike } of new Intl.Segmenter("en", { granularity: "word" }).segment(text)) {
    if (isWordLike !== true) continue;
    count += 1;
    if (count === most) return `${text.slice(0, index + segment.length)}…`;
  }
  return text;
}
