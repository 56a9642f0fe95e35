import { type Evidence, keyOf, type SourceState } from "./gather.ts";
import type { Question } from "./plan.ts";

export interface Citation {
  readonly number: number;
  readonly source: string;
  readonly document_id: string;
  readonly passage_id: string;
  readonly title: string;
  readonly text: string;
}

export interface Section {
  readonly title: string;
  /** Markdown with numbers of citations; empty where nothing answers the question. */
  readonly text: string;
  /** Sentences of the sources, or a model's words about them. */
  readonly by: "quotes" | "model";
}

export interface Report {
  readonly topic: string;
  /** Whether anything was found at all. */
  readonly found: boolean;
  /** Markdown. */
  readonly report: string;
  readonly plan: readonly Question[];
  readonly sections: readonly Section[];
  readonly citations: readonly Citation[];
  readonly sources: readonly SourceState[];
  /** Questions that no source answers. */
  readonly unanswered: readonly string[];
}

/** Numbers evidence in the order in which it is cited. */
export class Citations {
  readonly #numbers = new Map<string, number>();
  readonly #evidence: Evidence[] = [];

  numberOf(evidence: Evidence): number {
    const key = keyOf(evidence);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#evidence.push(evidence);
    this.#numbers.set(key, this.#evidence.length);
    return this.#evidence.length;
  }

  get list(): readonly Citation[] {
    return this.#evidence.map(({ source, documentId, passageId, title, text }, i) => ({
      number: i + 1,
      source,
      document_id: documentId,
      passage_id: passageId,
      title,
      text,
    }));
  }
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim();

export function reportOf(
  topic: string,
  plan: readonly Question[],
  sections: readonly Section[],
  citations: readonly Citation[],
  sources: readonly SourceState[],
): Report {
  const answered = sections.filter(({ text }) => text !== "");
  const unanswered = sections.filter(({ text }) => text === "").map(({ title }) => title);
  const found = answered.length > 0;
  const lines = [
    `# ${oneLine(topic)}`,
    ...(found ? [] : ["Nothing was found about this in the sources that were searched."]),
    ...answered.flatMap(({ title, text }) => [`## ${title}`, text]),
    ...(found && unanswered.length > 0
      ? ["## What was not found", unanswered.map((title) => `- ${title}`).join("\n")]
      : []),
    "## Sources",
    sources.map((one) => `- ${one.source}: ${described(one)}`).join("\n"),
    ...(citations.length > 0
      ? [citations.map(({ number, title, source }) => `[${number}] ${oneLine(title)} (${source})`).join("\\\n")]
      : []),
  ];
  return { topic, found, report: `${lines.join("\n\n")}\n`, plan, sections, citations, sources, unanswered };
}

function described({ state, passages, reason }: SourceState): string {
  if (state === "searched") return `${passages} passages bear on the topic`;
  return reason === undefined ? state : `${state} (${oneLine(reason)})`;
}
