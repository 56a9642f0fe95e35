import type { TaskContext } from "../agent-type.ts";
import type { ChatModel } from "../model/chat-model.ts";
import { type Evidence, Gathering, type SourceName, type Sources } from "./gather.ts";
import { type AnalysisType, type Depth, planOf, reachOf } from "./plan.ts";
import { type Quote, quotesFor } from "./quote.ts";
import { Citations, type Report, reportOf, type Section } from "./report.ts";
import { answerByModel } from "./write.ts";

export interface ResearchOptions {
  readonly topic: string;
  readonly depth: Depth;
  readonly sources: readonly SourceName[];
  readonly analysis: AnalysisType;
}

export interface ResearchParts {
  readonly sources: Sources;
  readonly model: ChatModel | undefined;
}

/** Searching takes most of the time. */
const searchShare = 0.8;

/** Plans questions, searches for each, writes what answers it with its place, and says what was not found. */
export async function research(
  { topic, depth, sources: asked, analysis }: ResearchOptions,
  { sources, model }: ResearchParts,
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
  for (const [i, question] of plan.entries()) {
    await context.breathe();
    const found = evidence[i] ?? [];
    const written =
      model && found.length > 0 ? await answerByModel(topic, question, found, model, citations, context) : undefined;
    const text = written ?? quoted(quotes[i] ?? [], citations);
    if (text !== "") context.token(`## ${question.title}\n\n${text}\n\n`);
    sections.push({ title: question.title, text, by: written === undefined ? "quotes" : "model" });
  }
  return reportOf(topic, plan, sections, citations.list, states);
}

const quoted = (quotes: readonly Quote[], citations: Citations): string =>
  quotes.map(({ text, evidence }) => `${text} [${citations.numberOf(evidence)}]`).join(" ");
