import { expect, test } from "vitest";
import { type Answer, call } from "../running.ts";
import { runningService } from "../running-service.ts";

const service = runningService();

const execute = (agentType: string, type: string, input: unknown, parameters: object = {}): Promise<Answer> =>
  call(service.url, "POST", "/agents/execute", {
    token: service.token,
    body: { agent_type: agentType, task: { type, input, parameters } },
  });

test("S4-036 a simple task: a summary of at most so many words, of a text as it stands", async () => {
  const text = "Agents measure what they do, and report what they measured. ".repeat(30);
  const { body } = await execute("text_processor", "summarize", text, { max_length: 100 });
  expect(body).toMatchObject({ status: "succeeded", result: { original_words: 300 } });
  expect((body["result"] as { words: number }).words).toBeLessThanOrEqual(100);
});

test("a data analyzer's answer to a table of rows, of CSV, and to one that is none", async () => {
  const rows = Array.from({ length: 10 }, (_, i) => ({ n: i, twice: 2 * i }));
  const answer = await execute("data_analyzer", "analyze", { tables: [{ name: "r", rows }, { csv: "a;b\n1;x\n" }] });
  expect(answer.body).toMatchObject({
    status: "succeeded",
    result: {
      tables: [
        { table: "r", rows: 10, correlations: [{ columns: ["n", "twice"], pairs: 10 }] },
        {
          rows: 1,
          columns: [
            { name: "a", type: "number" },
            { name: "b", type: "text" },
          ],
        },
      ],
    },
  });
  expect((await execute("data_analyzer", "analyze", 'a\n"1')).body).toMatchObject({
    status: "failed",
    error: { code: "TABLE_UNREADABLE" },
  });
});

test("S4-037 a complex task: research over what agents came to before, within the tenant, says what it could not search", async () => {
  for (const text of [
    "Lanterns of brass outsell those of tin. The vendors of brass lanterns compete in price.",
    "A weakness of brass lanterns is their weight. Customers complain about it.",
  ]) {
    await execute("text_processor", "summarize", text);
  }
  const parameters = { depth: "comprehensive", sources: ["web", "databases", "reports"], analysis_type: "competitive" };
  const { body } = await execute("multi_step_processor", "research_and_analyze", "brass lanterns", parameters);
  const result = body["result"] as { report: string; citations: readonly { title: string }[] };
  expect(body).toMatchObject({
    status: "succeeded",
    result: {
      found: true,
      sources: [{ source: "web", state: "not configured" }, { state: "searched", passages: 2 }, {}],
    },
  });
  expect(result.report).toMatch(/## Weaknesses\n\nA weakness of brass lanterns is their weight\. \[\d\]/);
  expect(result.citations[0]?.title).toMatch(/^summarize by text_processor, \d{4}-\d\d-\d\d$/);
  const nothing = await execute("multi_step_processor", "research_and_analyze", { topic: "submarine cables" });
  expect(nothing.body).toMatchObject({ status: "succeeded", result: { found: false } });
});

test("S4-035 a workflow of other agents: what one finds, the next summarizes", async () => {
  const csv = `n,k\n${Array.from({ length: 20 }, (_, i) => `${i === 7 ? 900 : i},x`).join("\n")}`;
  const { body } = await execute("workflow_orchestrator", "run", {
    steps: [
      { id: "analyze", agent_type: "data_analyzer", task: { type: "analyze", input: csv } },
      {
        id: "tell",
        agent_type: "text_processor",
        when: { step: "analyze", at: "/tables/0/findings/0", exists: true },
        task: { type: "summarize", input: { $from: "analyze", at: "/tables/0/findings/0" } },
      },
      {
        id: "never",
        agent_type: "text_processor",
        when: { step: "analyze", at: "/tables/0/rows", above: 20 },
        task: { type: "summarize", input: "x" },
      },
    ],
  });
  const summary = "n has 1 outlying value; the farthest is 900 in row 8 (median 10.5).";
  expect(body).toMatchObject({
    status: "succeeded",
    result: { steps: { tell: { state: "succeeded", result: { summary } }, never: { state: "skipped" } } },
  });
});
