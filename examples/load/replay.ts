// A recorded load, replayed a hundred times faster: requests come when they came, each with the tokens that it had.
//
//   node -C mettle-source examples/load/replay.ts
//
// Prints:
//   azure: 6 requests, 1.8 a second, gaps vary by 1.55 of their mean: a burst, then nothing
//   replayed: 6 requests, 41 tokens answered
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { arrivalStatistics, defineLoad, readTraceFile, resolvePlan, runLoad, startMockModel } from "@mettle/load";

const folder = mkdtempSync(join(tmpdir(), "replay-"));
const file = join(folder, "recorded.csv");
writeFileSync(
  file,
  `TIMESTAMP,ContextTokens,GeneratedTokens
2026-11-21 08:00:00.0,374,4
2026-11-21 08:00:00.1,396,10
2026-11-21 08:00:00.2,879,5
2026-11-21 08:00:00.3,91,8
2026-11-21 08:00:03.0,381,12
2026-11-21 08:00:03.3,1313,2
`,
);

const trace = await readTraceFile(file);
rmSync(folder, { recursive: true });
const { ratePerSecond = Number.NaN, coefficientOfVariation = Number.NaN } = await arrivalStatistics(trace.requests);
console.log(
  `${trace.format}: ${trace.times.length} requests, ${ratePerSecond.toFixed(1)} a second, gaps vary by ${coefficientOfVariation.toFixed(2)} of their mean: a burst, then nothing`,
);

const quickly = { kind: "constant", value: 1 } as const;
await using model = await startMockModel({ timeToFirstToken: quickly, gap: quickly });
const test = defineLoad({
  agents: { chat: { url: `${model.url}/v1`, model: "mock-model" } },
  scenarios: {
    replay: {
      times: trace.times,
      speed: 100,
      run: (user) =>
        user.chat({
          messages: [{ role: "user", content: "as long as it was" }],
          maxTokens: user.row(trace.requests).outputTokens,
        }),
    },
  },
});
const { run } = await runLoad({
  name: "replay",
  plan: resolvePlan(test.options),
  from: { inline: { test } },
  noiseProbe: false,
});
const sum = (metric: string) => run.measurements.find((each) => each.metric === metric)?.summary.sum;
console.log(`replayed: ${sum("llm_requests")} requests, ${sum("llm_output_tokens")} tokens answered`);
