import type { Embedder } from "../embedding/embedder.ts";
import type { KnowledgeIndex } from "../index/knowledge-index.ts";

/** A way to search by meaning: a model, and the vectors that it made. */
export interface Way {
  readonly embedder: Embedder;
  readonly index: KnowledgeIndex;
}

export interface MeaningOptions {
  /** The model in use. */
  readonly current: Way;
  /** The way of a model that was used before; undefined when it cannot be asked any more. */
  readonly open: (model: string) => Promise<Way | undefined>;
  readonly onTrouble: (error: unknown) => void;
}

/** How a tenant is searched now. */
export interface Standing {
  readonly version: number;
  /** The way whose vectors are all there; undefined where its model cannot be asked any more. */
  readonly way: Way | undefined;
}

/**
 * By which model a tenant is searched. While the model changes that is the one before, until all of the tenant's passages are
 * embedded by the new one.
 */
export class Meaning {
  readonly #options: MeaningOptions;
  readonly #before = new Map<string, Promise<Way | undefined>>();

  constructor(options: MeaningOptions) {
    this.#options = options;
  }

  get current(): Way {
    return this.#options.current;
  }

  /** Undefined while the tenant's index is still being made. */
  async standing(tenantId: string): Promise<Standing | undefined> {
    const { current } = this.#options;
    const state = await current.index.standing(tenantId);
    if (!state) return undefined;
    const { version, model } = state;
    if (model === undefined || model === current.embedder.model) return { version, way: current };
    return { version, way: await this.#wayOf(model) };
  }

  /** Something of the tenant has changed. */
  async changed(tenantId: string): Promise<void> {
    const { index, embedder } = this.#options.current;
    await index.changed(tenantId);
    for (const opening of this.#before.values()) {
      const way = await opening;
      if (!way?.index.holds(tenantId)) continue;
      const model = (await index.standing(tenantId))?.model;
      if (model === embedder.model) await way.index.forget(tenantId);
      else await way.index.changed(tenantId);
    }
  }

  async allChanged(): Promise<void> {
    await this.#options.current.index.allChanged();
    for (const opening of this.#before.values()) await (await opening)?.index.allChanged();
  }

  /**
   * Vectors by the model before, for a new passage of a tenant whose searches still go by that; undefined where there is
   * none, or it does not answer.
   */
  async embedAsBefore(
    tenantId: string,
    texts: readonly string[],
  ): Promise<{ readonly model: string; readonly vectors: readonly Float32Array[] } | undefined> {
    const way = (await this.standing(tenantId))?.way;
    if (!way || way === this.#options.current) return undefined;
    const { embedder } = way;
    try {
      return { model: embedder.model, vectors: await embedder.embed(texts) };
    } catch (error) {
      this.#options.onTrouble(error); // it is found by words, and by meaning when the change is done
      return undefined;
    }
  }

  #wayOf(model: string): Promise<Way | undefined> {
    const known = this.#before.get(model);
    if (known) return known;
    const opening = this.#options.open(model);
    this.#before.set(model, opening);
    opening.catch(() => this.#before.delete(model)); // told to whoever asked; the next one tries again
    return opening;
  }
}
