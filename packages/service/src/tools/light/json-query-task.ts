import { createRequire } from "node:module";
import type * as jmespath from "jmespath";
import { boundedJson } from "../bounded-json.ts";

export interface JsonQueryInput {
  readonly data: unknown;
  readonly query: string;
}

const charactersAtMost = 1_000_000;
const { search } = createRequire(import.meta.url)("jmespath") as typeof jmespath;

/** Runs in a thread with limits: a short expression can double its result again and again. @returns JSON */
export default function work({ data, query }: JsonQueryInput): string {
  return boundedJson(search(data, query), charactersAtMost);
}
