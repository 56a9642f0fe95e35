/**
 * A process that appends runs and says so, for tests that kill it or start several: `writer.ts PATH NAME COUNT`.
 * Prints `open`, then waits for a line on standard input, then prints each ordinal once it is stored.
 */
import { once } from "node:events";
import { openHistory } from "../../src/history/history.ts";
import { runWith } from "../example-run.ts";

const [path = "", name = "", count = "0"] = process.argv.slice(2);
const history = openHistory(path, { busyTimeoutMs: 20_000 });
process.stdout.write("open\n");
await once(process.stdin, "data");
for (let index = 0; index < Number(count); index++) {
  const { ordinal } = history.append(runWith({ id: `${name}-${index}`, name }, { summary: { count: 1, p95: index } }));
  process.stdout.write(`${ordinal}\n`);
}
history.close();
process.stdin.destroy();
