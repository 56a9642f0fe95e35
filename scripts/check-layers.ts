// Holds the packages to the table of who may import whom (.dependency-cruiser.mjs). A cruise that resolves nothing
// reports no violation, so the modules seen are counted against the files there are. Run: node scripts/check-layers.ts
import { globSync } from "node:fs";
import { cruise, type ICruiseOptions, type ICruiseResult } from "dependency-cruiser";
import extractTSConfig from "dependency-cruiser/config-utl/extract-ts-config";
import configuration from "../.dependency-cruiser.mjs";
import { problemsOf, type Seen } from "./layers.ts";

const roots = globSync("packages/*/src");
const files = globSync("packages/*/src/**/*.ts").map((file) => file.replaceAll("\\", "/"));
const { forbidden, options } = configuration;
const { output } = await cruise(
  roots,
  { ...(options as ICruiseOptions), ruleSet: { forbidden: forbidden as never }, validate: true },
  { ...options.enhancedResolveOptions },
  { tsConfig: extractTSConfig(options.tsConfig.fileName) },
);
const result = output as ICruiseResult;
const seen: Seen = {
  modules: result.modules.map(({ source }) => source),
  dependencies: result.modules.flatMap(({ source, dependencies }) =>
    dependencies.map(({ resolved }) => ({ from: source, to: resolved })),
  ),
  violations: result.summary.violations
    .filter(({ rule }) => rule.severity === "error")
    .map(({ rule, from, to }) => ({ rule: rule.name, from, to })),
};
const problems = problemsOf(seen, files);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else console.log(`layers: ${files.length} modules in ${roots.length} packages, no arrow against the table`);
