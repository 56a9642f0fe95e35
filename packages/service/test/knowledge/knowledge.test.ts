import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Database } from "../../src/storage/database.ts";
import { type Answer, call, logIn, logInElsewhere, testService } from "../running.ts";
import { testDatabase, testServer, urlOf } from "../storage/server.ts";
import { meanReciprocalRank, passages, questions } from "./relevance-set.ts";

let postgres: Awaited<ReturnType<typeof testServer>>;
let service: Awaited<ReturnType<typeof testService>>;
let database: Database;
let token = "";
let others = "";
beforeAll(async () => {
  postgres = await testServer();
  database = await testDatabase(postgres.server);
  service = await testService(postgres.server, { DATABASE_URL: await urlOf(postgres.server, database) });
  token = await logIn(service.url);
  others = await logInElsewhere(service.url, token, database);
  // On a busy machine the index's thread may take longer to begin than a search waits for it.
  for (const as of [token, others]) {
    const asked = { token: as, body: { query: "is it there" } };
    while ((await call(service.url, "POST", "/knowledge/search", asked)).body["searched_by"] !== "meaning and words");
  }
});
afterAll(async () => {
  await service.close();
  await database.close();
  await postgres[Symbol.asyncDispose]();
});

const upload = (text: string | Uint8Array, query = "", type = "text/markdown", as = token): Promise<Answer> =>
  fetch(new URL(`/knowledge/documents${query}`, service.url), {
    method: "POST",
    headers: { authorization: `Bearer ${as}`, "content-type": type },
    body: text as string,
  }).then(async (response) => ({
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  }));
interface Hit {
  readonly document_id: string;
  readonly title: string;
  readonly text: string;
  readonly heading: string | null;
  readonly score: number;
  readonly similarity: number | null;
}
async function search(query: string, more: object = {}, as = token): Promise<readonly Hit[]> {
  const { body } = await call(service.url, "POST", "/knowledge/search", { token: as, body: { query, ...more } });
  return body["results"] as readonly Hit[];
}
const codeOf = ({ body }: Answer): unknown => (body["error"] as { readonly code: unknown } | undefined)?.code;

describe("documents", () => {
  test("are found as soon as they are stored, and no longer when they are deleted", async () => {
    const stored = await upload("# Quorl\n\nThe quorl hums at noon.", "?category=birds");
    expect(stored).toMatchObject({
      status: 201,
      body: { title: "Quorl", format: "markdown", category: "birds", chunks: 1 },
    });
    const id = String(stored.body["document_id"]);
    const [hit] = await search("when does the quorl hum");
    expect(hit).toMatchObject({ document_id: id, heading: "Quorl", text: "The quorl hums at noon.", score: 1 });
    expect(hit?.similarity).toBeGreaterThan(0.3);
    const path = `/knowledge/documents/${id}`;
    expect(await call(service.url, "GET", path, { token })).toMatchObject({
      status: 200,
      body: { passages: [{ number: 0, heading: "Quorl", page: null, text: "The quorl hums at noon." }] },
    });
    expect(await call(service.url, "DELETE", path, { token })).toMatchObject({ status: 204 });
    expect(await search("when does the quorl hum")).toEqual([]);
    expect(codeOf(await call(service.url, "GET", path, { token }))).toBe("DOCUMENT_UNKNOWN");
    expect(codeOf(await call(service.url, "DELETE", path, { token }))).toBe("DOCUMENT_UNKNOWN");
  });

  test("the same content is one document, also when it comes twice at once", async () => {
    const answers = await Promise.all([1, 2, 3].map(() => upload("Twice the same.", "?title=Same", "text/plain")));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 201]);
    expect(new Set(answers.map(({ body }) => body["document_id"])).size).toBe(1);
    expect((await search("twice the same")).filter(({ title }) => title === "Same")).toHaveLength(1);
  });

  test("are listed page by page", async () => {
    for (let i = 0; i < 5; i++) await upload(`Listed number ${i}.`, `?title=L${i}&category=listed`, "text/plain");
    const titles: unknown[] = [];
    let after = "";
    do {
      const path = `/knowledge/documents?category=listed&limit=2${after}`;
      const { body } = await call(service.url, "GET", path, { token });
      titles.push(...(body["documents"] as readonly { title: string }[]).map(({ title }) => title));
      after = body["next"] === undefined ? "" : `&after=${body["next"] as string}`;
    } while (after !== "");
    expect(titles).toEqual(["L4", "L3", "L2", "L1", "L0"]);
  });

  test.each([
    ["compressed", "text/plain", "x", 415, "DOCUMENT_FORMAT_UNKNOWN", "application/zip"],
    ["empty", "text/plain", " \n\t ", 422, "DOCUMENT_EMPTY", "text/plain"],
    ["not what it says", "application/pdf", "hello", 422, "DOCUMENT_UNREADABLE", "application/pdf"],
    ["nested without end", "text/html", "<div>".repeat(100_000), 422, "DOCUMENT_UNREADABLE", "text/html"],
    ["no text", "text/plain", new Uint8Array([0xff, 0xfe]), 422, "DOCUMENT_UNREADABLE", "text/plain"],
    ["too large", "text/plain", "x".repeat(21_000_000), 413, "REQUEST_BODY_TOO_LARGE", "text/plain"],
  ])("%s ones are refused", async (name, _type, data, status, code, type) => {
    const answer = await upload(data, "", type);
    expect([answer.status, codeOf(answer)]).toEqual([
      status,
      name === "compressed" ? "REQUEST_INVALID_MEDIA_TYPE" : code,
    ]);
  });

  test("a body that says that it is packed is not unpacked", async () => {
    const response = await fetch(new URL("/knowledge/documents", service.url), {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "text/plain", "content-encoding": "gzip" },
      body: "x",
    });
    expect([response.status, ((await response.json()) as { error: { code: string } }).error.code]).toEqual([
      415,
      "DOCUMENT_COMPRESSED",
    ]);
  });

  test("a title is no path: what looks like one is only text", async () => {
    const title = "../../../etc/passwd";
    const answer = await upload("Traversal is for tourists.", `?title=${encodeURIComponent(title)}`, "text/plain");
    expect(answer.body).toMatchObject({ title });
    expect((await search("traversal for tourists"))[0]).toMatchObject({ title });
  });
});

describe("search", () => {
  beforeAll(async () => {
    for (const [i, passage] of passages.entries()) await upload(passage, `?title=P${i}&category=set`, "text/plain");
  });

  test("S4-032 by meaning and by words finds what is asked for", async () => {
    const scores = new Map<string, Map<string, number>>();
    for (const { question } of questions) {
      const hits = await search(question, { category: "set", limit: 30 });
      scores.set(question, new Map(hits.map(({ title, score }) => [title, score])));
    }
    const rank = (kind: string): number =>
      meanReciprocalRank(
        questions.filter((one) => one.kind === kind),
        (question, _passage, place) => scores.get(question)?.get(`P${place}`) ?? 0,
      );
    expect(rank("name")).toBe(1);
    expect(rank("meaning")).toBeGreaterThan(0.9);
  });

  test("scores fall and lie between 0 and 1", async () => {
    const hits = await search("what happens when the database has no connection left", { limit: 20 });
    const scores = hits.map(({ score }) => score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    expect(scores.every((score) => score > 0 && score <= 1)).toBe(true);
  });

  test("nobody sees what another tenant knows, by no way", async () => {
    await upload("The vault code is 7431.", "?title=Vault&category=secret", "text/plain");
    const [mine] = await search("vault code 7431");
    expect(mine?.title).toBe("Vault");
    expect(await search("vault code 7431", {}, others)).toEqual([]);
    const path = `/knowledge/documents/${mine?.document_id}`;
    for (const method of ["GET", "DELETE"]) {
      expect((await call(service.url, method, path, { token: others })).status).toBe(404);
    }
    const { body } = await call(service.url, "GET", "/knowledge/documents", { token: others });
    expect(body["documents"]).toEqual([]);
    const after = await call(service.url, "GET", `/knowledge/documents?after=${mine?.document_id}`, { token: others });
    expect(after.body["documents"]).toEqual([]);
    // The same content may be stored by both; each has its own.
    expect((await upload("The vault code is 7431.", "?title=Mine", "text/plain", others)).status).toBe(201);
    expect((await search("vault code 7431", {}, others)).map(({ title }) => title)).toEqual(["Mine"]);
  });

  test.each(["'; DROP TABLE knowledge_chunks; --", "a & b | ! ( :* '", "\\'", "%_", "<->", "𝔘𝔫𝔦 \u202e"])(
    "signs in a question are only signs: %s",
    async (query) => {
      expect((await call(service.url, "POST", "/knowledge/search", { token, body: { query } })).status).toBe(200);
    },
  );

  test.each([
    [{}],
    [{ query: "" }],
    [{ query: "  " }],
    [{ query: "a\0b" }],
    [{ query: "a", limit: 101 }],
    [{ query: "a", tenant_id: "x" }],
  ])("refuses %j", async (body) => {
    expect(codeOf(await call(service.url, "POST", "/knowledge/search", { token, body }))).toBe("REQUEST_INVALID");
  });

  test("asks for a token", async () => {
    expect((await call(service.url, "POST", "/knowledge/search", { body: { query: "a" } })).status).toBe(401);
  });

  test("a question asked again is answered from the cache, until something changes", async () => {
    const hits = async (): Promise<number> => {
      const { body } = await call(service.url, "GET", "/metrics");
      return Number(/cache_hits_total\{cache="knowledge"\} (\d+)/.exec(String(body["text"]))?.[1]);
    };
    const query = "something that nobody has asked before";
    await search(query);
    const before = await hits();
    await search(query);
    expect(await hits()).toBe(before + 1);
    await upload("Something that nobody has asked before stands here.", "?title=New", "text/plain");
    expect((await search(query))[0]?.title).toBe("New");
    expect(await hits()).toBe(before + 1);
  });

  test("a context cites what it is made of and keeps to its budget (S4-101)", async () => {
    const body = { query: "how do I repair a bicycle", max_tokens: 80, category: "set" };
    const { status, body: answer } = await call(service.url, "POST", "/knowledge/context", { token, body });
    expect(status).toBe(200);
    expect(answer["tokens"]).toBeLessThanOrEqual(80);
    expect(answer["context"]).toMatch(/^\[1\] P1\nA broken spoke/);
    expect((answer["citations"] as readonly object[])[0]).toMatchObject({ number: 1, title: "P1", chunks: [0, 0] });
  });
});
