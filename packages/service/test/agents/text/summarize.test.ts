import fc from "fast-check";
import { expect, test } from "vitest";
import { sentencesOf, wordCount } from "../../../src/agents/text/sentences.ts";
import { summarize } from "../../../src/agents/text/summarize.ts";
import { computedMs } from "../../computed-ms.ts";

const breathe = async (): Promise<void> => undefined;

const text = `Glaciers store most of the fresh water of the world. When glaciers melt, the fresh water flows into the sea
and the sea level rises. My cousin likes strawberries. Measurements from satellites show that the melting of glaciers has
doubled in twenty years, e.g. in Greenland and the Alps.

The rise of the sea level threatens cities at the coast. On Tuesday it rained. Cities at the coast build walls against the
rising sea level, which cost a lot of money.`;

test("sentences end where people end them", () => {
  const sentences = sentencesOf("Dr. Who met e.g. a Dalek. It said: stop! Really?\n\n- a point\n\n3.14 is pi. ***");
  expect(sentences.map((one) => one.text)).toEqual([
    "Dr. Who met e.g. a Dalek.",
    "It said: stop!",
    "Really?",
    "- a point",
    "3.14 is pi.",
  ]);
});

test("keeps what the text is about, in its order, within the words allowed", async () => {
  const { summary, words, sentences, originalWords } = await summarize(text, 45, breathe);
  expect(words).toBeLessThanOrEqual(45);
  expect(originalWords).toBe(wordCount(text));
  expect(summary).not.toMatch(/strawberries|Tuesday/);
  expect(summary).toContain("sea level");
  expect(sentences).toEqual(sentences.toSorted((a, b) => a - b));
});

test("says a thing once", async () => {
  const twice = `The mill grinds wheat into flour. The mill grinds wheat to flour. Bakers buy flour and make bread of it.`;
  const { summary } = await summarize(twice, 14, breathe);
  expect(summary.match(/mill/g)).toHaveLength(1);
});

test("never longer than allowed, never anything that the text does not say", async () => {
  const word = fc.constantFrom("wheat", "mill", "Mr.", "grinds", "3.5", "e.g.", "é", "。", "!", "\n\n", "and");
  await fc.assert(
    fc.asyncProperty(
      fc.array(word, { minLength: 1, maxLength: 80 }),
      fc.integer({ min: 1, max: 40 }),
      async (parts, most) => {
        const given = parts.join(" ");
        const { summary, words, sentences } = await summarize(given, most, breathe);
        expect(words).toBeLessThanOrEqual(most);
        const all = sentencesOf(given).map((one) => one.text);
        const expected = sentences.map((index) => all[index]).join(" ");
        expect(expected.startsWith(summary.replace(/…$/, ""))).toBe(true);
      },
    ),
  );
});

test("a long text can be given up", async () => {
  let turns = 0;
  const stop = async (): Promise<void> => {
    turns += 1;
    if (turns > 3) throw new Error("cancelled");
  };
  const long = Array.from(
    { length: 3000 },
    (_, i) => `Sentence ${i} is about topic ${i % 17} and thing ${i % 5}.`,
  ).join(" ");
  await expect(summarize(long, 50, stop)).rejects.toThrow("cancelled");
});

test("abbreviations without end take time in proportion to their number", () => {
  const from = computedMs();
  const sentences = sentencesOf(`${"Etc. ".repeat(180_000)}That is all.`);
  expect(sentences.map((one) => one.text.length)).toEqual([180_000 * 5 + "That is all.".length]);
  expect(computedMs() - from).toBeLessThan(5000); // quadratically it takes half a minute
});
