import { EventEmitter } from "node:events";
import { ManualClock, ms, systemClock } from "@mettle/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Connection, Database, poolDefaults } from "../../src/storage/database.ts";
import { News } from "../../src/storage/news.ts";
import { testDatabase, testServer, urlOf } from "./server.ts";

let postgres: Awaited<ReturnType<typeof testServer>>;
beforeAll(async () => {
  postgres = await testServer();
});
afterAll(async () => postgres[Symbol.asyncDispose]());

/** Listens on a channel from its connection on: the empty payload that asks everybody to look is not kept. */
async function listening(
  news: News,
  channel: string,
): Promise<{ heard: string[]; until: (count: number) => Promise<void> }> {
  const heard: string[] = [];
  const begun = Promise.withResolvers<void>();
  let more = Promise.withResolvers<void>();
  news.listen(channel, (payload) => {
    if (payload === "") begun.resolve();
    else heard.push(payload);
    more.resolve();
  });
  await begun.promise;
  return {
    heard,
    until: async (count) => {
      while (heard.length < count) {
        await more.promise;
        more = Promise.withResolvers();
      }
    },
  };
}

test("this instance is told at once and once, the other by the database, in order, in few statements", async () => {
  await using here = await testDatabase(postgres.server);
  await using there = new Database(await urlOf(postgres.server, here), poolDefaults, systemClock);
  await using mine = new News(here, systemClock);
  await using theirs = new News(there, systemClock);
  const [own, other] = [await listening(mine, "work"), await listening(theirs, "work")];
  const before = here.gauges.queries;
  const payloads = Array.from({ length: 50 }, (_, i) => `n${i}`);
  const told = Promise.all(payloads.map((payload) => mine.tell("work", payload)));
  expect(own.heard).toEqual(payloads);
  await told;
  expect(here.gauges.queries - before).toBeLessThanOrEqual(2);
  await other.until(50);
  expect(other.heard).toEqual(payloads);
  // What the other tells comes after whatever of its own this instance might have been told a second time.
  await theirs.tell("work", "answer");
  await own.until(51);
  expect(own.heard).toEqual([...payloads, "answer"]);
});

test("who cannot tell the others is told so, and the next news goes out", async () => {
  await using here = await testDatabase(postgres.server);
  await using mine = new News(here, systemClock);
  const own = await listening(mine, "work");
  // A payload that the server refuses stands in for an outage.
  await expect(mine.tell("work", "a\u0000b")).rejects.toThrow();
  await mine.tell("work", "c");
  expect(own.heard).toEqual(["a\u0000b", "c"]);
});

test("a connection that breaks while it begins to listen is no error that nobody hears of", async () => {
  const clock = new ManualClock();
  const connection = Object.assign(new EventEmitter(), {
    query: (): Promise<never> => {
      connection.emit("error", new Error("terminated"));
      return Promise.reject(new Error("terminated"));
    },
  });
  const tried = Promise.withResolvers<void>();
  let attempts = 0;
  const database = {
    withConnection: async (work: (one: Connection) => Promise<void>): Promise<void> => {
      attempts += 1;
      if (attempts === 1) throw new Error("not there yet"); // so that somebody listens by then
      await work(connection as unknown as Connection).finally(tried.resolve);
    },
  } as unknown as Database;
  const unheard: unknown[] = [];
  const hear = (reason: unknown): void => void unheard.push(reason);
  process.on("unhandledRejection", hear);
  await using news = new News(database, clock);
  news.listen("work", () => undefined);
  while (news.losses === 0) await new Promise(setImmediate);
  await clock.advance(ms(500));
  await tried.promise;
  await new Promise(setImmediate); // Node tells of unheard rejections before this
  process.off("unhandledRejection", hear);
  expect([news.losses, unheard]).toEqual([2, []]);
});
