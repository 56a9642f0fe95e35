import { type Static, Type } from "typebox";
import type { AgentTask, AgentType, TaskContext } from "./agent-type.ts";
import { analyzeTable, type TableAnalysis } from "./analysis/analyze.ts";
import { type GivenTable, readTable } from "./analysis/table.ts";

const rows = Type.Array(Type.Record(Type.String(), Type.Unknown()));
const csv = Type.String({ minLength: 1, description: "The first line names the columns; , ; or tab parts them." });
const table = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    rows: Type.Optional(rows),
    csv: Type.Optional(csv),
  },
  { additionalProperties: false, description: "A table: `rows` or `csv`." },
);
const input = Type.Union([
  csv,
  table,
  Type.Object({ tables: Type.Array(table, { minItems: 1, maxItems: 20 }) }, { additionalProperties: false }),
]);
const column = Type.String({ minLength: 1, maxLength: 500 });
const parameters = Type.Object(
  {
    group_by: Type.Optional(column),
    time: Type.Optional(column),
  },
  { additionalProperties: false, description: "Columns; those that fit are chosen unless named." },
);

const analyzeTask: AgentTask = {
  type: "analyze",
  summary: "Types, statistics, outliers, groups, trends and correlations of tables.",
  input,
  parameters,
  run: async (
    given: Static<typeof input>,
    options: Static<typeof parameters>,
    { progress, token, breathe }: TaskContext,
  ) => {
    const tables = tablesOf(given).map((one) => readTable(one));
    const analyses: TableAnalysis[] = [];
    for (const [i, one] of tables.entries()) {
      progress(i / tables.length, `analyzing ${one.name}`);
      const analysis = await analyzeTable(one, options, breathe);
      analyses.push(analysis);
      token(analysis.findings.map((finding) => `${finding}\n`).join(""));
    }
    return { tables: analyses };
  },
};

function tablesOf(given: Static<typeof input>): readonly GivenTable[] {
  if (typeof given === "string") return [{ csv: given }];
  return "tables" in given ? given.tables : [given];
}

export const dataAnalyzer: AgentType = {
  name: "data_analyzer",
  summary: "Works on tables.",
  tasks: [analyzeTask],
};
