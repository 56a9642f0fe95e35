import { type Clock, type Milliseconds, ms } from "@mettle/core";
import type { Embedder } from "../embedding/embedder.ts";
import { embeddable } from "../embedding/embeddable.ts";
import type { ModelStore } from "./model-store.ts";

export interface ModelChangerOptions {
  readonly models: ModelStore;
  readonly embedder: Embedder;
  readonly clock: Clock;
  /** Something of the tenant has changed: indices are to look, here and elsewhere. */
  readonly changed: (tenantId: string) => Promise<void>;
  /** Told once of each kind of trouble in a row: it is tried again until it ends. */
  readonly onTrouble: (error: unknown) => void;
  /** Passages embedded in one step. @defaultValue 256 */
  readonly step?: number;
}

/** So often it looks whether an instance that knew nothing of the new model has stored something by the old one. */
const lookEvery = ms(60_000);
const firstPause = ms(1000);

/**
 * Embeds what tenants know by the model in use, when that has changed: step by step, beside everything else, and from where
 * it was when it is broken off. Searches go by the vectors that were there until a tenant's are all there.
 */
export class ModelChanger implements AsyncDisposable {
  readonly #options: ModelChangerOptions;
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;
  #embedded = 0;

  constructor(options: ModelChangerOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Passages embedded anew by this instance since its start. */
  get embedded(): number {
    return this.#embedded;
  }

  async #run(): Promise<void> {
    const { clock, onTrouble } = this.#options;
    const { signal } = this.#ending;
    let pause: Milliseconds = firstPause;
    let told = "";
    while (!signal.aborted) {
      try {
        await this.#round();
        [pause, told] = [firstPause, ""];
        await clock.sleep(lookEvery, signal).catch(() => undefined);
      } catch (error) {
        const message = String(error);
        if (message !== told && !signal.aborted) onTrouble(error);
        told = message;
        await clock.sleep(pause, signal).catch(() => undefined);
        pause = ms(Math.min(pause * 2, lookEvery));
      }
    }
  }

  async #round(): Promise<void> {
    const { models, embedder } = this.#options;
    for (const tenantId of await models.tenantsToChange(embedder.model)) {
      if (this.#ending.signal.aborted || !(await models.isUsed(embedder.model))) return;
      await models.alone(tenantId, () => this.#change(tenantId));
    }
  }

  async #change(tenantId: string): Promise<void> {
    const { models, embedder, changed } = this.#options;
    const { signal } = this.#ending;
    const { model } = embedder;
    let others: readonly string[];
    do {
      others = await models.begin(tenantId, model);
      for (const other of others) await this.#embedAll(tenantId, other);
      if (signal.aborted) return;
    } while (!(await models.finish(tenantId, model)));
    await changed(tenantId);
    for (const other of others) await models.forgetOthers(tenantId, model, other);
  }

  async #embedAll(tenantId: string, other: string): Promise<void> {
    const { models, embedder, changed, step = 256 } = this.#options;
    const { signal } = this.#ending;
    const { model } = embedder;
    for (let after = 0; !signal.aborted; ) {
      const some = await models.unchanged({ tenantId, model, other }, after, step);
      const last = some.at(-1);
      if (!last) return;
      const vectors = await embedder.embed(some.map(embeddable), signal);
      const keys = some.map(({ key }) => key);
      await models.add(tenantId, model, keys, vectors);
      this.#embedded += keys.length;
      after = last.key;
      await changed(tenantId);
      await new Promise((turned) => setImmediate(turned));
    }
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
