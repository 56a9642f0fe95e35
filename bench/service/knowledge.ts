// Component figures of the knowledge base (S4-096, S4-098 … S4-102, S4-104): node -C mettle-source bench/service/knowledge.ts [passages] [queries]
import { Random, ms, systemClock } from "@mettle/core";
import { IsolatedWorkers } from "../../packages/service/src/isolation/isolated-workers.ts";
import type { PreparedDocument, PrepareInput } from "../../packages/service/src/knowledge/documents/prepare.ts";
import { LocalEmbedder } from "../../packages/service/src/knowledge/embedding/local-embedder.ts";
import { KnowledgeIndex } from "../../packages/service/src/knowledge/index/knowledge-index.ts";
import { ExactVectorSet } from "../../packages/service/src/knowledge/index/vector-set.ts";
import { KnowledgeBase, type SearchAnswer } from "../../packages/service/src/knowledge/knowledge-base.ts";
import { KnowledgeStore } from "../../packages/service/src/knowledge/knowledge-store.ts";
import { Meaning } from "../../packages/service/src/knowledge/model-change/meaning.ts";
import { assembleContext } from "../../packages/service/src/knowledge/search/context.ts";
import { fuseRankings } from "../../packages/service/src/knowledge/search/fusion.ts";
import { TextSearch } from "../../packages/service/src/knowledge/search/text-search.ts";
import { seedDocument } from "../../packages/service/src/seed/subjects.ts";
import { TwoLevelCache } from "../../packages/service/src/storage/cache.ts";
import { benchDatabase, print, shown, timesOf } from "./figures.ts";

const [, , passagesGiven = "20000", queriesGiven = "300"] = process.argv;
const passages = Number(passagesGiven);
const queries = Number(queriesGiven);
const batch = 500;
const tenantId = "01a1ff15-bbd5-77c8-93d1-45b14a5485f7";
const clock = systemClock;

await using bench = await benchDatabase();
const { database, folder } = bench;
await database.run("INSERT INTO tenants (id, name) VALUES ($1, 'bench')", [tenantId]);
const embedder = await LocalEmbedder.load(384);
const store = new KnowledgeStore(database);
const exact = new ExactVectorSet(384);
await load();
await database.run("ANALYZE");

const memoryBefore = process.memoryUsage().rss;
const index = new KnowledgeIndex({
  store,
  embedder,
  folder,
  clock,
  onTrouble: (error) => print("trouble", String(error)),
});
const buildFrom = performance.now();
while ((await index.standing(tenantId)) === undefined);
const buildSeconds = (performance.now() - buildFrom) / 1000;
print("index built", `${buildSeconds.toFixed(1)} s, ${Math.round(passages / buildSeconds)} passages/s`);
print("memory of the index", `${Math.round((process.memoryUsage().rss - memoryBefore) / 2 ** 20)} MB`);

// Questions are sentences of documents that are not there, and names of some that are.
const random = new Random(99);
const asked = Array.from({ length: queries }, (_, i) => {
  const { title, text } = seedDocument(random, i);
  return i % 4 === 0 ? title : (text.split(". ")[1 + (i % 4)] as string);
});
await embedding();
await vectors();
await whole();
await index.close();

async function load(): Promise<void> {
  const source = new Random(1);
  const from = performance.now();
  for (let at = 0; at < passages; at += batch) {
    const some = Array.from({ length: Math.min(batch, passages - at) }, (_, i) => seedDocument(source, at + i));
    const made = some.map(({ title, text }) => embedder.embedOne(`${title}\n${text}`));
    await store.addMany(
      some.map(({ title, category, text }, i) => ({
        tenantId,
        userId: tenantId,
        title,
        category,
        format: "text",
        digest: Buffer.from(`${at + i}`),
        characters: text.length,
        createdAt: new Date(0),
        chunks: [{ text, heading: title, page: undefined }],
        vectors: [made[i] as Float32Array],
        model: embedder.model,
      })),
    );
  }
  const seconds = (performance.now() - from) / 1000;
  print("passages embedded and stored", `${passages} in ${seconds.toFixed(1)} s, ${Math.round(passages / seconds)}/s`);
  const rows = await database.query<{ key: string; text: string; heading: string }>(
    "SELECT key, text, heading FROM knowledge_chunks",
  );
  for (const { key, text, heading } of rows) exact.add([Number(key)], embedder.embedOne(`${heading}\n${text}`));
}

/** S4-099, S4-100. */
async function embedding(): Promise<void> {
  print("text to vector (S4-099)", shown(await timesOf(queries, (i) => embedder.embedOne(asked[i] as string))));
  const texts = Array.from({ length: 2000 }, (_, i) => seedDocument(random, i).text);
  const from = performance.now();
  await embedder.embed(texts);
  print(
    "embedding in batches (S4-100)",
    `${Math.round(texts.length / ((performance.now() - from) / 1000))} documents/s`,
  );
}

/** S4-096, S4-098. */
async function vectors(): Promise<void> {
  const made = asked.map((question) => embedder.embedOne(question));
  print(
    "similarity search (S4-096)",
    shown(await timesOf(queries, (i) => index.search(tenantId, made[i] as Float32Array, 10))),
  );
  let common = 0;
  for (const vector of made) {
    const right = exact.search(vector, 10);
    const found = await index.search(tenantId, vector, 50);
    // Equal scores are equally right: generated texts repeat their sentences.
    const least = (right.scores.at(-1) ?? 1) - 0.002;
    common += found?.scores.slice(0, 10).filter((score) => score >= least).length ?? 0;
  }
  print("recall at 10 against exact (S4-098)", (common / (10 * queries)).toFixed(4));
}

/** S4-101 … S4-104: the way of a request, without HTTP. */
async function whole(): Promise<void> {
  const preparing = new IsolatedWorkers<PrepareInput, PreparedDocument>({
    module: new URL("../../packages/service/src/knowledge/documents/prepare.ts", import.meta.url),
    processes: 1,
    waiting: 1,
    heapMb: 256,
    clock,
  });
  const answers = new TwoLevelCache<SearchAnswer>({ max: 1000, lifetime: ms(60_000), absentLifetime: ms(0) });
  const texts = new TextSearch(database, clock);
  const announce = (): Promise<void> => Promise.resolve();
  const onTrouble = (error: unknown): void => print("trouble", String(error));
  const meaning = new Meaning({ current: { embedder, index }, open: async () => undefined, onTrouble });
  const base = new KnowledgeBase({ store, meaning, texts, preparing, answers, clock, announce, onTrouble });
  const ask = (i: number): Promise<SearchAnswer> => base.search({ tenantId, text: asked[i] as string, limit: 10 });
  print("words alone", shown(await timesOf(queries, (i) => texts.search(tenantId, asked[i] as string, 50))));
  print("search, not cached", shown(await timesOf(queries, ask)));
  print("search, cached (S4-104)", shown(await timesOf(queries, ask)));
  const found = await base.search({ tenantId, text: asked[1] as string, limit: 30 });
  print("context assembly (S4-101)", shown(await timesOf(500, () => assembleContext(found.hits, 2000))));
  const keys = found.hits.map(({ key }) => ({ key, weight: 1 }));
  print("relevance scores (S4-102)", shown(await timesOf(500, () => fuseRankings([keys, keys.toReversed()]))));
  await preparing.close();
}
