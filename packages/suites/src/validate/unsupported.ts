import type { ScenarioResult } from "./result.ts";

/** Capabilities whose names say too little by themselves. */
const inWords: Readonly<Record<string, string>> = {
  "in-process": "a place in this process",
  forgetting: "a registry that forgets the dead",
  mettle: "what only mettle has",
};

/** `xstate lacks registry`. */
export const lackOf = (platform: string, missing: readonly string[]): string =>
  `${platform} lacks ${missing.map((each) => inWords[each] ?? each).join(" and ")}`;

const namesShown = 3;

/** What platforms do not have and which scenarios were left out for it: a sentence for each lack, in their order. */
export function unsupportedText(scenarios: readonly ScenarioResult[]): readonly string[] {
  const left = new Map<string, string[]>();
  for (const { id, platform, state, missing = [] } of scenarios) {
    if (state !== "unsupported") continue;
    const lack = lackOf(platform, missing);
    left.set(lack, [...(left.get(lack) ?? []), id]);
  }
  return [...left].map(([lack, ids]) => {
    const more = ids.length - namesShown;
    return `${lack}, so that it goes without ${ids.slice(0, namesShown).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  });
}
