// Writes docs/coverage.md: which requirement is answered where. With --check it writes nothing and fails when the file
// is out of date or a claim does not hold. With --results it keeps what a validation came to, to be shown in the table.
// Run: node scripts/coverage.ts [--check | --results mettle-out]
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  catalogueTable,
  type Claim,
  claimsIn,
  coverageTable,
  type LastResults,
  lastResultsOf,
  problemsOf,
  type Requirement,
  textProblems,
  unknownClaims,
} from "./requirements.ts";

const target = "docs/coverage.md";
const resultsFile = "docs/validation-results.json";
const places = [
  "packages/*/{src,test,bench}/**/*.ts",
  "{bench,examples}/**/*.ts",
  "scripts/test/**/*.ts",
  "docs/**/*.md",
  ".github/workflows/*.yml",
  "deploy/**/*.{yml,mjs}",
  "action.yml",
];
/** The table itself, and the test of what reads it, whose ids are made up. */
const excluded = new Set([target, "scripts/test/requirements.test.ts"]);

const requirements = JSON.parse(readFileSync("docs/requirements.json", "utf8")) as readonly Requirement[];
const files = [...new Set(places.flatMap((pattern) => globSync(pattern)))]
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => !excluded.has(file) && !file.includes("/fixtures/"))
  .toSorted();
const claims = files.flatMap((file): Claim[] => claimsIn(file, readFileSync(file, "utf8")));
/** Parts that exist: nothing of theirs may be unanswered without a reason. */
const parts = ["agents", "load", "service", "report"] as const;
const problems = [
  ...["lab", ...parts].flatMap((owner) => problemsOf(requirements, claims, owner)),
  ...textProblems(requirements, "lab"),
  ...unknownClaims(requirements, claims),
];
const last = lastResults();
const table = [
  coverageTable(requirements, claims, "lab"),
  ...parts.map((owner) => catalogueTable(requirements, claims, owner, last)),
].join("");
if (!process.argv.includes("--check")) writeFileSync(target, table);
else if (readFileSync(target, "utf8") !== table) problems.push(`${target} is out of date: run npm run coverage`);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else console.log(`coverage: ${new Set(claims.map(({ id }) => id)).size} requirements claimed in ${files.length} files`);

function lastResults(): LastResults | undefined {
  const at = process.argv.indexOf("--results");
  const folder = at < 0 ? undefined : process.argv[at + 1];
  const read = (file: string): unknown => JSON.parse(readFileSync(file, "utf8"));
  if (folder !== undefined) {
    type Parts = Parameters<typeof lastResultsOf>;
    const parts = [read(join(folder, "run.json")), read(join(folder, "validation.json"))] as Parts;
    writeFileSync(resultsFile, `${JSON.stringify(lastResultsOf(...parts), undefined, 2)}\n`);
  }
  return existsSync(resultsFile) ? (read(resultsFile) as LastResults) : undefined;
}
