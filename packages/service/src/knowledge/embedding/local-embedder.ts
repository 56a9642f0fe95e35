import { type Embedder, normalize } from "./embedder.ts";
import { type WordVectors, wordVectors } from "./word-vectors.ts";
import { stemOf, wordsOf } from "./words.ts";

/** How many of the vector's direction is what the words mean; the rest is which words they are. Chosen on relevance-set.ts. */
const meaningShare = 0.6;
/** Weights of words by frequency: a / (a + p) of Arora, Liang & Ma, A simple but tough-to-beat baseline (2017). */
const rarity = 1e-3;
/** Of the parts of words that are not known, beside the words themselves. */
const partWeight = 0.35;
const partLength = 4;

/**
 * Embeds without a model server: frequency-weighted word vectors tell what a text means, hashed words and word parts tell
 * which words it has, so that names and numbers that no vocabulary knows are found as well.
 */
export class LocalEmbedder implements Embedder {
  readonly model: string;
  readonly dimensions: number;
  readonly #vectors: WordVectors;
  readonly #probabilityScale: number;

  private constructor(vectors: WordVectors, dimensions: number) {
    this.#vectors = vectors;
    this.dimensions = dimensions;
    this.model = `mettle-words-1/${dimensions}`;
    let harmonic = 0;
    for (let rank = 0; rank < vectors.size; rank++) harmonic += 1 / (rank + 2.7);
    this.#probabilityScale = 1 / harmonic;
  }

  /** @param dimensions - above the 100 of the word vectors */
  static async load(dimensions: number): Promise<LocalEmbedder> {
    return new LocalEmbedder(await wordVectors(), dimensions);
  }

  embed(texts: readonly string[]): Promise<readonly Float32Array[]> {
    return Promise.resolve(texts.map((text) => this.embedOne(text)));
  }

  /** Some tens of microseconds for a paragraph. */
  embedOne(text: string): Float32Array {
    const { dimensions: meaningSize } = this.#vectors;
    const meaning = new Float64Array(meaningSize);
    const form = new Float64Array(this.dimensions - meaningSize);
    for (const [word, count] of counted(wordsOf(text))) this.#addWord(meaning, form, word, 1 + Math.log(count));
    const vector = new Float32Array(this.dimensions);
    const toMeaning = Math.sqrt(meaningShare) / (lengthOf(meaning) || 1);
    const toForm = Math.sqrt(1 - meaningShare) / (lengthOf(form) || 1);
    for (let d = 0; d < meaningSize; d++) vector[d] = (meaning[d] as number) * toMeaning;
    for (let d = 0; d < form.length; d++) vector[meaningSize + d] = (form[d] as number) * toForm;
    return normalize(vector);
  }

  #addWord(meaning: Float64Array, form: Float64Array, word: string, times: number): void {
    const place = this.#vectors.placeOf(word);
    const weight = (times * rarity) / (rarity + (place === undefined ? 0 : this.#probabilityScale / (place + 2.7)));
    if (place !== undefined) this.#vectors.addTo(meaning, place, weight);
    addHashed(form, stemOf(word), weight);
    if (place !== undefined || word.length <= partLength) return;
    for (let from = 0; from + partLength <= word.length; from++) {
      addHashed(form, `#${word.slice(from, from + partLength)}`, weight * partWeight);
    }
  }
}

function counted(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** Two signed places for each text: two texts that share one place differ in the other. Hot: once a word. */
function addHashed(form: Float64Array, text: string, weight: number): void {
  let hash = 0x81_1c_9d_c5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01_00_01_93);
  for (let turn = 0; turn < 2; turn++) {
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c_1b_3c_6d);
    hash ^= hash >>> 13;
    const at = (hash >>> 1) % form.length;
    form[at] = (form[at] as number) + ((hash & 1) === 0 ? weight : -weight);
  }
}

function lengthOf(vector: Float64Array): number {
  let squares = 0;
  for (const value of vector) squares += value * value;
  return Math.sqrt(squares);
}
