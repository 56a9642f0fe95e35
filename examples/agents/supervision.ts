// What happens when an agent fails: who learns of it, what it knows afterwards, and where it ends.
//
//   node -C mettle-source examples/agents/supervision.ts
//
// Prints:
//   watcher: crashed (no such parcel), may restart: true
//   restarted from the snapshot
//   it knows: 2 parcels
//   dead letter: lose, action-failed
//   the loop ends: AGENT_CRASH_LOOP
import { createRuntime, defineAction, defineAgent } from "@mettle/agents";
import { MettleError } from "@mettle/core";

interface Depot {
  readonly parcels: number;
}

const depot = defineAgent({
  name: "depot",
  state: (): Depot => ({ parcels: 0 }),
  snapshotEvery: 2,
  actions: {
    store: defineAction({ run: (state: Depot) => ({ state: { parcels: state.parcels + 1 } }) }),
    count: defineAction({ mode: "read", run: (state: Depot) => ({ reply: state.parcels }) }),
    lose: defineAction({
      run: (_state: Depot): undefined => {
        throw new Error("no such parcel");
      },
    }),
  },
});

await using runtime = createRuntime({ restarts: { maxRestarts: 1 } });
runtime.observe((event) => {
  if (event.kind === "agent-restarted") {
    console.log(`restarted from the ${event.from}`);
  }
  if (event.kind === "supervisor-escalated" && event.error instanceof MettleError) {
    console.log(`the loop ends: ${event.error.code}`);
  }
});

const agent = runtime.spawn(depot);
const end = runtime.monitor(agent, ({ reason, error, mayRestart }) => {
  console.log(`watcher: ${reason} (${(error as Error).message}), may restart: ${mayRestart}`);
});
for (let i = 0; i < 3; i++) await agent.ask({ type: "store" });
await agent.ask({ type: "lose" }).catch((error: unknown) => error);
end();
console.log(`it knows: ${await agent.ask({ type: "count" })} parcels`);
for (const { message, reason } of runtime.deadLetters.drain()) console.log(`dead letter: ${message.type}, ${reason}`);
await agent.ask({ type: "lose" }).catch((error: unknown) => error);
