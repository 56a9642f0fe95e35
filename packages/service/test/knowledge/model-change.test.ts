import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { type AddressInfo } from "node:net";
import { createHash, randomUUID } from "node:crypto";
import { ManualClock, ms } from "@mettle/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Embedder, normalize } from "../../src/knowledge/embedding/embedder.ts";
import { LocalEmbedder } from "../../src/knowledge/embedding/local-embedder.ts";
import { KnowledgeStore } from "../../src/knowledge/knowledge-store.ts";
import { ModelChanger } from "../../src/knowledge/model-change/model-changer.ts";
import { ModelStore } from "../../src/knowledge/model-change/model-store.ts";
import type { Service } from "../../src/service.ts";
import type { Database } from "../../src/storage/database.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { migrations } from "../../src/storage/migrations/index.ts";
import { type Answer, call, databaseUrl, logIn, testService } from "../running.ts";
import { testDatabase, testServer } from "../storage/server.ts";

let postgres: Awaited<ReturnType<typeof testServer>>;
beforeAll(async () => {
  postgres = await testServer();
});
afterAll(async () => postgres[Symbol.asyncDispose]());

/** An embedding server that gives the embedded algorithm's vectors, as another model; of some texts only when it is let. */
class HeldModel implements AsyncDisposable {
  readonly #server: Server;
  #free = Promise.withResolvers<void>();
  /** Texts of requests that wait. */
  readonly asked: string[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(dimensions: number, held: RegExp): Promise<HeldModel> {
    const local = await LocalEmbedder.load(dimensions);
    const model: HeldModel = new HeldModel(
      createServer((request, response) => {
        const pieces: Buffer[] = [];
        request.on("data", (piece: Buffer) => pieces.push(piece));
        request.on("end", () => {
          const { input } = JSON.parse(Buffer.concat(pieces).toString()) as { readonly input: readonly string[] };
          model.asked.push(...input);
          const data = input.map((text, index) => ({ index, embedding: [...local.embedOne(text)] }));
          const free = input.some((text) => held.test(text)) ? model.#free.promise : Promise.resolve();
          void free.then(() => response.end(JSON.stringify({ data })));
        });
      }).listen(0, "127.0.0.1"),
    );
    await once(model.#server, "listening");
    return model;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  let(): void {
    this.#free.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.let();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

describe("a service that is started with another model", () => {
  const upload = async ({ url }: Service, token: string, text: string): Promise<void> => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "text/plain" };
    const response = await fetch(new URL("/knowledge/documents", url), { method: "POST", headers, body: text });
    expect(response.status).toBe(201);
  };
  const search = async ({ url }: Service, token: string, query: string): Promise<Answer> =>
    call(url, "POST", "/knowledge/search", { token, body: { query, limit: 1 } });
  const meant = { status: 200, body: { searched_by: "meaning and words" } };
  const status = async ({ url }: Service, token: string): Promise<Record<string, unknown>> =>
    (await call(url, "GET", "/knowledge/status", { token })).body;
  /** An index's thread may take longer to begin than a search waits for it. */
  async function ready(service: Service, token: string, query: string): Promise<Answer> {
    for (;;) {
      const answer = await search(service, token, `${query} ${randomUUID()}`);
      if (answer.body["searched_by"] === "meaning and words") return answer;
    }
  }

  test("searches go on by the vectors that are there, and by the new ones when all are", async () => {
    const url = await databaseUrl(postgres.server);
    let token: string;
    {
      await using before = await testService(postgres.server, { DATABASE_URL: url });
      token = await logIn(before.url);
      await upload(before, token, "The mill grinds wheat into flour.");
      await upload(before, token, "A sailor mends the nets at night.");
      expect(await status(before, token)).toMatchObject({ searched_by: "mettle-words-1/384", changing: null });
    }
    await using model = await HeldModel.start(256, /wheat|sailor/);
    const settings = {
      DATABASE_URL: url,
      EMBEDDING_BASE_URL: model.url,
      EMBEDDING_NAME: "other",
      EMBEDDING_DIMENSIONS: "256",
    };
    const after = await testService(postgres.server, settings);
    try {
      while (model.asked.length < 2) await status(after, token);
      // It has been asked for the new vectors, and does not answer yet.
      expect(await ready(after, token, "grain")).toMatchObject({ status: 200 });
      expect((await search(after, token, "what grinds grain")).body).toMatchObject({
        searched_by: "meaning and words",
        results: [{ text: "The mill grinds wheat into flour.", similarity: expect.any(Number) as number }],
      });
      expect(await status(after, token)).toMatchObject({
        searched_by: "mettle-words-1/384",
        changing: { model: "other/256", done: 0, total: 2 },
      });
      // What is stored meanwhile is found by meaning too.
      await upload(after, token, "Bees live in a hive.");
      expect((await search(after, token, "where do honeybees dwell")).body).toMatchObject({
        results: [{ text: "Bees live in a hive.", similarity: expect.any(Number) as number }],
      });
      model.let();
      for (let now; now !== "other/256"; ) now = (await status(after, token))["searched_by"];
      expect(await status(after, token)).toMatchObject({ searched_by: "other/256", changing: null });
      expect(await ready(after, token, "boat")).toMatchObject(meant);
      expect(model.asked.some((text) => text.startsWith("boat"))).toBe(true);
      expect((await search(after, token, "seaman")).body).toMatchObject({
        results: [{ text: "A sailor mends the nets at night." }],
      });
      await upload(after, token, "The baker sells bread.");
    } finally {
      await after.close();
    }
    // Back again, with the model that was used last out of reach: words are left until the change is done.
    await model[Symbol.asyncDispose]();
    await using back = await testService(postgres.server, { DATABASE_URL: url });
    expect(await search(back, token, "sailor nets")).toMatchObject({ status: 200 });
    for (let now; now !== "mettle-words-1/384"; ) now = (await status(back, token))["searched_by"];
    await ready(back, token, "flour");
    expect((await search(back, token, "who sells loaves")).body).toMatchObject({
      results: [{ text: "The baker sells bread.", similarity: expect.any(Number) as number }],
    });
  });
});

describe("the change itself", () => {
  const tenantId = randomUUID();
  let database: Database;
  let store: KnowledgeStore;
  let models: ModelStore;
  beforeAll(async () => {
    database = await testDatabase(postgres.server);
    await migrate(database, migrations);
    await database.run("INSERT INTO tenants (id, name) VALUES ($1, 't')", [tenantId]);
    store = new KnowledgeStore(database);
    models = new ModelStore(database);
  });
  afterAll(async () => database.close());

  const add = async (text: string, model: string): Promise<void> => {
    await store.add({
      tenantId,
      userId: tenantId,
      title: text,
      category: undefined,
      format: "text",
      digest: createHash("sha256").update(text).digest(),
      characters: text.length,
      createdAt: new Date(0),
      chunks: [{ text, heading: undefined, page: undefined }],
      vectors: [Float32Array.of(1, 0)],
      model,
    });
  };
  const counts = async (): Promise<unknown> =>
    database.query("SELECT model, count(*)::int AS n FROM knowledge_vectors GROUP BY model ORDER BY model");
  const state = async (): Promise<unknown> => (await store.stateOf(tenantId)).model;

  interface Changing extends AsyncDisposable {
    readonly texts: string[];
    readonly clock: ManualClock;
    readonly troubles: unknown[];
    /** Until so many tenants' changes have been announced. */
    readonly announced: (times: number) => Promise<void>;
  }
  function change(model: string, failing: (text: string) => boolean = () => false): Changing {
    const texts: string[] = [];
    const troubles: unknown[] = [];
    const clock = new ManualClock();
    let times = 0;
    const embedder: Embedder = {
      model,
      dimensions: 2,
      embed: async (some) => {
        if (some.some(failing)) throw new Error("the model is away");
        texts.push(...some);
        return some.map(() => normalize(Float32Array.of(1, 1)));
      },
    };
    const changer = new ModelChanger({
      models,
      embedder,
      clock,
      changed: async () => void (times += 1),
      onTrouble: (error) => void troubles.push(error),
      step: 2,
    });
    const announced = async (most: number): Promise<void> => {
      while (times < most) await counts();
    };
    return { texts, clock, troubles, announced, [Symbol.asyncDispose]: async () => changer.close() };
  }

  test("is broken off and goes on where it was; nothing is embedded twice, nothing is lost", async () => {
    for (const text of ["a", "b", "c", "d", "e"]) await add(text, "old/2");
    await models.use("new/2", undefined);
    {
      await using first = change("new/2", (text) => text === "c");
      while (first.troubles.length === 0) await counts();
      expect(first.texts).toEqual(["a", "b"]);
    }
    expect(await models.changeOf(tenantId)).toEqual({ model: "new/2", done: 2, total: 5 });
    expect([await state(), await counts()]).toEqual([
      "old/2",
      [
        { model: "new/2", n: 2 },
        { model: "old/2", n: 5 },
      ],
    ]);
    await add("f", "old/2"); // by an instance that knows nothing of the new one
    await using second = change("new/2");
    await second.announced(3);
    while (((await counts()) as readonly object[]).length > 1);
    expect(second.texts).toEqual(["c", "d", "e", "f"]);
    expect([await state(), await counts()]).toEqual(["new/2", [{ model: "new/2", n: 6 }]]);
    expect(await models.changeOf(tenantId)).toBeUndefined();
  });

  test("what an instance of the old model stores afterwards is embedded too", async () => {
    await using changing = change("new/2");
    await add("g", "old/2");
    while (changing.texts.length === 0) {
      await changing.clock.advance(ms(60_000));
      await counts();
    }
    while (((await counts()) as readonly object[]).length > 1);
    expect(changing.texts).toEqual(["g"]);
    expect([await state(), await counts()]).toEqual(["new/2", [{ model: "new/2", n: 7 }]]);
  });

  test("a model that is away is asked again; only one instance works on a tenant, and only for the model that came last", async () => {
    await models.use("newer/2", undefined);
    let away = true;
    await using stale = change("new/2");
    await using one = change("newer/2", () => away);
    await using two = change("newer/2", () => away);
    while (one.troubles.length + two.troubles.length === 0) await counts();
    away = false;
    while ((await state()) !== "newer/2") {
      for (const { clock } of [stale, one, two]) await clock.advance(ms(10_000));
      await counts();
    }
    expect([...one.texts, ...two.texts].toSorted()).toEqual(["a", "b", "c", "d", "e", "f", "g"]);
    expect(stale.texts).toEqual([]);
    // Told once, however often it was tried.
    expect(one.troubles.length + two.troubles.length).toBeLessThanOrEqual(2);
  });

  test("a passage that is removed meanwhile is not embedded, and holds nothing up", async () => {
    await models.use("last/2", undefined);
    const { documents } = await store.list(tenantId, 100, {});
    const [gone] = documents;
    const embedded: string[] = [];
    await using changer = new ModelChanger({
      models,
      clock: new ManualClock(),
      step: 100,
      embedder: {
        model: "last/2",
        dimensions: 2,
        embed: async (texts) => {
          embedded.push(...texts);
          await store.remove(tenantId, gone?.id ?? "");
          return texts.map(() => Float32Array.of(1, 0));
        },
      },
      changed: async () => undefined,
      onTrouble: (error) => void embedded.push(String(error)),
    });
    while ((await state()) !== "last/2");
    while (((await counts()) as readonly object[]).length > 1);
    expect(embedded).toHaveLength(7);
    expect(await counts()).toEqual([{ model: "last/2", n: 6 }]);
    expect(changer.embedded).toBe(7);
  });
});
