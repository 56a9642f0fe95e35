import type { Iteration, PreparedUser, VirtualUser, Workload } from "../engine/virtual-user.ts";
import type { MetricRecorder } from "../metrics/recorder.ts";
import { HttpMetrics } from "./http-metrics.ts";
import { LoadUser, type SharedByUsers } from "./load-user.ts";
import type { RequestDefaults } from "./user-http.ts";

export interface WorkloadParts<Data> {
  readonly runs: ReadonlyMap<string, (user: LoadUser<Data>) => unknown>;
  readonly setup?: (user: LoadUser<undefined>) => Data | Promise<Data>;
  readonly teardown?: (user: LoadUser<Data>, data: Data) => unknown;
  readonly seed: number;
  readonly requests: RequestDefaults;
}

/** Scenarios of our own API as the engine runs them. */
export class ScenarioWorkload<Data> implements Workload {
  readonly #parts: WorkloadParts<Data>;
  #shared: (SharedByUsers & { readonly recorder: MetricRecorder }) | undefined;
  declare readonly setup?: (user: VirtualUser) => Promise<unknown>;
  declare readonly teardown?: (user: VirtualUser, data: unknown) => Promise<void>;

  constructor(parts: WorkloadParts<Data>) {
    this.#parts = parts;
    const { setup, teardown } = parts;
    if (setup) this.setup = async (user) => setup(this.#user(user, undefined));
    if (teardown) {
      this.teardown = async (user, data) => {
        await teardown(this.#user(user, data as Data), data as Data);
      };
    }
  }

  prepare(user: VirtualUser, setupData: unknown): Promise<PreparedUser> {
    const run = this.#parts.runs.get(user.scenario);
    if (!run) throw new Error(`there is no scenario ${user.scenario}`);
    const own = this.#user(user, setupData as Data);
    return Promise.resolve({
      run: async (iteration: Iteration) => {
        own.begin(iteration);
        await run(own);
      },
    });
  }

  #user<Given>(user: VirtualUser, data: Given): LoadUser<Given> {
    if (this.#shared?.recorder !== user.recorder) {
      const { recorder } = user;
      const { requests, seed } = this.#parts;
      this.#shared = { recorder, requests, seed, metrics: new HttpMetrics(recorder), groups: new WeakMap() };
    }
    return new LoadUser(user, data, this.#shared);
  }
}
