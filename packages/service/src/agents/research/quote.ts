import { type Sentence, sentencesOf, termsOf } from "../text/sentences.ts";
import { similarity, type Vector, type Vectors, vectorsOf } from "../text/vectors.ts";
import { type Evidence, keyOf } from "./gather.ts";
import type { Question } from "./plan.ts";

/** A sentence of a source, as it stands there. */
export interface Quote {
  readonly text: string;
  readonly evidence: Evidence;
}

interface Candidate extends Quote {
  readonly sentence: Sentence;
  /** How well it answers its question. */
  readonly fit: number;
}

const termsAtLeast = 4;
const lengthAtMost = 600;
/** Answering and saying something new weigh alike. */
const redundancy = 1;

/**
 * For each question the sentences of its evidence that answer it best, each for what it adds (maximal marginal relevance). A
 * sentence goes to the question that it fits best, so that none is quoted twice.
 *
 * @param evidence - by question, in the same order
 */
export function quotesFor(
  questions: readonly Question[],
  evidence: readonly (readonly Evidence[])[],
  most: number,
): readonly (readonly Quote[])[] {
  const asked = questions.map(({ query }, index): Sentence => ({ text: query, index, terms: termsOf(query) }));
  const sentences = sentencesIn(evidence.flat());
  const vectors = vectorsOf([...asked, ...sentences.map(({ sentence }) => sentence)]);
  const found = evidence.map((list) => new Set(list.map((one) => keyOf(one))));
  const assigned = questions.map((): Candidate[] => []);
  for (const { sentence, evidence: from } of sentences) {
    const fits = asked.map((query, i) =>
      found[i]?.has(keyOf(from)) === true ? similarity(vectorIn(vectors, sentence), vectorIn(vectors, query)) : 0,
    );
    const fit = Math.max(...fits);
    if (fit > 0) assigned[fits.indexOf(fit)]?.push({ text: sentence.text, evidence: from, sentence, fit });
  }
  return assigned.map((candidates) => choose(candidates, vectors, most));
}

const vectorIn = (vectors: Vectors, sentence: Sentence): Vector => vectors.get(sentence) ?? new Map();

/** Each sentence once, wherever it was found first. */
function sentencesIn(evidence: readonly Evidence[]): readonly { sentence: Sentence; evidence: Evidence }[] {
  const seen = new Set<string>();
  return evidence.flatMap((one) =>
    sentencesOf(one.text).flatMap((sentence) => {
      const { text, terms } = sentence;
      if (terms.length < termsAtLeast || text.length > lengthAtMost || seen.has(text)) return [];
      seen.add(text);
      return [{ sentence, evidence: one }];
    }),
  );
}

function choose(candidates: readonly Candidate[], vectors: Vectors, number: number): readonly Quote[] {
  const most = Math.max(...candidates.map(({ fit }) => fit), 0);
  const said = new Map(candidates.map((one) => [one, 0]));
  const chosen: Quote[] = [];
  while (chosen.length < number) {
    let best: Candidate | undefined;
    let bestGain = 0;
    for (const [one, before] of said) {
      const gain = one.fit / most - redundancy * before;
      if (gain > bestGain) [best, bestGain] = [one, gain];
    }
    if (!best) break;
    said.delete(best);
    chosen.push({ text: best.text, evidence: best.evidence });
    const vector = vectorIn(vectors, best.sentence);
    for (const [one, before] of said) {
      said.set(one, Math.max(before, similarity(vector, vectorIn(vectors, one.sentence))));
    }
  }
  return chosen;
}
