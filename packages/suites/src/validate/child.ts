// A measuring process: gets a job, runs its scenarios one after the other, tells of each, and ends.
import { catalogue } from "../catalogue/catalogue.ts";
import type { Job, Reply } from "./protocol.ts";
import { runScenario } from "./run-scenario.ts";

const tell = (reply: Reply): Promise<void> =>
  new Promise((resolve, reject) => {
    process.send!(reply, undefined, {}, (error) => (error ? reject(error) : resolve()));
  });

process.once("message", (job: Job) => {
  void work(job);
});

async function work({ scenarios, platform, profile, seed }: Job): Promise<void> {
  for (const id of scenarios) {
    const scenario = catalogue.find((each) => each.id === id);
    if (scenario === undefined) throw new Error(`there is no scenario ${id}`);
    await tell({ kind: "started", scenario: id });
    await tell(await runScenario(scenario, { platform, profile, seed }));
  }
  // Not merely disconnected: what a platform left running must not keep the process.
  process.exit(0);
}
