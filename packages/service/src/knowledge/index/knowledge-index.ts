import { join } from "node:path";
import { TaskPool } from "@mettle/agents";
import { type Clock, ms } from "@mettle/core";
import type { Embedder } from "../embedding/embedder.ts";
import type { KnowledgeState, KnowledgeStore } from "../knowledge-store.ts";
import type { IndexReply, IndexRequest } from "./index-task.ts";
import type { Neighbours } from "./vector-set.ts";

export interface KnowledgeIndexOptions {
  readonly store: KnowledgeStore;
  readonly embedder: Pick<Embedder, "model" | "dimensions">;
  /** Where large indices are kept over a restart. */
  readonly folder: string;
  /** False for one that is only read from there. @defaultValue true */
  readonly saves?: boolean;
  readonly clock: Clock;
  readonly onTrouble: (error: unknown) => void;
}

interface Tenant {
  /** Up to which of the tenant's changes the index is. */
  version: number;
  /** What the tenant's searches go by, as of that version. */
  model: string | undefined;
  savedVersion: number;
  size: number;
  /** Changes are applied one after the other. */
  queue: Promise<void>;
  readonly opened: Promise<void>;
  ready: boolean;
}

const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
/** Vectors read at once. */
const page = 4000;
/** Vectors added at once: searches wait for one such step, some 20 ms. */
const step = 100;
/** How long a search waits for an index that is being made; then it does without. */
const patience = ms(1000);
/** A smaller index is sooner built than its file is written and read. */
const savedFrom = 10_000;

/**
 * The vectors of the tenants that search here, in a thread of their own, kept up to date from the database: it alone says
 * what there is, and an index can always be made anew from it.
 */
export class KnowledgeIndex implements AsyncDisposable {
  readonly #options: KnowledgeIndexOptions;
  #pool: TaskPool<IndexRequest, IndexReply> = newPool();
  #tenants = new Map<string, Tenant>();
  #ending = false;

  constructor(options: KnowledgeIndexOptions) {
    this.#options = options;
  }

  /** Vectors held here, by the model in use. */
  get size(): number {
    return [...this.#tenants.values()].reduce((sum, { size }) => sum + size, 0);
  }

  get tenants(): number {
    return this.#tenants.size;
  }

  /**
   * The nearest vectors of a tenant; undefined while its index is still being made.
   *
   * @returns with the version of the tenant's knowledge that was searched at least
   */
  async search(
    tenantId: string,
    vector: Float32Array,
    count: number,
  ): Promise<(Neighbours & { readonly version: number }) | undefined> {
    const tenant = await this.#ready(tenantId);
    if (!tenant) return undefined;
    const { version } = tenant;
    const { neighbours } = await this.#ask({ op: "search", tenant: tenantId, vector, count });
    return { ...(neighbours as Neighbours), version };
  }

  /**
   * What searches here see of a tenant's knowledge: up to which of its changes, and what they go by. Undefined while its
   * index is still being made.
   */
  async standing(tenantId: string): Promise<KnowledgeState | undefined> {
    const tenant = await this.#ready(tenantId);
    return tenant && { version: tenant.version, model: tenant.model };
  }

  /** Whether the tenant was searched here. */
  holds(tenantId: string): boolean {
    return this.#tenants.has(tenantId);
  }

  /** Gives the memory of a tenant's vectors back, until it is searched here again. */
  async forget(tenantId: string): Promise<void> {
    if (!this.#tenants.delete(tenantId)) return;
    await this.#pool.run({ op: "close", tenant: tenantId });
  }

  /** Something of the tenant has changed, here or elsewhere. A tenant that nobody searched here costs nothing. */
  async changed(tenantId: string): Promise<void> {
    const tenant = this.#tenants.get(tenantId);
    if (!tenant) return;
    if (tenant.ready) await this.#catchUp(tenantId, tenant);
    else tenant.opened.then(() => this.#catchUp(tenantId, tenant)).catch(this.#options.onTrouble);
  }

  /** News may have been lost: all tenants are looked at. */
  async allChanged(): Promise<void> {
    for (const tenantId of Array.from(this.#tenants.keys())) await this.changed(tenantId);
  }

  async #ready(tenantId: string): Promise<Tenant | undefined> {
    const tenant = this.#tenants.get(tenantId) ?? this.#start(tenantId);
    if (tenant.ready) return tenant;
    const opened = new AbortController();
    const late = this.#options.clock.sleep(patience, opened.signal).catch(() => undefined);
    try {
      await Promise.race([tenant.opened, late]);
    } finally {
      opened.abort();
    }
    return tenant.ready ? tenant : undefined;
  }

  #start(tenantId: string): Tenant {
    const opened = Promise.withResolvers<void>();
    const tenant: Tenant = {
      version: 0,
      model: undefined,
      savedVersion: 0,
      size: 0,
      queue: Promise.resolve(),
      opened: opened.promise,
      ready: false,
    };
    this.#tenants.set(tenantId, tenant);
    opened.promise.then(
      () => {
        tenant.ready = true;
      },
      (error: unknown) => {
        if (this.#tenants.get(tenantId) === tenant) this.#tenants.delete(tenantId); // the next search tries again
        if (!this.#ending) this.#options.onTrouble(error);
      },
    );
    opened.resolve(this.#open(tenantId, tenant));
    return tenant;
  }

  async #open(tenantId: string, tenant: Tenant): Promise<void> {
    const { store, embedder } = this.#options;
    const { model, dimensions } = embedder;
    const file = this.#fileOf(tenantId);
    const opened = await this.#pool.run({ op: "open", tenant: tenantId, dimensions, file, model });
    const { version, model: searchedBy } = await store.stateOf(tenantId);
    tenant.model = searchedBy;
    // One from after the database was set back tells of what is not there.
    if (opened.version > version) {
      await this.#pool.run({ op: "open", tenant: tenantId, dimensions, file: "", model });
    } else Object.assign(tenant, { version: opened.version, savedVersion: opened.version, size: opened.size });
    await this.#catchUp(tenantId, tenant);
  }

  #catchUp(tenantId: string, tenant: Tenant): Promise<void> {
    const done = tenant.queue.then(() => this.#apply(tenantId, tenant));
    tenant.queue = done.catch(() => undefined); // told to whoever waits for `done`; the next change tries again
    return done;
  }

  async #apply(tenantId: string, tenant: Tenant): Promise<void> {
    const { store, embedder } = this.#options;
    const { version, model } = await store.stateOf(tenantId);
    if (version <= tenant.version) return;
    const removed = await store.removedKeys(tenantId, tenant.version, version);
    if (removed.length > 0) await this.#change(tenant, { op: "remove", tenant: tenantId, keys: removed });
    // All of a version's vectors come before the next version's.
    let after = { version: tenant.version, key: Number.MAX_SAFE_INTEGER };
    for (;;) {
      const rows = await store.vectors(tenantId, embedder.model, after, version, page);
      const last = rows.at(-1);
      if (!last) break;
      for (let from = 0; from < rows.length; from += step) {
        if (this.#ending) return; // what is missing is read at the next start
        const some = rows.slice(from, from + step);
        const keys = some.map(({ key }) => key);
        await this.#change(tenant, { op: "add", tenant: tenantId, keys, vectors: some.map(({ vector }) => vector) });
      }
      if (rows.length < page) break;
      after = { version: last.version, key: last.key };
    }
    Object.assign(tenant, { version, model });
  }

  async #change(tenant: Tenant, request: IndexRequest): Promise<void> {
    tenant.size = (await this.#ask(request)).size;
  }

  /** A thread that died takes all indices with it: they are made anew when they are searched again. */
  async #ask(request: IndexRequest): Promise<IndexReply> {
    const pool = this.#pool;
    try {
      return await pool.run(request);
    } catch (error) {
      if ((error as { readonly code?: unknown }).code === "TASK_WORKER_LOST" && this.#pool === pool) {
        this.#pool = newPool();
        this.#tenants = new Map();
        void pool.close();
      }
      throw error;
    }
  }

  #fileOf(tenantId: string): string {
    return join(this.#options.folder, `${tenantId}.usearch`);
  }

  /** Keeps large indices for the next start. */
  async save(): Promise<void> {
    const { embedder, saves = true } = this.#options;
    if (!saves) return;
    const { model } = embedder;
    for (const [tenant, state] of this.#tenants) {
      await state.queue;
      if (!state.ready) continue;
      const { version, savedVersion, size } = state;
      if (size < savedFrom || version === savedVersion) continue;
      await this.#pool.run({ op: "save", tenant, file: this.#fileOf(tenant), model, version });
      state.savedVersion = version;
    }
  }

  async close(): Promise<void> {
    this.#ending = true;
    try {
      await this.save();
    } catch (error) {
      this.#options.onTrouble(error); // the next start builds what is missing
    }
    await this.#pool.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const newPool = (): TaskPool<IndexRequest, IndexReply> =>
  new TaskPool({ module: new URL(`./index-task${extension}`, import.meta.url), workers: 1 });
