import { ManualClock, ms, timeOrderedId } from "@mettle/core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Leased } from "../../src/executions/execution.ts";
import { ExecutionQueue, type NewExecution } from "../../src/executions/execution-queue.ts";
import type { Database } from "../../src/storage/database.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { migrations } from "../../src/storage/migrations/index.ts";
import { testDatabase, testServer } from "../storage/server.ts";

let postgres: Awaited<ReturnType<typeof testServer>>;
let database: Database;
let clock: ManualClock;
let queue: ExecutionQueue;
const tenants = [timeOrderedId(), timeOrderedId()] as const;
beforeAll(async () => {
  postgres = await testServer();
  database = await testDatabase(postgres.server);
  await migrate(database, migrations);
  for (const [i, id] of tenants.entries())
    await database.run("INSERT INTO tenants (id, name) VALUES ($1, $2)", [id, `t${i}`]);
});
beforeEach(async () => {
  await database.run("DELETE FROM executions");
  clock = new ManualClock();
  queue = new ExecutionQueue(database, clock, { lease: ms(15_000), attemptsAllowed: 2 });
});
afterAll(async () => {
  await database.close();
  await postgres[Symbol.asyncDispose]();
});

const entry = (change: Partial<NewExecution> = {}): NewExecution => ({
  tenantId: tenants[0],
  userId: timeOrderedId(),
  agentType: "a",
  task: { type: "t", input: {}, parameters: {} },
  requestDigest: "d",
  deadlineAt: new Date(clock.wallTime() + 600_000),
  ...change,
});
const add = async (change: Partial<NewExecution> = {}): Promise<string> =>
  (await queue.add(entry(change))).execution.id;
const one = async (owner = "o"): Promise<Leased> => (await queue.claim(owner, 1))[0] as Leased;
const done = { state: "succeeded", result: { ok: true } } as const;
const nothing = { first: 1, events: [] } as const;

test("no two claims take the same, however many ask at once", async () => {
  for (let i = 0; i < 60; i++) await add();
  const claims = await Promise.all(Array.from({ length: 10 }, (_, i) => queue.claim(`o${i}`, 10)));
  const ids = claims.flat().map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const rest = await queue.claim("last", 100);
  expect(ids.length + rest.length).toBe(60);
});

test("a tenant with a thousand waiting does not hold up one with a single one", async () => {
  for (let i = 0; i < 20; i++) await add();
  const late = await add({ tenantId: tenants[1] });
  const first = await queue.claim("o", 2);
  expect(first.map(({ id }) => id)).toContain(late);
  // Those that run count: the next places go to the tenant with fewer.
  const again = await Promise.all([add({ tenantId: tenants[1] }), add({ tenantId: tenants[1] })]);
  const next = (await queue.claim("o", 4)).map(({ id }) => id);
  expect(next.filter((id) => again.includes(id))).toHaveLength(2);
});

test("what a dead holder left is run again, and the dead one's ending counts for nothing", async () => {
  const id = await add();
  const dead = await one("dead");
  await clock.advance(ms(15_001));
  expect(await queue.recover()).toEqual({ queued: 1, ended: [] });
  const heir = await one("heir");
  expect([heir.id, heir.attempts, BigInt(heir.fence) > BigInt(dead.fence)]).toEqual([id, 2, true]);
  expect(await queue.renew([dead])).toEqual(new Map());
  expect(await queue.end(dead, { state: "failed", error: { code: "X", message: "late" } }, nothing)).toBeUndefined();
  expect(await queue.end(heir, done, nothing)).toMatchObject({ id, state: "succeeded", result: { ok: true } });
  expect(await queue.end(heir, done, nothing)).toBeUndefined();
  expect(await queue.find(tenants[0], id)).toMatchObject({ state: "succeeded", result: { ok: true }, attempts: 2 });
});

test("what an attempt saved is there for the next, and nobody else saves any more", async () => {
  const id = await add();
  const dead = await one("dead");
  expect(dead.checkpoint).toBeUndefined();
  expect(await queue.save(dead, { done: ["a\0"] })).toBe(true);
  await clock.advance(ms(15_001));
  await queue.recover();
  const heir = await one("heir");
  expect([heir.id, heir.checkpoint]).toEqual([id, { done: ["a\uFFFD"] }]);
  expect(await queue.save(dead, {})).toBe(false);
  expect(await queue.end(heir, { ...done, result: "\0\ud800" }, nothing)).toMatchObject({ result: "\uFFFD\uFFFD" });
  expect(await queue.save(heir, {})).toBe(false);
  expect(await queue.find(tenants[0], id)).toMatchObject({ result: "\uFFFD\uFFFD" });
});

test("what it told last is kept with its ending, of whoever holds it alone", async () => {
  const id = await add();
  const dead = await one("dead");
  await clock.advance(ms(15_001));
  await queue.recover();
  const heir = await one("heir");
  const told = (text: string) => [{ type: "token", text }] as const;
  await queue.addEvents(heir, 1, told("a"));
  await queue.end(dead, done, { first: 1, events: told("nobody's") });
  await queue.end(heir, done, { first: 2, events: told("b") });
  const events = await queue.eventsAfter(id, { fence: "0", number: 0 });
  expect(events.map(({ number, event }) => [number, event])).toEqual([
    [1, { type: "token", text: "a" }],
    [2, { type: "token", text: "b" }],
  ]);
});

test("who takes a new one at once holds it as from the queue, and nobody else takes it until the holder is dead", async () => {
  const { execution, lease } = await queue.add(entry({ idempotencyKey: "at once" }), "holder");
  expect(execution).toMatchObject({ state: "running", attempts: 1 });
  expect(execution.startedAt).toEqual(new Date(clock.wallTime()));
  expect(lease?.id).toBe(execution.id);
  expect(await queue.claim("other", 10)).toEqual([]);
  // The same key again makes nothing, and gives nobody a lease.
  const again = await queue.add(entry({ idempotencyKey: "at once" }), "other");
  expect([again.added, again.lease, again.execution.id]).toEqual([false, undefined, execution.id]);
  await clock.advance(ms(15_001));
  expect(await queue.recover()).toEqual({ queued: 1, ended: [] });
  const heir = await one("heir");
  expect([heir.id, heir.attempts, BigInt(heir.fence) > BigInt(lease?.fence ?? 0)]).toEqual([execution.id, 2, true]);
  expect(await queue.end(lease as Leased, done, nothing)).toBeUndefined();
  expect(await queue.end(heir, done, nothing)).toMatchObject({ state: "succeeded" });
});

test("renewed leases are kept; what kills its holders is given up", async () => {
  const id = await add();
  const lease = await one();
  for (let i = 0; i < 3; i++) {
    await clock.advance(ms(10_000));
    expect(await queue.renew([lease])).toEqual(new Map([[id, { cancel: false }]]));
    expect(await queue.recover()).toEqual({ queued: 0, ended: [] });
  }
  await clock.advance(ms(15_001));
  await queue.recover();
  await one();
  await clock.advance(ms(14_000));
  await queue.recover();
  await clock.advance(ms(1001));
  expect(await queue.recover()).toEqual({ queued: 0, ended: [id] });
  expect(await queue.find(tenants[0], id)).toMatchObject({ state: "failed", error: { code: "EXECUTION_LOST" } });
});

test("what waits past its deadline fails without being run", async () => {
  const id = await add({ deadlineAt: new Date(clock.wallTime() + 1000) });
  await clock.advance(ms(1000));
  expect(await queue.recover()).toEqual({ queued: 0, ended: [id] });
  expect(await queue.find(tenants[0], id)).toMatchObject({ error: { code: "EXECUTION_DEADLINE" } });
});

test("the same key is the same execution, within its tenant", async () => {
  const [first, ...others] = await Promise.all(
    Array.from({ length: 8 }, () => queue.add(entry({ idempotencyKey: "k" }))),
  );
  const all = [first, ...others];
  expect(new Set(all.map((each) => each?.execution.id)).size).toBe(1);
  expect(all.filter((each) => each?.added)).toHaveLength(1);
  const other = await queue.add(entry({ idempotencyKey: "k", tenantId: tenants[1] }));
  expect(other.added).toBe(true);
});

test("what waits is cancelled at once, what runs when its holder hears of it, what has ended not at all", async () => {
  const waiting = await add();
  expect(await queue.cancel(tenants[0], waiting)).toMatchObject({
    state: "cancelled",
    error: { code: "EXECUTION_CANCELLED" },
  });
  const running = await add();
  const lease = await one();
  expect(await queue.cancel(tenants[0], running)).toMatchObject({ state: "running" });
  expect(await queue.renew([lease])).toEqual(new Map([[running, { cancel: true }]]));
  await queue.end(lease, done, nothing);
  expect(await queue.cancel(tenants[0], running)).toMatchObject({ state: "succeeded" });
});

test("nothing of another tenant can be seen or ended", async () => {
  const id = await add();
  expect(await queue.find(tenants[1], id)).toBeUndefined();
  expect(await queue.cancel(tenants[1], id)).toBeUndefined();
  expect((await queue.history(tenants[1], 10)).executions).toEqual([]);
  expect((await queue.history(tenants[1], 10, id)).executions).toEqual([]);
});

test("history by pages holds each once, the newest first", async () => {
  const ids: string[] = [];
  for (let i = 0; i < 7; i++) {
    ids.push(await add());
    if (i % 2 === 0) await clock.advance(ms(1));
  }
  const seen: string[] = [];
  let after: string | undefined;
  for (let page = 0; page < 10; page++) {
    const { executions, next } = await queue.history(tenants[0], 3, after);
    seen.push(...executions.map(({ id }) => id));
    if (next === undefined) break;
    after = next;
  }
  expect(seen.toSorted()).toEqual(ids.toSorted());
  expect(ids.slice(5)).toContain(seen[0]);
});

test("what a lease's holder tells can be read from any place on; a new attempt tells it again", async () => {
  await add();
  const lease = await one();
  const told = [1, 2, 3].map((number) => ({ type: "progress", share: number / 3, note: `${number}` }) as const);
  await queue.addEvents(lease, 1, told.slice(0, 2));
  await queue.addEvents(lease, 3, told.slice(2));
  const from = { fence: lease.fence, number: 1 };
  expect((await queue.eventsAfter(lease.id, from)).map(({ event }) => event)).toEqual(told.slice(1));
  expect(await queue.eventsAfter(lease.id, { fence: "0", number: 0 })).toHaveLength(3);
});
