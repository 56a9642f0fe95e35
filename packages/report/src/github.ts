import type { Finding, Verdict } from "@mettle/judge";
import type { Run } from "@mettle/results";
import { changeText, failureOfWhole, findingName, testOutcome } from "./outcomes.ts";
import { visibleText } from "./text/visible.ts";
import { worstFirst } from "./text/words.ts";

/** GitHub shows so many of each level per step and drops the rest without a word. */
const SHOWN_PER_LEVEL = 10;

interface Annotation {
  readonly level: "error" | "warning";
  readonly title: string;
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
}

/**
 * Workflow commands that GitHub shows beside the code: failed and no data as errors, warnings and undecided as warnings,
 * worst first. With more than ten of a level the tenth says how many more there are.
 *
 * @returns one command a line, to be written to stdout of a step; empty when there is nothing to say
 */
export function renderAnnotations(run: Run, verdict: Verdict): string {
  const whole = failureOfWhole(run, verdict);
  const annotations = [
    ...(whole === undefined ? [] : [{ level: "error" as const, title: "The measurement as a whole", message: whole }]),
    ...worstFirst(verdict.findings).flatMap(annotationOf),
  ];
  const lines = (["error", "warning"] as const).flatMap((level) =>
    capped(
      annotations.filter((annotation) => annotation.level === level),
      level,
    ).map(command),
  );
  return lines.map((line) => `${line}\n`).join("");
}

function annotationOf(finding: Finding): Annotation[] {
  const outcome = testOutcome(finding);
  if (outcome === "passed" && finding.state !== "warning") return [];
  const change = changeText(finding);
  const lead = outcome === "skipped" ? "can't tell: " : "";
  return [
    {
      level: outcome === "failed" ? "error" : "warning",
      title: findingName(finding),
      message: `${lead}${finding.message}${change === undefined ? "" : ` (${change})`}`,
      ...finding.source,
    },
  ];
}

function capped(annotations: readonly Annotation[], level: Annotation["level"]): Annotation[] {
  if (annotations.length <= SHOWN_PER_LEVEL) return [...annotations];
  const shown = annotations.slice(0, SHOWN_PER_LEVEL - 1);
  const more = annotations.length - shown.length;
  return [...shown, { level, title: `…and ${more} more`, message: `${more} more are in the report of this run.` }];
}

function command({ level, title, message, file, line }: Annotation): string {
  const properties = [
    ...(file === undefined ? [] : [`file=${escapeProperty(file)}`]),
    ...(line === undefined ? [] : [`line=${line}`, `endLine=${line}`]),
    `title=${escapeProperty(title)}`,
  ];
  return `::${level} ${properties.join(",")}::${escapeData(message)}`;
}

/** `%`, CR and LF are what ends or changes a message (actions/toolkit, command.ts). */
const escapeData = (text: string): string =>
  visibleText(text).replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");

const escapeProperty = (text: string): string => escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
