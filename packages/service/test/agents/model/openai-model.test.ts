import { ManualClock, ms, systemClock } from "@mettle/core";
import { expect, test } from "vitest";
import { OpenAiModel, type OpenAiModelOptions } from "../../../src/agents/model/openai-model.ts";
import { refuses, says, scriptedModel } from "./scripted-model.ts";

const modelAt = (baseUrl: string, change: Partial<OpenAiModelOptions> = {}): OpenAiModel =>
  new OpenAiModel({ baseUrl, name: "m", clock: systemClock, silentAtMost: ms(60_000), ...change });
const request = (onText?: (text: string) => void, signal = new AbortController().signal) => ({
  instruction: "Do.",
  material: "This.",
  maxTokens: 9,
  signal,
  ...(onText && { onText }),
});

/** Lets a client's waits pass as soon as it waits. */
async function hurrying<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  let over = false;
  const settled = work.finally(() => (over = true));
  settled.catch(() => undefined);
  while (!over) {
    await new Promise(setImmediate);
    await clock.advance(ms(1000));
  }
  return settled;
}

test("asks as OpenAI's clients do, and passes on each piece as it comes", async () => {
  await using server = await scriptedModel(says(["Mills ", "grind", "."]));
  const pieces: string[] = [];
  const model = modelAt(`${server.url}/`, { apiKey: "k3y" });
  expect(await model.write(request((text) => pieces.push(text)))).toBe("Mills grind.");
  expect(pieces).toEqual(["Mills ", "grind", "."]);
  const [call] = server.calls;
  expect(call?.headers.authorization).toBe("Bearer k3y");
  expect(call?.body).toMatchObject({
    model: "m",
    stream: true,
    max_tokens: 9,
    messages: [
      { role: "system", content: "Do." },
      { role: "user", content: "This." },
    ],
  });
  expect(model.statistics).toEqual({ answered: 1, failed: 0, retried: 0 });
});

test("pieces that are cut in the middle of a character come out whole", async () => {
  const bytes = Buffer.from(
    `data: ${JSON.stringify({ choices: [{ delta: { content: "Mühle 🌾" } }] })}\n\ndata: [DONE]\n\n`,
  );
  await using server = await scriptedModel((_call, response) => {
    response.writeHead(200);
    let at = 0;
    const next = (): void => {
      response.write(bytes.subarray(at, at + 1));
      at += 1;
      if (at < bytes.length) setImmediate(next);
      else response.end();
    };
    next();
  });
  expect(await modelAt(server.url).write(request())).toBe("Mühle 🌾");
});

test.each([429, 500, 502, 503, 504])("tries again after %i", async (status) => {
  await using server = await scriptedModel(refuses(status), refuses(status), says(["There."]));
  const clock = new ManualClock();
  const model = modelAt(server.url, { clock });
  expect(await hurrying(clock, model.write(request()))).toBe("There.");
  expect(model.statistics).toEqual({ answered: 1, failed: 0, retried: 2 });
});

test("waits as long as the server asks", async () => {
  await using server = await scriptedModel(refuses(429, { "retry-after": "7" }), says(["Now."]));
  const clock = new ManualClock();
  await hurrying(clock, modelAt(server.url, { clock }).write(request()));
  expect(clock.wallTime()).toBeGreaterThanOrEqual(7000);
});

test.each([
  ["a wrong key", [refuses(401)], "MODEL_REFUSED", 1],
  ["a request that it does not understand", [refuses(400)], "MODEL_REFUSED", 1],
  ["another address", [refuses(302, { location: "http://127.0.0.1:1/" })], "MODEL_UNAVAILABLE", 3],
  ["what never works", [refuses(503)], "MODEL_UNAVAILABLE", 3],
  ["an answer that breaks off", [says(["Half a "], { breaksOff: true })], "MODEL_CUT_OFF", 1],
  ["an answer that breaks off before it begins", [says([], { breaksOff: true })], "MODEL_UNAVAILABLE", 3],
] as const)("%s fails", async (_name, scripts, code, calls) => {
  await using server = await scriptedModel(...scripts);
  const clock = new ManualClock();
  const model = modelAt(server.url, { clock });
  await expect(hurrying(clock, model.write(request()))).rejects.toMatchObject({ code });
  expect(server.calls).toHaveLength(calls);
  expect(model.statistics).toMatchObject({ answered: 0, failed: 1 });
});

test("an event that is no JSON, and an error in the stream, are failures", async () => {
  for (const data of ["{", '{"error":{"message":"overloaded"}}']) {
    await using server = await scriptedModel((_call, response) => response.writeHead(200).end(`data: ${data}\n\n`));
    const clock = new ManualClock();
    await expect(hurrying(clock, modelAt(server.url, { clock }).write(request()))).rejects.toMatchObject({
      code: "MODEL_UNAVAILABLE",
    });
  }
});

test("a model that keeps failing is left alone, and asked again later", async () => {
  let broken = true;
  await using server = await scriptedModel((call, response) =>
    (broken ? refuses(503) : says(["Back."]))(call, response),
  );
  const clock = new ManualClock();
  const model = modelAt(server.url, { clock });
  const asked: number[] = [];
  for (let i = 0; i < 3; i++) {
    await expect(hurrying(clock, model.write(request()))).rejects.toMatchObject({ code: "MODEL_UNAVAILABLE" });
    asked.push(server.calls.length);
  }
  expect(asked[2]).toBe(asked[1]); // the breaker opened at the fifth failure
  broken = false;
  await clock.advance(ms(31_000));
  expect(await hurrying(clock, model.write(request()))).toBe("Back.");
});

test("a model that falls silent is given up", async () => {
  await using server = await scriptedModel((_call, response) => void response.writeHead(200).write(": hm\n\n"));
  const clock = new ManualClock();
  const running = hurrying(clock, modelAt(server.url, { clock, silentAtMost: ms(3000) }).write(request()));
  await expect(running).rejects.toThrow(/nothing for 3000 ms/);
});

test("ends when its execution does, without counting as a failure of the model", async () => {
  const controller = new AbortController();
  await using server = await scriptedModel((_call, response) => {
    response.writeHead(200).write("\n");
    controller.abort(new Error("cancelled"));
  });
  const model = modelAt(server.url);
  await expect(model.write(request(undefined, controller.signal))).rejects.toThrow("cancelled");
  expect(model.statistics).toEqual({ answered: 0, failed: 0, retried: 0 });
});
