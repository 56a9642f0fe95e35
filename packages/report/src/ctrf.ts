import type { Finding, Verdict } from "@mettle/judge";
import type { Run } from "@mettle/results";
import { sorted, stableJson } from "./json.ts";
import { failureOfWhole, findingName, supportLines, testOutcome } from "./outcomes.ts";
import { epochMs } from "./provenance.ts";
import { visibleText } from "./text/visible.ts";

interface CtrfTest {
  readonly name: string;
  readonly status: "passed" | "failed" | "other";
  readonly duration: number;
  readonly [field: string]: unknown;
}

/**
 * Common Test Report Format, one test for each finding. Failed and no data → `failed`; undecided → `other`, since it was
 * run and says nothing. `duration` is required by the format and 0: judging a rule is not what took the time.
 *
 * @throws MettleError `REPORT_TIME_INVALID`, `REPORT_NUMBER_INVALID`
 */
export function renderCtrf(run: Run, verdict: Verdict): string {
  const whole = failureOfWhole(run, verdict);
  const tests: CtrfTest[] = verdict.findings.map(testOf);
  if (whole !== undefined) {
    tests.unshift({
      name: "the measurement as a whole",
      status: "failed",
      duration: 0,
      message: visibleText(whole),
      rawStatus: verdict.status,
    });
  } else if (tests.length === 0) {
    tests.push({ name: "rules", status: "other", duration: 0, message: "can't tell: no rule was evaluated" });
  }
  const count = (status: CtrfTest["status"]): number => tests.filter((test) => test.status === status).length;
  const start = epochMs(run.startedAt);
  return stableJson({
    reportFormat: "CTRF",
    specVersion: "0.0.0",
    results: {
      tool: { name: "mettle" },
      summary: {
        tests: tests.length,
        passed: count("passed"),
        failed: count("failed"),
        pending: 0,
        skipped: 0,
        other: count("other"),
        start,
        stop: start + Math.round(run.durationMs),
      },
      tests,
      environment: environmentOf(run, verdict),
    },
  });
}

function testOf(finding: Finding): CtrfTest {
  const { id, kind, severity, actual, limit, unit, consumed, change, source, state } = finding;
  const outcome = testOutcome(finding);
  const [message = "", ...support] = supportLines(finding).map(visibleText);
  return {
    name: visibleText(findingName(finding)),
    status: outcome === "skipped" ? "other" : outcome,
    duration: 0,
    rawStatus: state,
    message: outcome === "skipped" ? `can't tell: ${message}` : message,
    ...(support.length > 0 && { trace: support.join("\n") }),
    type: "performance",
    ...(source && { filePath: visibleText(source.file) }),
    ...(source?.line !== undefined && { line: source.line }),
    extra: sorted({ id, kind, severity, actual, limit, unit, consumed, change }, `finding ${id.slice(0, 100)}`),
  };
}

function environmentOf({ name, environment, revision, id }: Run, verdict: Verdict): Record<string, unknown> {
  return {
    reportName: visibleText(name),
    osPlatform: environment.os.platform,
    osRelease: environment.os.release,
    ...(revision && { commit: revision.commit }),
    ...(revision?.branch !== undefined && { branchName: visibleText(revision.branch) }),
    extra: { runId: id, verdict: verdict.status, machine: environment.fingerprint, node: environment.node.version },
  };
}
