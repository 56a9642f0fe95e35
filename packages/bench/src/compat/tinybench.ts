import { bench } from "../bench.ts";
import { activeCollector, type BenchBody, type CaseOptions } from "../definition.ts";

/** tinybench's hooks of a task. */
interface TaskHooks {
  readonly beforeAll?: () => unknown;
  readonly afterAll?: () => unknown;
  readonly beforeEach?: () => unknown;
  readonly afterEach?: () => unknown;
}

interface BenchSettings {
  readonly name?: string;
  readonly setup?: () => unknown;
  readonly teardown?: () => unknown;
}

/**
 * tinybench's `Bench`, so that its files run here as they stand: `add` defines a benchmark, the tasks of one `Bench` are
 * compared with its first; `run` measures nothing and returns no results, because the measuring happens in other
 * processes after the file has loaded.
 */
export class Bench {
  readonly name: string;
  readonly #settings: BenchSettings;
  readonly #tasks: { name: string; body: BenchBody; options: CaseOptions }[] = [];
  readonly results: readonly never[] = [];

  constructor(settings: BenchSettings = {}) {
    this.#settings = settings;
    this.name = settings.name ?? "bench";
    // Defined when the file has loaded in full, so that late add() calls count.
    activeCollector()?.defer(() => this.#define());
  }

  add(name: string, body: BenchBody, hooks: TaskHooks = {}): this {
    const options: CaseOptions = {
      ...(hooks.beforeAll && { setup: hooks.beforeAll }),
      ...(hooks.afterAll && { teardown: hooks.afterAll }),
      ...(hooks.beforeEach && { beforeEach: hooks.beforeEach }),
      ...(hooks.afterEach && { afterEach: hooks.afterEach }),
    };
    this.#tasks.push({ name, body, options });
    return this;
  }

  get tasks(): readonly { readonly name: string }[] {
    return this.#tasks;
  }

  run(): Promise<readonly never[]> {
    return Promise.resolve([]);
  }

  runSync(): readonly never[] {
    return [];
  }

  table(): readonly never[] {
    return [];
  }

  #define(): void {
    const { setup, teardown } = this.#settings;
    activeCollector()?.suite(
      this.name,
      { ...(setup && { beforeAll: setup }), ...(teardown && { afterAll: teardown }) },
      () => {
        for (const { name, body, options } of this.#tasks) bench(name, body, options);
      },
    );
  }
}
