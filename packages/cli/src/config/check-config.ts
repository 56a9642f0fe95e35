import { didYouMean } from "../command-line/suggest.ts";
import { cliErrors } from "../errors.ts";
import type { MettleConfig } from "./define-config.ts";

type Check = (value: unknown) => string | undefined;

const text: Check = (value) =>
  typeof value === "string" && value !== "" ? undefined : "must be a text that is not empty";
const anyText: Check = (value) => (typeof value === "string" ? undefined : "must be a text");
const texts: Check = (value) =>
  Array.isArray(value) && value.every((each) => typeof each === "string" && each !== "")
    ? undefined
    : "must be a list of texts";
const whole: Check = (value) => (Number.isInteger(value) ? undefined : "must be a whole number");
const number: Check = (value) =>
  typeof value === "number" && Number.isFinite(value) ? undefined : "must be a finite number";
const flag: Check = (value) => (typeof value === "boolean" ? undefined : "must be true or false");
const oneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    typeof value === "string" && words.includes(value) ? undefined : `must be one of ${words.join(", ")}`;

/** A section is a record of settings; `anything` is checked by whoever it belongs to. */
type Shape = Readonly<Record<string, Check | { readonly section: Shape } | "anything">>;

const shape: Shape & Readonly<Record<keyof MettleConfig, Shape[string]>> = {
  name: text,
  bench: {
    section: {
      files: texts,
      exclude: texts,
      profile: oneOf("smoke", "ci", "full", "soak"),
      plan: {
        section: {
          secondsPerSuite: number,
          minProcesses: whole,
          maxProcesses: whole,
          confidence: number,
          margin: number,
          memory: flag,
          selfCheck: flag,
        },
      },
      nodeFlags: texts,
      seed: whole,
    },
  },
  against: { section: { install: anyText, build: anyText, cacheFolder: text } },
  judge: "anything",
  compare: text,
  history: (value) => (value === false ? undefined : text(value) && "must be a file name, or false for no history"),
  baselines: text,
  out: text,
};

/**
 * Checks what a configuration file exports, but for the policy, which the judge checks itself.
 *
 * @param source - the file, for messages
 * @throws MettleError `CONFIG_INVALID` with every problem
 */
export function checkConfig(value: unknown, source: string): MettleConfig {
  const problems: string[] = [];
  checkSection(value, shape, "", problems);
  if (problems.length > 0) {
    throw cliErrors.create("CONFIG_INVALID", `${source}: ${problems.join("; ")}.`, { details: { source, problems } });
  }
  return value as MettleConfig;
}

function checkSection(value: unknown, expected: Shape, path: string, problems: string[]): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    problems.push(`${path === "" ? "the default export" : path.slice(0, -1)} must be an object`);
    return;
  }
  const known = Object.keys(expected);
  for (const [key, setting] of Object.entries(value)) {
    const check = Object.hasOwn(expected, key) ? expected[key] : undefined;
    if (check === undefined) {
      problems.push(
        `${path}${key} is not a setting; there are ${known.join(", ")}.${didYouMean(key, known)}`.replace(/[.?]$/, ""),
      );
    } else if (setting === undefined || check === "anything") {
      continue;
    } else if (typeof check === "function") {
      const problem = check(setting);
      if (problem !== undefined) problems.push(`${path}${key} ${problem}`);
    } else {
      checkSection(setting, check.section, `${path}${key}.`, problems);
    }
  }
}
