import type { TaskContext } from "../agent-type.ts";
import { type Evidence, Gathering, type SourceName, type Sources } from "./gather.ts";
import { type AnalysisType, type Depth, planOf, reachOf } from "./plan.ts";
import { quotesFor } from "./quote.ts";
import { Citations, type Report, reportOf, type Section } from "./report.ts";

export interface ResearchOptions {
  readonly topic: string;
  readonly depth: Depth;
  readonly sources: readonly SourceName[];
  readonly analysis: AnalysisType;
}

/** Searching takes most of the time. */
const searchShare = 0.8;

/** Plans questions, searches for each, quotes what answers it with its place, and says what was not found. */
export async function research(
  { topic, depth, sources: asked, analysis }: ResearchOptions,
  sources: Sources,
  context: TaskContext,
): Promise<Report> {
  const plan = planOf(topic, analysis, depth);
  const gathering = new Gathering(sources, asked, topic, context);
  const evidence: (readonly Evidence[])[] = [];
  context.progress(0, `planned ${plan.length} questions`);
  for (const [i, question] of plan.entries()) {
    await context.breathe();
    evidence.push(await gathering.answer(question, depth));
    context.progress((searchShare * (i + 1)) / plan.length, `searched: ${question.title}`);
  }
  const states = gathering.states();
  const citations = new Citations();
  const quotes = quotesFor(plan, evidence, reachOf[depth].sentences);
  const sections: Section[] = [];
  for (const [i, { title }] of plan.entries()) {
    await context.breathe();
    const text = (quotes[i] ?? []).map((quote) => `${quote.text} [${citations.numberOf(quote.evidence)}]`).join(" ");
    if (text !== "") context.token(`## ${title}\n\n${text}\n\n`);
    sections.push({ title, text });
  }
  return reportOf(topic, plan, sections, citations.list, states);
}
