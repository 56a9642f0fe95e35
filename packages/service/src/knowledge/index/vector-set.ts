import type * as Usearch from "usearch";
import { cosine } from "../embedding/embedder.ts";

export interface Neighbours {
  /** The nearest first. */
  readonly keys: readonly number[];
  /** Cosines, −1…1. */
  readonly scores: readonly number[];
}

/** Vectors of length 1 by key, and a search for the nearest. */
export interface VectorSet {
  readonly size: number;
  /** Adds or replaces. @param vectors - one after the other, as many as keys */
  add(keys: readonly number[], vectors: Float32Array): void;
  remove(keys: readonly number[]): void;
  search(vector: Float32Array, count: number): Neighbours;
}

/** Compares with every vector: exact, and fast enough for a few thousand. */
export class ExactVectorSet implements VectorSet {
  readonly #dimensions: number;
  readonly #places = new Map<number, number>();
  #keys: number[] = [];
  #vectors: Float32Array;

  constructor(dimensions: number) {
    this.#dimensions = dimensions;
    this.#vectors = new Float32Array(64 * dimensions);
  }

  get size(): number {
    return this.#keys.length;
  }

  add(keys: readonly number[], vectors: Float32Array): void {
    for (const [i, key] of keys.entries()) {
      const place = this.#places.get(key) ?? this.#append(key);
      const from = i * this.#dimensions;
      this.#vectors.set(vectors.subarray(from, from + this.#dimensions), place * this.#dimensions);
    }
  }

  #append(key: number): number {
    const place = this.#keys.length;
    if ((place + 1) * this.#dimensions > this.#vectors.length) {
      const larger = new Float32Array(this.#vectors.length * 2);
      larger.set(this.#vectors);
      this.#vectors = larger;
    }
    this.#keys.push(key);
    this.#places.set(key, place);
    return place;
  }

  remove(keys: readonly number[]): void {
    for (const key of keys) {
      const place = this.#places.get(key);
      if (place === undefined) continue;
      const last = this.#keys.length - 1;
      const moved = this.#keys[last] as number;
      this.#vectors.copyWithin(place * this.#dimensions, last * this.#dimensions, (last + 1) * this.#dimensions);
      this.#keys[place] = moved;
      this.#places.set(moved, place);
      this.#places.delete(key);
      this.#keys.pop();
    }
  }

  search(vector: Float32Array, count: number): Neighbours {
    const found = this.#keys.map((key, place) => ({
      key,
      score: cosine(vector, this.#vectors.subarray(place * this.#dimensions, (place + 1) * this.#dimensions)),
    }));
    const nearest = found.toSorted((a, b) => b.score - a.score || a.key - b.key).slice(0, count);
    return { keys: nearest.map(({ key }) => key), scores: nearest.map(({ score }) => score) };
  }

  /** Everything in it, for a set of another kind. */
  contents(): { readonly keys: readonly number[]; readonly vectors: Float32Array } {
    return { keys: this.#keys, vectors: this.#vectors.subarray(0, this.#keys.length * this.#dimensions) };
  }
}

/** An empty graph of 16-bit vectors, compared by cosine. @param usearch - the module, which not every platform has */
export function newGraph({ Index, MetricKind, ScalarKind }: typeof Usearch, dimensions: number): Usearch.Index {
  return new Index({
    dimensions,
    metric: MetricKind.Cos,
    quantization: ScalarKind.F16,
    connectivity: 16,
    expansion_add: 96,
    expansion_search: 128,
    multi: false,
  });
}

/**
 * A graph of near neighbours (HNSW, by usearch), of 16-bit vectors: not exact, and nearly as fast for a million as for a
 * thousand.
 */
export class GraphVectorSet implements VectorSet {
  readonly #index: Usearch.Index;

  constructor(index: Usearch.Index) {
    this.#index = index;
  }

  get size(): number {
    return this.#index.size();
  }

  add(keys: readonly number[], vectors: Float32Array): void {
    const known = keys.map(BigInt).filter((key) => this.#index.contains(key) === true);
    if (known.length > 0) this.#index.remove(BigUint64Array.from(known));
    // One thread: the others belong to requests.
    this.#index.add(BigUint64Array.from(keys, BigInt), vectors, 1);
  }

  remove(keys: readonly number[]): void {
    const known = keys.map(BigInt).filter((key) => this.#index.contains(key) === true);
    if (known.length > 0) this.#index.remove(BigUint64Array.from(known));
  }

  search(vector: Float32Array, count: number): Neighbours {
    const most = Math.min(count, this.size);
    if (most === 0) return { keys: [], scores: [] };
    const { keys, distances } = this.#index.search(vector, most, 1);
    const found = [...keys].map((key, i) => ({ key: Number(key), score: 1 - (distances[i] as number) }));
    const valid = found.filter(({ key, score }) => Number.isSafeInteger(key) && Number.isFinite(score));
    return { keys: valid.map(({ key }) => key), scores: valid.map(({ score }) => score) };
  }

  save(file: string): void {
    this.#index.save(file);
  }
}
