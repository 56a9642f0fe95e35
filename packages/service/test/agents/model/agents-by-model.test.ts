import { ms, systemClock } from "@mettle/core";
import { expect, test } from "vitest";
import type { KnowledgeSearch } from "../../../src/agents/knowledge-search.ts";
import { OpenAiModel } from "../../../src/agents/model/openai-model.ts";
import { research } from "../../../src/agents/research/research.ts";
import { wordCount } from "../../../src/agents/text/sentences.ts";
import { summarizeByModel } from "../../../src/agents/text/summarize-by-model.ts";
import { recorded } from "../task-context.ts";
import { says, scriptedModel } from "./scripted-model.ts";

const modelAt = (baseUrl: string): OpenAiModel =>
  new OpenAiModel({ baseUrl, name: "m", clock: systemClock, silentAtMost: ms(60_000) });

test("a summary is the model's, cut to its length where the model goes on", async () => {
  await using server = await scriptedModel(
    says(["Mills grind."]),
    says(["Mills grind wheat. ", "Bakers bake bread from it. ", "Nobody eats flour."]),
  );
  const { context, tokens } = recorded();
  const text = "Mills grind wheat into flour. ".repeat(20);
  expect(await summarizeByModel(text, 8, modelAt(server.url), context)).toEqual({
    summary: "Mills grind.",
    words: 2,
    originalWords: 100,
    shortened: false,
  });
  expect(tokens).toEqual(["Mills grind."]);
  const long = await summarizeByModel(text, 8, modelAt(server.url), context);
  expect(long).toMatchObject({ shortened: true });
  expect(wordCount(long.summary)).toBeLessThanOrEqual(8);
});

test("a text longer than a model's window is cut to its most central sentences first", async () => {
  await using server = await scriptedModel(says(["Short."]));
  const text = Array.from({ length: 2000 }, (_, i) => `Mill number ${i} grinds its wheat slowly.`).join(" ");
  const { originalWords } = await summarizeByModel(text, 8, modelAt(server.url), recorded().context);
  expect(originalWords).toBe(14_000);
  const sent = server.calls[0]?.body.messages[1]?.content ?? "";
  expect(wordCount(sent)).toBeLessThanOrEqual(6000);
  expect(wordCount(sent)).toBeGreaterThan(5000);
});

const passages: KnowledgeSearch = {
  search: async () => [
    {
      documentId: "a",
      passageId: "1",
      title: "A",
      text: "Stone mills of Oxbow compete on price with others.",
      score: 1,
    },
    {
      documentId: "b",
      passageId: "1",
      title: "B",
      text: "A weakness of stone mills is the noise that they make.",
      score: 1,
    },
  ],
};
const options = { topic: "stone mills", depth: "brief", sources: ["reports"], analysis: "competitive" } as const;

test("a model writes sections from numbered passages; numbers it was not given are taken out", async () => {
  await using server = await scriptedModel(says(["Noise is a problem [2]. ", "So is the moon [7]."]));
  const report = await research(
    options,
    { sources: { reports: passages }, model: modelAt(server.url) },
    recorded().context,
  );
  expect(report.sections[0]).toEqual({
    title: "Who competes",
    text: "Noise is a problem [1]. So is the moon .",
    by: "model",
  });
  expect(report.citations).toMatchObject([{ number: 1, document_id: "b" }]);
  expect(server.calls[0]?.body.messages[1]?.content).toContain("[1] Stone mills of Oxbow");
});

test("what a model says without citing is not taken: the sources are quoted", async () => {
  await using server = await scriptedModel(says(["Everybody knows that mills are loud [9]."]));
  const report = await research(
    options,
    { sources: { reports: passages }, model: modelAt(server.url) },
    recorded().context,
  );
  expect(report.sections.map(({ by }) => by)).toEqual(["quotes", "quotes"]);
  expect(report.report).toContain("compete on price with others. [1]");
  expect(report.report).not.toContain("Everybody knows");
});
