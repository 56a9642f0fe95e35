import { join } from "node:path";
import type { Clock } from "@mettle/core";
import { ms } from "@mettle/core";
import type { KnowledgeSearch } from "../agents/knowledge-search.ts";
import type { ServiceConfig } from "../config/settings.ts";
import type { Gauge } from "../http/metrics.ts";
import { IsolatedWorkers } from "../isolation/isolated-workers.ts";
import { type SharedCache, TwoLevelCache } from "../storage/cache.ts";
import type { Database } from "../storage/database.ts";
import type { News } from "../storage/news.ts";
import type { Timings } from "../telemetry/timings.ts";
import type { PreparedDocument, PrepareInput } from "./documents/prepare.ts";
import type { Embedder } from "./embedding/embedder.ts";
import { LocalEmbedder } from "./embedding/local-embedder.ts";
import { RemoteEmbedder } from "./embedding/remote-embedder.ts";
import { KnowledgeIndex } from "./index/knowledge-index.ts";
import { KnowledgeBase, type SearchAnswer } from "./knowledge-base.ts";
import { KnowledgeStore } from "./knowledge-store.ts";
import { Meaning } from "./model-change/meaning.ts";
import { ModelChanger } from "./model-change/model-changer.ts";
import { ModelStore } from "./model-change/model-store.ts";
import { TextSearch } from "./search/text-search.ts";

export interface OpenKnowledge {
  readonly knowledge: KnowledgeBase;
  readonly store: KnowledgeStore;
  readonly models: ModelStore;
  readonly embedder: Embedder;
  readonly answers: TwoLevelCache<SearchAnswer>;
  /** As agents see it. */
  readonly search: KnowledgeSearch;
  readonly gauges: readonly Gauge[];
}

export interface KnowledgeSurroundings {
  readonly config: ServiceConfig;
  readonly database: Database;
  readonly news: News;
  readonly clock: Clock;
  /** Where answers are shared with other instances. */
  readonly shared: SharedCache | undefined;
  readonly timings: Timings;
  readonly onTrouble: (error: unknown) => void;
}

const channel = "knowledge";
const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
/** S4-129. */
const answerCache = { max: 1000, lifetime: ms(60_000), absentLifetime: ms(0) };
/** A document that makes its reader ask for more is refused. */
const readerHeapMb = 512;

/** The embedded embedding, or the configured model. */
async function openEmbedder(config: ServiceConfig): Promise<Embedder> {
  const {
    embeddingBaseUrl: baseUrl,
    embeddingName: name,
    embeddingApiKey: apiKey,
    embeddingDimensions: dimensions,
  } = config;
  if (baseUrl === undefined || name === undefined) return LocalEmbedder.load(dimensions);
  return new RemoteEmbedder({ baseUrl, name, apiKey, dimensions });
}

/** One that was in use before, by the name that is stored with its vectors. A key is only shown to the server it is for. */
async function openFormerEmbedder(
  model: string,
  baseUrl: string | undefined,
  { embeddingBaseUrl, embeddingApiKey }: ServiceConfig,
): Promise<Embedder | undefined> {
  const [, name = "", size = ""] = /^(.*)\/(\d+)$/.exec(model) ?? [];
  const dimensions = Number(size);
  const local = await LocalEmbedder.load(dimensions);
  if (local.model === model) return local;
  if (baseUrl === undefined || name === "") return undefined;
  const apiKey = baseUrl === embeddingBaseUrl ? embeddingApiKey : undefined;
  return new RemoteEmbedder({ baseUrl, name, apiKey, dimensions });
}

/** Searches by the model in use and, while that changes, by the one before. */
function openMeaning(
  stack: AsyncDisposableStack,
  embedder: Embedder,
  store: KnowledgeStore,
  models: ModelStore,
  { config, clock, onTrouble }: KnowledgeSurroundings,
): Meaning {
  const folder = join(config.dataFolder, "knowledge");
  const indexFor = (by: Embedder, saves: boolean): KnowledgeIndex =>
    stack.use(new KnowledgeIndex({ store, embedder: by, folder, saves, clock, onTrouble }));
  return new Meaning({
    current: { embedder, index: indexFor(embedder, true) },
    onTrouble,
    open: async (model) => {
      const former = await openFormerEmbedder(model, await models.baseUrlOf(model), config);
      return former && { embedder: former, index: indexFor(former, false) };
    },
  });
}

/** Puts the knowledge base together. What it opens is closed with `stack`. */
export async function openKnowledge(
  stack: AsyncDisposableStack,
  surroundings: KnowledgeSurroundings,
): Promise<OpenKnowledge> {
  const { config, database, news, clock, shared, timings, onTrouble } = surroundings;
  const embedder = await openEmbedder(config);
  const store = new KnowledgeStore(database);
  const models = new ModelStore(database);
  await models.use(embedder.model, config.embeddingBaseUrl);
  const open = stack.use(new AsyncDisposableStack());
  const meaning = openMeaning(open, embedder, store, models, surroundings);
  const preparing = stack.use(
    new IsolatedWorkers<PrepareInput, PreparedDocument>({
      module: new URL(`./documents/prepare${extension}`, import.meta.url),
      processes: 1,
      waiting: 50,
      heapMb: readerHeapMb,
      clock,
    }),
  );
  const lookups = { times: timings.parts.answerLookup, clock };
  const answers = stack.use(new TwoLevelCache<SearchAnswer>({ ...answerCache, lookups, ...(shared && { shared }) }));
  const stopListening = news.listen(channel, (tenantId) => {
    const looked = tenantId === "" ? meaning.allChanged() : meaning.changed(tenantId);
    looked.catch(onTrouble);
  });
  stack.defer(stopListening);
  const announce = (tenantId: string): Promise<void> => news.tell(channel, tenantId);
  const texts = new TextSearch(database, clock);
  const knowledge = new KnowledgeBase({
    store,
    meaning,
    texts,
    preparing,
    answers,
    clock,
    timings,
    announce,
    onTrouble,
  });
  const changed = async (tenantId: string): Promise<void> => {
    await meaning.changed(tenantId);
    await announce(tenantId);
  };
  const changer = stack.use(new ModelChanger({ models, embedder, clock, changed, onTrouble }));
  const search: KnowledgeSearch = {
    search: async ({ tenantId, text, limit, signal }) => {
      const { hits } = await knowledge.search({ tenantId, text, limit }, signal);
      return hits.map(({ documentId, key, title, text: passage, similarity = 0 }) => ({
        documentId,
        passageId: String(key),
        title,
        text: passage,
        score: Math.max(0, similarity),
      }));
    },
  };
  const gauges = [...knowledgeGauges(meaning.current.index, preparing), embeddedAnew(changer)];
  return { knowledge, store, models, embedder, answers, search, gauges };
}

const embeddedAnew = (changer: ModelChanger): Gauge => ({
  name: "knowledge_embedded_anew",
  help: "Passages that were embedded by another model before.",
  kind: "counter",
  read: () => changer.embedded,
});

const knowledgeGauges = (
  index: KnowledgeIndex,
  preparing: IsolatedWorkers<PrepareInput, PreparedDocument>,
): readonly Gauge[] => [
  { name: "knowledge_vectors", help: "Vectors held for searches here.", kind: "gauge", read: () => index.size },
  { name: "knowledge_tenants", help: "Tenants whose vectors are held here.", kind: "gauge", read: () => index.tenants },
  {
    name: "knowledge_uploads",
    help: "Documents being read or waiting for it.",
    kind: "gauge",
    read: () => preparing.load,
  },
];
