// Writes docs/coverage.md: which requirement is answered where. With --check it writes nothing and fails when the file
// is out of date or a claim does not hold. Run: node scripts/coverage.ts [--check]
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { type Claim, claimsIn, coverageTable, problemsOf, type Requirement } from "./requirements.ts";

const target = "docs/coverage.md";
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
const problems = [...problemsOf(requirements, claims, "lab")];
const table = coverageTable(requirements, claims, "lab");
if (!process.argv.includes("--check")) writeFileSync(target, table);
else if (readFileSync(target, "utf8") !== table) problems.push(`${target} is out of date: run npm run coverage`);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else console.log(`coverage: ${new Set(claims.map(({ id }) => id)).size} requirements claimed in ${files.length} files`);
