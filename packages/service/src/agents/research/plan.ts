/** One thing to find out about a topic. */
export interface Question {
  readonly title: string;
  /** What is searched for. */
  readonly query: string;
}

export const analysisTypes = ["general", "competitive", "trend", "risk", "comparative"] as const;
export type AnalysisType = (typeof analysisTypes)[number];
export const depths = ["brief", "standard", "comprehensive"] as const;
export type Depth = (typeof depths)[number];

/** How far research goes at each depth. */
interface Reach {
  readonly questions: number;
  readonly passages: number;
  readonly sentences: number;
  /** Whether words that the first passages bring up are searched for as well. */
  readonly followUp: boolean;
}

export const reachOf: Readonly<Record<Depth, Reach>> = {
  brief: { questions: 2, passages: 4, sentences: 2, followUp: false },
  standard: { questions: 4, passages: 6, sentences: 3, followUp: false },
  comprehensive: { questions: 6, passages: 10, sentences: 4, followUp: true },
};

type Facet = readonly [title: string, words: string];

/** The most telling first: a brief look takes only these. */
const facets: Readonly<Record<AnalysisType, readonly Facet[]>> = {
  general: [
    ["What it is", "definition overview purpose"],
    ["How it works", "works mechanism method process"],
    ["What it brings", "benefit advantage result use"],
    ["What limits it", "limit problem drawback failure"],
    ["What it costs", "cost price effort resources"],
    ["Where it goes", "future plan development next"],
  ],
  competitive: [
    ["Who competes", "vendor compete competitor provider product"],
    ["Strengths", "strength advantage leading fast strong"],
    ["Weaknesses", "weakness drawback lacks slow complaint"],
    ["Prices and market", "price market share revenue customers"],
    ["What sets them apart", "difference feature compared unique"],
    ["Where the market goes", "trend growth forecast future"],
  ],
  trend: [
    ["Where it stands", "current state today level"],
    ["What changed", "growth increase decrease change since"],
    ["Why", "because cause driver reason"],
    ["Where it goes", "forecast expected future next"],
    ["What speaks against it", "however decline slow doubt"],
    ["Whom it concerns", "customers users industry affected"],
  ],
  risk: [
    ["What can go wrong", "risk failure threat hazard"],
    ["How likely it is", "likely probability frequent rate"],
    ["What it would do", "impact damage loss consequence"],
    ["What helps", "mitigation prevent control recovery"],
    ["What went wrong before", "incident outage happened past"],
    ["What is not known", "unknown uncertain untested"],
  ],
  comparative: [
    ["What is compared", "alternative option versus"],
    ["What they share", "same common both similar"],
    ["Where they differ", "difference unlike whereas compared"],
    ["Which does better", "better faster cheaper best"],
    ["What each costs", "cost price effort"],
    ["When to choose which", "choose suited recommended when"],
  ],
};

/** What has to be found out about a topic, in the order of the report. */
export function planOf(topic: string, analysis: AnalysisType, depth: Depth): readonly Question[] {
  return facets[analysis]
    .slice(0, reachOf[depth].questions)
    .map(([title, words]) => ({ title, query: `${topic} ${words}` }));
}
