import { describe, expect, test } from "vitest";
import { RemoteEmbedder } from "../../../src/knowledge/embedding/remote-embedder.ts";

interface Asked {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: { readonly input: readonly string[] };
}

/** A model that embeds a text as its length, at any angle. */
function modelThat(answer: (asked: Asked) => Response): { readonly embedder: RemoteEmbedder; readonly asked: Asked[] } {
  const asked: Asked[] = [];
  const send = ((url: string, { headers, body }: { headers: Record<string, string>; body: string }) => {
    const one = { url, headers, body: JSON.parse(body) as Asked["body"] };
    asked.push(one);
    return Promise.resolve(answer(one));
  }) as unknown as typeof fetch;
  const embedder = new RemoteEmbedder({
    baseUrl: "http://model.test/v1/",
    name: "e",
    apiKey: "k",
    dimensions: 2,
    fetch: send,
  });
  return { embedder, asked };
}
const answered = (data: unknown): Response => Response.json({ data });

test("asks in batches, in any order of answers, and makes the length 1", async () => {
  const { embedder, asked } = modelThat(({ body }) =>
    answered(body.input.map((text, index) => ({ index, embedding: [3 * text.length, 4 * text.length] })).toReversed()),
  );
  const texts = Array.from({ length: 130 }, (_, i) => "x".repeat(i + 1));
  const vectors = await embedder.embed(texts);
  expect(vectors).toHaveLength(130);
  for (const vector of vectors) expect([...vector].map((value) => value.toFixed(4))).toEqual(["0.6000", "0.8000"]);
  expect(asked.map(({ body }) => body.input.length)).toEqual([64, 64, 2]);
  expect(asked[0]).toMatchObject({ url: "http://model.test/v1/embeddings", headers: { authorization: "Bearer k" } });
});

describe("an answer that is not as expected is no vector", () => {
  test.each([
    ["a failure", () => new Response("no", { status: 500 })],
    ["no JSON", () => new Response("<html>")],
    ["another size", () => answered([{ embedding: [1, 2, 3] }])],
    ["nothing", () => answered([])],
  ])("%s", async (_name, answer) => {
    const { embedder } = modelThat(answer);
    await expect(embedder.embed(["a"])).rejects.toMatchObject({ type: "bad_gateway", code: "EMBEDDING_FAILED" });
  });
});
