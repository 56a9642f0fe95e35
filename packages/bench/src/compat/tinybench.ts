import { bench } from "../bench.ts";
import { activeCollector, type BenchBody, type CaseOptions } from "../definition.ts";
import { joinHooks, type TaskHook, type TaskStub } from "./task.ts";

/** tinybench's hooks of a task. */
interface TaskHooks {
  readonly beforeAll?: TaskHook;
  readonly afterAll?: TaskHook;
  readonly beforeEach?: TaskHook;
  readonly afterEach?: TaskHook;
}

interface BenchSettings {
  readonly name?: string;
  /** For every task, before its own hooks. */
  readonly setup?: TaskHook;
  readonly teardown?: TaskHook;
}

/**
 * tinybench's `Bench`, so that its files run here as they stand: `add` defines a benchmark, the tasks of one `Bench` are
 * compared with its first; `run` measures nothing and returns no results, because the measuring happens in other
 * processes after the file has loaded. Listeners may be added and hear nothing, for the same reason. Settings that steer
 * tinybench's own sampling have no effect.
 */
export class Bench extends EventTarget {
  readonly name: string | undefined;
  readonly #settings: BenchSettings;
  readonly #tasks = new Map<string, { body: BenchBody; options: CaseOptions }>();
  readonly results: readonly never[] = [];

  constructor(settings: BenchSettings = {}) {
    super();
    this.#settings = settings;
    this.name = settings.name;
    // Defined when the file has loaded in full, so that late add() calls count.
    activeCollector()?.defer(() => this.#define());
  }

  /** As in tinybench, a second task of a name takes the place of the first. */
  add(name: string, body: BenchBody, hooks: TaskHooks = {}): this {
    const { setup, teardown } = this.#settings;
    const all = {
      setup: joinHooks(name, [setup, hooks.beforeAll]),
      teardown: joinHooks(name, [hooks.afterAll, teardown]),
      beforeEach: joinHooks(name, [hooks.beforeEach]),
      afterEach: joinHooks(name, [hooks.afterEach]),
    };
    const options: CaseOptions = Object.fromEntries(Object.entries(all).filter(([, hook]) => hook !== undefined));
    this.#tasks.set(name, { body, options });
    return this;
  }

  remove(name: string): this {
    this.#tasks.delete(name);
    return this;
  }

  getTask(name: string): TaskStub | undefined {
    return this.#tasks.has(name) ? { name } : undefined;
  }

  get tasks(): readonly TaskStub[] {
    return [...this.#tasks.keys()].map((name) => ({ name }));
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

  reset(): void {}

  #define(): void {
    const collector = activeCollector();
    if (!collector || this.#tasks.size === 0) return;
    collector.suite(this.#freeTitle(collector.suites), {}, () => {
      for (const [name, { body, options }] of this.#tasks) bench(name, body, options);
    });
  }

  /** Several of a file often have no name, or the same one. */
  #freeTitle(suites: readonly { readonly titles: readonly string[] }[]): string {
    const wanted = this.name ?? "bench";
    const taken = new Set(suites.map(({ titles }) => titles.join("\0")));
    let title = wanted;
    for (let count = 2; taken.has(title); count++) title = `${wanted} ${count}`;
    return title;
  }
}
