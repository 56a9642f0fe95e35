import { ManualClock, ms, timeOrderedId } from "@mettle/core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
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
});
beforeEach(async () => void (await database.run("DELETE FROM executions")));
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

/** Counts claims, and tells when one has been answered. */
class CountedQueue extends ExecutionQueue {
  claims = 0;
  override async claim(owner: string, most: number): ReturnType<ExecutionQueue["claim"]> {
    const leases = await super.claim(owner, most);
    this.claims += 1;
    return leases;
  }
}

/** An instance that hears nothing from others, with a queue that is empty at first. */
async function alone(capacity: number): Promise<{
  queue: CountedQueue;
  agent: StepAgent;
  orchestrator: Orchestrator;
  submit: (step: string) => ReturnType<Orchestrator["submit"]>;
  claimed: (times: number) => Promise<void>;
}> {
  const clock = new ManualClock(Date.now());
  const queue = new CountedQueue(database, clock, { lease: ms(15_000), attemptsAllowed: 2 });
  const agent = new StepAgent();
  const news = { listen: () => () => undefined, tell: async () => undefined } as unknown as News;
  const parts = { queue, news, clock, types: [agent.type], capacity };
  const orchestrator = new Orchestrator({ ...parts, renewEvery: ms(1e6), lookEvery: ms(1e6) });
  const claimed = async (times: number): Promise<void> => {
    while (queue.claims < times) await database.query("SELECT 1");
    await new Promise(setImmediate); // and what came of it is taken in
  };
  await claimed(1);
  const submit = (step: string) =>
    orchestrator.submit({
      tenantId,
      userId: timeOrderedId(),
      agentType: "stepper",
      task: { type: "walk", input: { steps: [step] }, parameters: {} },
      requestDigest: "d",
      deadlineAt: new Date(clock.wallTime() + 600_000),
    });
  return { queue, agent, orchestrator, submit, claimed };
}
const { signal: never } = new AbortController();

test("where there is room and nobody waits, it begins at once, and whoever waits for it is told without asking", async () => {
  const { queue, agent, orchestrator, submit } = await alone(2);
  await using _ = orchestrator;
  const { execution } = await submit("go");
  expect([execution.state, orchestrator.statistics.running]).toEqual(["running", 1]);
  const statements = database.gauges.queries;
  const ended = orchestrator.ended(tenantId, execution.id, never, true);
  agent.let("go");
  expect(await ended).toMatchObject({ state: "succeeded", attempts: 1, result: { walked: 1 } });
  // Its ending, with what it told; no claim, and no look.
  expect([database.gauges.queries - statements, queue.claims]).toEqual([1, 1]);
  expect(await queue.eventsAfter(execution.id, { fence: "0", number: 0 })).toHaveLength(2);
});

test("nobody passes those who wait, and the room is never exceeded", async () => {
  const { queue, agent, orchestrator, submit, claimed } = await alone(2);
  await using _ = orchestrator;
  const three = await Promise.all(["a", "b", "c"].map(submit));
  expect(three.map(({ execution }) => execution.state).toSorted()).toEqual(["queued", "running", "running"]);
  await claimed(2); // for the third, without room
  expect(orchestrator.statistics.running).toBe(2);
  // One ends, and its room is the waiting one's, whoever comes meanwhile.
  agent.let("a");
  const late = await submit("d");
  expect(late.execution.state).toBe("queued");
  await claimed(3);
  agent.let("b");
  agent.let("c");
  agent.let("d");
  const all = [...three, late].map(({ execution: { id } }) => id);
  for (const id of all) {
    while ((await queue.standing(tenantId, id))?.state !== "succeeded") await database.query("SELECT 1");
  }
  // The database knows of an ending before the instance has its answer.
  while (orchestrator.statistics.running > 0) await database.query("SELECT 1");
  expect(orchestrator.statistics).toMatchObject({ succeeded: 4, running: 0 });
});

test("an instance that began to end while it took one gives it back to the queue", async () => {
  const { queue, agent, orchestrator, submit } = await alone(2);
  const submitted = submit("left");
  const closed = orchestrator.close(ms(0));
  const { execution } = await submitted;
  await closed;
  expect(await queue.standing(tenantId, execution.id)).toEqual({ state: "queued", attempts: 0 });
  const [lease] = await queue.claim("other", 1);
  expect(lease?.id).toBe(execution.id);
  agent.let("left");
});

test("while it drains it keeps the leases of what still runs, so that nobody else runs that as well", async () => {
  const clock = new ManualClock(Date.now());
  let renewed = Promise.withResolvers<void>();
  class RenewingQueue extends ExecutionQueue {
    override async renew(held: Parameters<ExecutionQueue["renew"]>[0]): ReturnType<ExecutionQueue["renew"]> {
      const still = await super.renew(held);
      renewed.resolve();
      return still;
    }
  }
  const queue = new RenewingQueue(database, clock, { lease: ms(15_000), attemptsAllowed: 2 });
  const agent = new StepAgent();
  const news = { listen: () => () => undefined, tell: async () => undefined } as unknown as News;
  const parts = { queue, news, clock, types: [agent.type], capacity: 1, renewEvery: ms(5000), lookEvery: ms(1e6) };
  const orchestrator = new Orchestrator(parts);
  const { execution } = await queue.add({
    tenantId,
    userId: timeOrderedId(),
    agentType: "stepper",
    task: { type: "walk", input: { steps: ["slow"] }, parameters: {} },
    requestDigest: "d",
    deadlineAt: new Date(clock.wallTime() + 600_000),
  });
  await orchestrator.announce();
  while (orchestrator.statistics.running === 0) await database.query("SELECT 1");
  const closed = orchestrator.close(ms(60_000));
  for (let i = 0; i < 4; i++) {
    renewed = Promise.withResolvers();
    await clock.advance(ms(5000));
    await renewed.promise;
    await new Promise(setImmediate); // and it sleeps again
  }
  // As another instance, after longer than a lease.
  expect(await queue.recover()).toEqual({ queued: 0, ended: [] });
  agent.let("slow");
  await closed;
  expect(await queue.standing(tenantId, execution.id)).toEqual({ state: "succeeded", attempts: 1 });
});

test("what an instance takes from the queue while it begins to end, it gives back", async () => {
  const clock = new ManualClock(Date.now());
  const taken = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  class SlowQueue extends ExecutionQueue {
    override async claim(owner: string, most: number): ReturnType<ExecutionQueue["claim"]> {
      const leases = await super.claim(owner, most);
      if (leases.length > 0) taken.resolve();
      await answered.promise;
      return leases;
    }
  }
  const queue = new SlowQueue(database, clock, { lease: ms(15_000), attemptsAllowed: 2 });
  const { execution } = await queue.add({
    tenantId,
    userId: timeOrderedId(),
    agentType: "stepper",
    task: { type: "walk", input: { steps: ["never"] }, parameters: {} },
    requestDigest: "d",
    deadlineAt: new Date(clock.wallTime() + 600_000),
  });
  const news = { listen: () => () => undefined, tell: async () => undefined } as unknown as News;
  const parts = { queue, news, clock, types: [new StepAgent().type], capacity: 10 };
  const orchestrator = new Orchestrator({ ...parts, renewEvery: ms(1e6), lookEvery: ms(1e6) });
  await taken.promise;
  const closed = orchestrator.close(ms(0));
  await clock.advance(ms(0));
  answered.resolve();
  await closed;
  expect(await queue.standing(tenantId, execution.id)).toEqual({ state: "queued", attempts: 0 });
});

test("what was cancelled while a holder ran it that then died is not run again", async () => {
  const { queue, orchestrator } = await alone(1);
  await using _ = orchestrator;
  const { execution } = await queue.add({
    tenantId,
    userId: timeOrderedId(),
    agentType: "stepper",
    task: { type: "walk", input: { steps: [] }, parameters: {} },
    requestDigest: "d",
    deadlineAt: new Date(Date.now() + 600_000),
  });
  const [dead] = await queue.claim("dead", 1);
  await queue.cancel(tenantId, execution.id);
  if (dead) await queue.release([dead]);
  await orchestrator.announce();
  let found = await queue.find(tenantId, execution.id);
  while (found?.endedAt === null) found = await queue.find(tenantId, execution.id);
  expect(found).toMatchObject({ state: "cancelled", error: { code: "EXECUTION_CANCELLED" } });
});
