import { ManualClock, ms, systemClock } from "@mettle/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NatsNews } from "../../src/storage/nats-news.ts";
import type { Bulletin } from "../../src/storage/news.ts";
import { call, databaseUrl, logIn, testService } from "../running.ts";
import { hasNats, TestNats } from "./nats-server.ts";
import { testServer } from "./server.ts";

/** NOTIFY's stand-in: writes down what is told, and passes it on. */
class Notes implements Bulletin {
  readonly told: string[] = [];
  readonly #listeners = new Map<string, Set<(payload: string) => void>>();

  listen(channel: string, listener: (payload: string) => void): () => void {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  async tell(channel: string, payload: string): Promise<void> {
    this.told.push(`${channel}: ${payload}`);
    for (const listener of this.#listeners.get(channel) ?? []) listener(payload);
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
async function until(is: () => boolean): Promise<void> {
  while (!is()) await turn();
}

describe.skipIf(!hasNats)("news over NATS", () => {
  interface Instance extends AsyncDisposable {
    readonly news: NatsNews;
    readonly heard: string[];
    readonly troubles: unknown[];
  }
  function instance(url: string, otherwise: Bulletin, scope = "one", clock = systemClock): Instance {
    const heard: string[] = [];
    const troubles: unknown[] = [];
    const onTrouble = (error: unknown): void => void troubles.push(error);
    const news = new NatsNews({ url, scope, otherwise, clock, onTrouble });
    news.listen("queued", (payload) => heard.push(payload));
    return { news, heard, troubles, [Symbol.asyncDispose]: () => news[Symbol.asyncDispose]() };
  }

  test("reach all instances of the same database, each once, and cost the database nothing", async () => {
    await using nats = await TestNats.start();
    const notes = new Notes();
    await using a = instance(nats.urlFor(), notes);
    await using b = instance(nats.urlFor(), notes);
    await using stranger = instance(nats.urlFor(), new Notes(), "two");
    await until(() => a.news.connected && b.news.connected && stranger.news.connected);
    await a.news.tell("queued", "first");
    await b.news.tell("queued", "second");
    await b.news.tell("other", "nobody listens");
    await until(() => a.heard.includes("second") && b.heard.includes("first") && b.heard.includes("second"));
    // Connected anew, each was asked to look for itself.
    expect([a.heard.toSorted(), b.heard.toSorted()]).toEqual([
      ["", "first", "second"],
      ["", "first", "second"],
    ]);
    expect([stranger.heard, notes.told]).toEqual([[""], []]);
  });

  test("a listener that has ended hears nothing", async () => {
    await using nats = await TestNats.start();
    const notes = new Notes();
    await using one = instance(nats.urlFor(), notes);
    await until(() => one.news.connected);
    const more: string[] = [];
    const stop = one.news.listen("queued", (payload) => more.push(payload));
    stop();
    await one.news.tell("queued", "now");
    await until(() => one.heard.includes("now"));
    await notes.tell("queued", "and by the database");
    expect([more, one.heard.at(-1)]).toEqual([[], "and by the database"]);
  });

  test("go by the database while the server is away, and by the server when it is back", async () => {
    await using nats = await TestNats.start();
    const notes = new Notes();
    await using a = instance(nats.urlFor(), notes);
    await using b = instance(nats.urlFor(), notes);
    await until(() => a.news.connected && b.news.connected);
    await nats.kill();
    await until(() => !a.news.connected && !b.news.connected);
    await a.news.tell("queued", "meanwhile");
    expect([notes.told, a.heard.at(-1), b.heard.at(-1)]).toEqual([["queued: meanwhile"], "meanwhile", "meanwhile"]);
    await nats.start();
    await until(() => a.news.connected && b.news.connected);
    expect([a.heard.at(-1), b.heard.at(-1)]).toEqual(["", ""]);
    await b.news.tell("queued", "again");
    await until(() => a.heard.includes("again"));
    expect(notes.told).toEqual(["queued: meanwhile"]);
  });

  test("a server that refuses who asks, or is not there, is told once and asked again; its users are let in", async () => {
    await using nats = await TestNats.start(["--user", "mettle", "--pass", "p@ss/word"]);
    const notes = new Notes();
    const clock = new ManualClock();
    await using refused = instance(nats.urlFor("mettle:wrong@"), notes, "one", clock);
    await until(() => refused.troubles.length > 0);
    await clock.advance(ms(500));
    await refused.news.tell("queued", "by the database");
    expect(notes.told).toEqual(["queued: by the database"]);
    await using known = instance(nats.urlFor("mettle:p%40ss%2Fword@"), notes);
    await until(() => known.news.connected);
    expect([refused.news.connected, refused.troubles.length, known.troubles]).toEqual([false, 1, []]);
  });
});

describe.skipIf(!hasNats)("instances with NATS_URL", () => {
  let postgres: Awaited<ReturnType<typeof testServer>>;
  beforeAll(async () => {
    postgres = await testServer();
  });
  afterAll(async () => postgres[Symbol.asyncDispose]());

  test("run each other's executions and tell of them, with the server and without", async () => {
    await using nats = await TestNats.start();
    const settings = { DATABASE_URL: await databaseUrl(postgres.server), NATS_URL: nats.urlFor() };
    await using asked = await testService(postgres.server, { ...settings, METTLE_EXECUTIONS: "1" });
    await using other = await testService(postgres.server, settings);
    const token = await logIn(asked.url);
    const metric = async (url: string): Promise<string | undefined> =>
      /^nats_connected (\d)$/m.exec(String((await call(url, "GET", "/metrics")).body["text"]))?.[1];
    const all = async (value: string): Promise<void> => {
      while ((await metric(asked.url)) !== value || (await metric(other.url)) !== value);
    };
    const task = { type: "summarize", input: "The mill grinds wheat." };
    const run = async (): Promise<void> => {
      const many = Array.from({ length: 10 }, () =>
        call(asked.url, "POST", "/agents/execute", { token, body: { agent_type: "text_processor", task } }),
      );
      for (const answer of await Promise.all(many)) expect(answer).toMatchObject({ body: { status: "succeeded" } });
    };
    await all("1");
    await run();
    await nats.kill();
    await all("0");
    await run();
    expect(await call(asked.url, "GET", "/ready")).toMatchObject({ status: 200 });
    await nats.start();
    await all("1");
    await run();
  });
});
