// The thread that holds the vectors. One module for all its work, so that it has one state.
import { createReadStream } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import { fromFloat16 } from "./float16.ts";
import { ExactVectorSet, GraphVectorSet, newGraph, type Neighbours, type VectorSet } from "./vector-set.ts";

/** What is stored of a tenant's vectors beside them. */
interface SavedIndex {
  readonly version: number;
  readonly model: string;
  readonly size: number;
  readonly checksum: number;
}

export type IndexRequest =
  | {
      readonly op: "open";
      readonly tenant: string;
      readonly dimensions: number;
      readonly file: string;
      readonly model: string;
    }
  | {
      readonly op: "add";
      readonly tenant: string;
      readonly keys: readonly number[];
      readonly vectors: readonly Uint8Array[];
    }
  | { readonly op: "close"; readonly tenant: string }
  | { readonly op: "remove"; readonly tenant: string; readonly keys: readonly number[] }
  | { readonly op: "search"; readonly tenant: string; readonly vector: Float32Array; readonly count: number }
  | {
      readonly op: "save";
      readonly tenant: string;
      readonly file: string;
      readonly model: string;
      readonly version: number;
    };

/** Of `open`: up to which version the saved index was; 0 when there is none of use. */
export type IndexReply = { readonly version: number; readonly size: number; readonly neighbours?: Neighbours };

/** Up to here every search compares with all vectors: exact, and under a millisecond. */
const exactAtMost = 2000;

interface Held {
  readonly dimensions: number;
  set: VectorSet;
}

const sets = new Map<string, Held>();
const usearch = await import("usearch").catch(() => undefined); // an optional dependency: not for every platform

/** Does one thing with a tenant's vectors. Requests are done in the order they came, but for files under way. */
export default function work(request: IndexRequest): IndexReply | Promise<IndexReply> {
  if (request.op === "open") return open(request);
  if (request.op === "close") {
    sets.delete(request.tenant);
    return { version: 0, size: 0 };
  }
  const held = sets.get(request.tenant);
  if (!held) throw new Error("the index is not open");
  if (request.op === "save") return save(held, request);
  if (request.op === "search") {
    const neighbours = held.set.search(request.vector, request.count);
    return { version: 0, size: held.set.size, neighbours };
  }
  if (request.op === "add") add(held, request.keys, request.vectors);
  else held.set.remove(request.keys);
  return { version: 0, size: held.set.size };
}

function add(held: Held, keys: readonly number[], stored: readonly Uint8Array[]): void {
  const vectors = new Float32Array(keys.length * held.dimensions);
  for (const [i, one] of stored.entries()) fromFloat16(one, vectors, i * held.dimensions);
  held.set.add(keys, vectors);
  if (!(held.set instanceof ExactVectorSet) || held.set.size <= exactAtMost || !usearch) return;
  const graph = new GraphVectorSet(newGraph(usearch, held.dimensions));
  const all = held.set.contents();
  graph.add(all.keys, all.vectors);
  held.set = graph;
}

async function open({ tenant, dimensions, file, model }: IndexRequest & { op: "open" }): Promise<IndexReply> {
  const saved = await usable(file, model);
  const held: Held = { dimensions, set: new ExactVectorSet(dimensions) };
  if (saved && usearch) {
    const graph = newGraph(usearch, dimensions);
    graph.load(file);
    held.set = new GraphVectorSet(graph);
  }
  sets.set(tenant, held);
  return { version: saved?.version ?? 0, size: held.set.size };
}

/** A damaged file would end the process: it is read only when it is what was written. */
async function usable(file: string, model: string): Promise<SavedIndex | undefined> {
  const text = await readFile(`${file}.json`, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const saved = parsed(text);
  const fits = saved?.model === model && (await checksumOf(file).catch(() => undefined)) === saved.checksum;
  return fits ? saved : undefined;
}

function parsed(text: string): SavedIndex | undefined {
  try {
    return JSON.parse(text) as SavedIndex;
  } catch {
    return undefined; // cut off while it was written: the index is made anew
  }
}

async function checksumOf(file: string): Promise<number> {
  let sum = 0;
  for await (const piece of createReadStream(file, { highWaterMark: 1 << 20 })) sum = crc32(piece as Buffer, sum);
  return sum;
}

async function save({ set }: Held, { file, model, version }: IndexRequest & { op: "save" }): Promise<IndexReply> {
  if (!(set instanceof GraphVectorSet)) return { version, size: set.size };
  const { size } = set;
  await mkdir(dirname(file), { recursive: true });
  set.save(`${file}.new`);
  const saved: SavedIndex = { version, model, size, checksum: await checksumOf(`${file}.new`) };
  // Without its description a file is not used: a crash between the steps costs the index, and never mixes two.
  await rm(`${file}.json`, { force: true });
  await rename(`${file}.new`, file);
  await writeFile(`${file}.json.new`, JSON.stringify(saved));
  await rename(`${file}.json.new`, `${file}.json`);
  return { version, size };
}
