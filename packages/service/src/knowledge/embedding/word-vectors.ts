import { readFile } from "node:fs/promises";

/** Vectors of frequent English words; docs/service.md says where they are from. */
export interface WordVectors {
  readonly dimensions: number;
  readonly size: number;
  /** The place of a word, the most frequent first; undefined when it is not known. */
  placeOf(word: string): number | undefined;
  /** Adds the word's vector times `weight` to the first dimensions of `sum`. Hot: once a word. */
  addTo(sum: Float64Array, place: number, weight: number): void;
}

const file = new URL("../../../data/word-vectors.bin", import.meta.url);
let loaded: Promise<WordVectors> | undefined;

/** Reads them once in this thread. */
export const wordVectors = (): Promise<WordVectors> => (loaded ??= readFile(file).then(decoded));

/** Undoes `scripts/word-vectors.ts`. */
function decoded(data: Buffer): WordVectors {
  const headEnd = data.indexOf("\n");
  const [size = 0, dimensions = 0] = data.toString("latin1", 0, headEnd).split(" ").map(Number);
  const rowsFrom = data.length - size * dimensions;
  const scalesFrom = rowsFrom - 4 * size;
  const words = data.toString("latin1", headEnd + 1, scalesFrom).split("\n", size);
  const places = new Map(words.map((word, place) => [word, place]));
  const scales = Float32Array.from({ length: size }, (_, place) => data.readFloatLE(scalesFrom + 4 * place));
  const rows = new Int8Array(data.buffer, data.byteOffset + rowsFrom, size * dimensions);
  return {
    dimensions,
    size,
    placeOf: (word) => places.get(word),
    addTo: (sum, place, weight) => {
      const factor = weight * (scales[place] as number);
      const from = place * dimensions;
      for (let d = 0; d < dimensions; d++) sum[d] = (sum[d] as number) + factor * (rows[from + d] as number);
    },
  };
}
