// Runs the files of examples/ that print the same every time and compares what it prints with what its first comment says under "Prints:", so that
// what people copy works. Run: node scripts/run-examples.ts
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { promisedOutput } from "./examples.ts";

const files = globSync("examples/**/*.ts").toSorted();
if (files.length === 0) {
  console.error("examples/ is empty: nothing was checked");
  process.exitCode = 1;
}
for (const file of files) {
  const promised = promisedOutput(readFileSync(file, "utf8"));
  if (promised === undefined) continue; // its figures differ from run to run: scripts/test/measured-examples.test.ts
  const { status, stdout, stderr } = spawnSync(process.execPath, ["-C", "mettle-source", file], { encoding: "utf8" });
  if (status === 0 && stdout === promised) {
    console.log(`${file}: as promised`);
    continue;
  }
  process.exitCode = 1;
  console.error(`${file}: exit code ${status}, printed\n${stdout}instead of\n${promised}${stderr}`);
}
