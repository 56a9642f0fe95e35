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
import { TextSearch } from "./search/text-search.ts";

export interface OpenKnowledge {
  readonly knowledge: KnowledgeBase;
  readonly store: KnowledgeStore;
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

/** Puts the knowledge base together. What it opens is closed with `stack`. */
export async function openKnowledge(
  stack: AsyncDisposableStack,
  { config, database, news, clock, shared, timings, onTrouble }: KnowledgeSurroundings,
): Promise<OpenKnowledge> {
  const embedder = await openEmbedder(config);
  const store = new KnowledgeStore(database);
  const folder = join(config.dataFolder, "knowledge");
  const index = stack.use(new KnowledgeIndex({ store, embedder, folder, clock, onTrouble }));
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
    const looked = tenantId === "" ? index.allChanged() : index.changed(tenantId);
    looked.catch(onTrouble);
  });
  stack.defer(stopListening);
  const announce = (tenantId: string): Promise<void> => news.tell(channel, tenantId);
  const texts = new TextSearch(database, clock);
  const knowledge = new KnowledgeBase({ store, index, embedder, texts, preparing, answers, clock, timings, announce });
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
  return { knowledge, store, embedder, answers, search, gauges: knowledgeGauges(index, preparing) };
}

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
