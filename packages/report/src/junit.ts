import type { Finding, Verdict } from "@mettle/judge";
import type { Run } from "@mettle/results";
import { attributes, markupText } from "./markup.ts";
import { failureOfWhole, findingName, supportLines, testOutcome } from "./outcomes.ts";
import { epochMs } from "./provenance.ts";
import { visibleText } from "./text/visible.ts";

/**
 * JUnit XML, one test case for each finding: failed and no data → `failure`, undecided → `skipped`, a warning passes
 * with its message in `system-out`. Well-formed whatever the names contain. The suite has the run's time; a case has
 * `time="0"` because strict readers require the attribute and judging a rule is not what took the time.
 *
 * @throws MettleError `REPORT_TIME_INVALID` when the run's start is no time
 */
export function renderJunit(run: Run, verdict: Verdict): string {
  const whole = failureOfWhole(run, verdict);
  const cases = verdict.findings.map((finding) => testCase(run, finding));
  const count = (outcome: string): number => verdict.findings.filter((it) => testOutcome(it) === outcome).length;
  const nothing = verdict.findings.length === 0 && whole === undefined;
  const seconds = (run.durationMs / 1000).toFixed(3);
  const totals = {
    tests: verdict.findings.length + (whole === undefined && !nothing ? 0 : 1),
    failures: count("failed"),
    errors: whole === undefined ? 0 : 1,
    skipped: count("skipped") + (nothing ? 1 : 0),
    time: seconds,
  };
  const name = visibleText(run.name);
  // Without zone and fraction, as the format's schemas want it; UTC.
  const timestamp = new Date(epochMs(run.startedAt)).toISOString().slice(0, 19);
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<testsuites${attributes({ name: "mettle", ...totals })}>`,
    `  <testsuite${attributes({ name, ...totals, timestamp })}>`,
    ...propertyLines(run, verdict),
    ...(whole === undefined ? [] : [specialCase(name, "the measurement as a whole", "error", whole)]),
    ...(nothing ? [specialCase(name, "rules", "skipped", "can't tell: no rule was evaluated")] : []),
    ...cases,
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function propertyLines(run: Run, verdict: Verdict): string[] {
  const { environment, revision } = run;
  const values: Readonly<Record<string, string | undefined>> = {
    "mettle.run": run.id,
    "mettle.verdict": verdict.status,
    "mettle.title": verdict.title,
    "mettle.validity": [run.validity.state, ...run.validity.reasons].join("; "),
    "mettle.commit": revision?.commit,
    "mettle.machine": environment.fingerprint,
    "mettle.node": environment.node.version,
  };
  const lines = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [`      <property${attributes({ name, value: visibleText(value) })}/>`],
  );
  return ["    <properties>", ...lines, "    </properties>"];
}

function testCase(run: Run, finding: Finding): string {
  const open = `    <testcase${attributes({
    classname: visibleText(run.name),
    name: visibleText(findingName(finding)),
    time: "0",
    file: finding.source && visibleText(finding.source.file),
    line: finding.source?.line,
  })}`;
  const support = supportLines(finding).map(markupText).join("\n");
  const message = visibleText(finding.message);
  const close = "\n    </testcase>";
  const outcome = testOutcome(finding);
  if (outcome === "failed") {
    const type = finding.state === "no-data" ? "no-data" : finding.kind;
    return `${open}>\n      <failure${attributes({ message, type })}>${support}</failure>${close}`;
  }
  if (outcome === "skipped")
    return `${open}>\n      <skipped${attributes({ message: `can't tell: ${message}` })}/>${close}`;
  if (finding.state === "passed") return `${open}/>`;
  return `${open}>\n      <system-out>${markupText(finding.state)}: ${support}</system-out>${close}`;
}

function specialCase(classname: string, name: string, element: "error" | "skipped", message: string): string {
  const detail = attributes({ message: visibleText(message), ...(element === "error" && { type: "invalid" }) });
  return `    <testcase${attributes({ classname, name, time: "0" })}>\n      <${element}${detail}/>\n    </testcase>`;
}
