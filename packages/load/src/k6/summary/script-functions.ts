import type { SummaryData } from "./summary-data.ts";
import { textSummary } from "./text.ts";

export { textSummary };

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** Thresholds as JUnit: one test case for each. */
export function jUnit(data: SummaryData, options: { name?: string; classname?: string } = {}): string {
  const { name = "k6 thresholds", classname = "k6" } = options;
  const cases = Object.entries(data.metrics).flatMap(([metric, { thresholds = {} }]) =>
    Object.entries(thresholds).map(([expression, { ok }]) => ({ title: `${metric} - ${expression}`, ok })),
  );
  const failures = cases.filter(({ ok }) => !ok).length;
  const lines = cases.map(({ title, ok }) => {
    const head = `<testcase name="${escaped(title)}" classname="${escaped(classname)}"`;
    return ok ? `${head} />` : `${head}><failure message="failed" /></testcase>`;
  });
  return [
    '<?xml version="1.0"?>',
    `<testsuites tests="${cases.length}" failures="${failures}">`,
    `<testsuite name="${escaped(name)}" tests="${cases.length}" failures="${failures}">`,
    ...lines,
    "</testsuite>",
    "</testsuites>",
  ].join("\n");
}
