import type { AgentTargets } from "../agent/user-agents.ts";
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
  readonly agents: AgentTargets;
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
    if (setup) this.setup = (user) => once(this.#user(user, undefined), setup);
    if (teardown) {
      this.teardown = async (user, data) => {
        await once(this.#user(user, data as Data), (own) => teardown(own, data as Data));
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
      close: () => own.close(),
    });
  }

  #user<Given>(user: VirtualUser, data: Given): LoadUser<Given> {
    if (this.#shared?.recorder !== user.recorder) {
      const { recorder } = user;
      const { requests, seed, agents } = this.#parts;
      this.#shared = { recorder, requests, seed, agents, metrics: new HttpMetrics(recorder), groups: new WeakMap() };
    }
    return new LoadUser(user, data, this.#shared);
  }
}

/** For setup and teardown, whose user lives no longer than they do. */
async function once<Given, Result>(
  user: LoadUser<Given>,
  part: (user: LoadUser<Given>) => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await part(user);
  } finally {
    await user.close();
  }
}
