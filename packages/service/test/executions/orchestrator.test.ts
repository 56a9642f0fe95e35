import { ManualClock, ms, timeOrderedId } from "@mettle/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ExecutionQueue } from "../../src/executions/execution-queue.ts";
import { Orchestrator } from "../../src/executions/orchestrator.ts";
import type { Database } from "../../src/storage/database.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { migrations } from "../../src/storage/migrations/index.ts";
import type { News } from "../../src/storage/news.ts";
import { testDatabase, testServer } from "../storage/server.ts";
import { StepAgent } from "./step-agent.ts";

let postgres: Awaited<ReturnType<typeof testServer>>;
let database: Database;
const tenantId = timeOrderedId();
beforeAll(async () => {
  postgres = await testServer();
  database = await testDatabase(postgres.server);
  await migrate(database, migrations);
  await database.run("INSERT INTO tenants (id, name) VALUES ($1, 't')", [tenantId]);
}, 90_000);
afterAll(async () => {
  await database.close();
  await postgres[Symbol.asyncDispose]();
});

/** Counts how often it was looked for dead instances, to the end. */
class WatchedQueue extends ExecutionQueue {
  looked = 0;
  override async recover(): ReturnType<ExecutionQueue["recover"]> {
    const found = await super.recover();
    this.looked += 1;
    return found;
  }
}

test("an instance that could not renew in time does not take its own executions for a dead one's", async () => {
  const clock = new ManualClock();
  const queue = new WatchedQueue(database, clock, { lease: ms(1000), attemptsAllowed: 2 });
  const agent = new StepAgent();
  const silent = { listen: () => () => undefined, tell: async () => undefined } as unknown as News;
  await using orchestrator = new Orchestrator({
    queue,
    news: silent,
    clock,
    types: [agent.type],
    capacity: 1,
    renewEvery: ms(1_000_000), // as if it had been held up for as long
    lookEvery: ms(1500),
  });
  const { execution } = await queue.add({
    tenantId,
    userId: timeOrderedId(),
    agentType: "stepper",
    task: { type: "walk", input: { steps: ["one"] }, parameters: {} },
    requestDigest: "d",
    deadlineAt: new Date(clock.wallTime() + 600_000),
  });
  await orchestrator.announce();
  const standing = async () => queue.standing(tenantId, execution.id);
  // The database may say that it runs before the orchestrator has heard so.
  while (orchestrator.statistics.running === 0) await standing();
  for (let i = 0; i < 5; i++) {
    await clock.advance(ms(1500)); // the lease has ended, and it looks for dead ones
    while (queue.looked <= i) await standing();
    await standing(); // by then it sleeps again
  }
  expect([await standing(), orchestrator.statistics.recovered]).toEqual([{ state: "running", attempts: 1 }, 0]);
  agent.let("one");
  while ((await standing())?.state === "running") await clock.advance(ms(100));
  expect(await standing()).toEqual({ state: "succeeded", attempts: 1 });
});
