import { expect, test } from "vitest";
import type { KnowledgeQuery, KnowledgeSearch, Passage } from "../../../src/agents/knowledge-search.ts";
import type { Sources } from "../../../src/agents/research/gather.ts";
import { analysisTypes, depths, planOf } from "../../../src/agents/research/plan.ts";
import type { Report } from "../../../src/agents/research/report.ts";
import { research, type ResearchOptions, type ResearchParts } from "../../../src/agents/research/research.ts";
import { termsOf } from "../../../src/agents/text/sentences.ts";
import { recorded } from "../task-context.ts";

const passage = (documentId: string, text: string, score = 0.5): Passage => ({
  documentId,
  passageId: "1",
  title: `About ${documentId}`,
  text,
  score,
});
const corpus: readonly Passage[] = [
  passage(
    "vendors",
    "Northmill and Oxbow are the vendors of stone mills that compete for small bakeries. Stone mills sell well.",
  ),
  passage("prices", "The price of a stone mill fell by a third in two years. Customers of Oxbow pay the lowest price."),
  passage("noise", "A weakness of stone mills is their noise. Bakeries complain that a stone mill is slow to clean."),
  passage("cats", "Cats sleep sixteen hours a day. A cat that sleeps does not compete for prices."),
];

/** Ranks by shared words, as a search does that always has an answer. */
class Corpus implements KnowledgeSearch {
  readonly queries: KnowledgeQuery[] = [];
  readonly #passages: readonly Passage[];

  constructor(passages = corpus) {
    this.#passages = passages;
  }

  async search(query: KnowledgeQuery): Promise<readonly Passage[]> {
    this.queries.push(query);
    const words = new Set(termsOf(query.text));
    const shared = ({ text }: Passage): number => termsOf(text).filter((term) => words.has(term)).length;
    return this.#passages.toSorted((a, b) => shared(b) - shared(a)).slice(0, query.limit);
  }
}

const options: ResearchOptions = {
  topic: "the market of stone mills",
  depth: "comprehensive",
  sources: ["reports"],
  analysis: "competitive",
};
const asked = (change: Partial<ResearchOptions> = {}): ResearchOptions => ({ ...options, ...change });
const using = (sources: Sources): ResearchParts => ({ sources, model: undefined });
const textOf = (report: Report, title: string): string =>
  report.sections.find((section) => section.title === title)?.text ?? "";

test("answers each question with sentences of the sources, and cites where each stands", async () => {
  const { context, tokens } = recorded();
  const report = await research(asked(), using({ reports: new Corpus() }), context);
  expect(textOf(report, "Who competes")).toContain("Northmill and Oxbow are the vendors");
  expect(textOf(report, "Weaknesses")).toContain("A weakness of stone mills is their noise.");
  expect(textOf(report, "Prices and market")).toMatch(/price of a stone mill fell/);
  const quotes = report.sections.flatMap(({ text }) => [...text.matchAll(/(?<=^|\] )(.*?) \[(\d+)\]/g)]);
  expect(quotes.length).toBeGreaterThan(3);
  for (const [, quote, number] of quotes) {
    const citation = report.citations[Number(number) - 1];
    expect(citation?.number).toBe(Number(number));
    expect(citation?.text).toContain(quote);
  }
  expect(new Set(quotes.map(([, quote]) => quote)).size).toBe(quotes.length); // nothing twice
  expect(report.report).toMatch(/^# the market of stone mills\n[\s\S]*## Prices and market\n[\s\S]*\[1\] About /);
  expect(tokens.join("")).toContain("## Weaknesses");
});

test("what has nothing to do with the topic is no evidence, however high a search ranks it", async () => {
  const report = await research(asked(), using({ reports: new Corpus() }), recorded().context);
  expect(report.citations.map((citation) => citation.document_id)).not.toContain("cats");
  expect(report.report).not.toContain("sixteen hours");
});

test("says so when nothing was found", async () => {
  const report = await research(
    asked({ topic: "volcanoes of Iceland" }),
    using({ reports: new Corpus() }),
    recorded().context,
  );
  expect(report).toMatchObject({ found: false, citations: [], sources: [{ state: "searched", passages: 0 }] });
  expect(report.report).toContain("Nothing was found about this");
  expect(report.unanswered).toHaveLength(6);
});

test("what the search finds near in meaning counts without a shared word", async () => {
  const near = [passage("grinders", "Grinders of granite turn grain into flour for bakers.", 0.9)];
  const report = await research(asked(), using({ reports: new Corpus(near) }), recorded().context);
  expect(report.found).toBe(false); // it is passed on, but no sentence of it answers a question
  expect(report.sources).toMatchObject([{ passages: 1 }]);
});

test("a source that is not there or fails is told, and the others answer; when all fail the task does", async () => {
  const broken: KnowledgeSearch = {
    search: async () => {
      throw new Error("the disk is full");
    },
  };
  const sources = ["web", "databases", "reports"] as const;
  const report = await research(
    asked({ sources }),
    using({ reports: new Corpus(), databases: broken }),
    recorded().context,
  );
  expect(report.sources).toMatchObject([
    { source: "web", state: "not configured" },
    { source: "databases", state: "failed", reason: "the disk is full" },
    { source: "reports", state: "searched" },
  ]);
  expect(report.report).toContain("- web: not configured");
  await expect(research(asked({ sources }), using({ databases: broken }), recorded().context)).rejects.toMatchObject({
    code: "SOURCES_FAILED",
    retryable: true,
  });
});

test("depth decides how much is asked; a comprehensive look follows up what the sources call it", async () => {
  const counts = await Promise.all(
    depths.map(async (depth) => {
      const search = new Corpus();
      await research(asked({ depth }), using({ reports: search }), recorded().context);
      return search.queries.length;
    }),
  );
  expect(counts).toEqual([2, 4, 12]);
  const search = new Corpus();
  await research(asked({ topic: "stone mills" }), using({ reports: search }), recorded().context);
  expect(search.queries[1]?.text.startsWith(search.queries[0]?.text ?? "?")).toBe(true);
  expect(search.queries[1]?.text).toMatch(/ oxbow|bakery/);
  expect(new Set(search.queries.map(({ tenantId }) => tenantId))).toEqual(new Set(["t"]));
});

test("every kind of analysis asks different things at each depth", () => {
  const titles = analysisTypes.flatMap((type) => planOf("x", type, "comprehensive").map(({ title }) => title));
  expect(titles).toHaveLength(30);
  for (const type of analysisTypes) {
    expect(new Set(planOf("x", type, "comprehensive").map(({ query }) => query)).size).toBe(6);
  }
});

test("an execution that is ended searches no more", async () => {
  const controller = new AbortController();
  const search = new Corpus();
  controller.abort(new Error("cancelled"));
  const { context } = recorded({ signal: controller.signal });
  await expect(research(asked(), using({ reports: search }), context)).rejects.toThrow("cancelled");
  expect(search.queries).toEqual([]);
});
