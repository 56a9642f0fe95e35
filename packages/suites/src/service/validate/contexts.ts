import { nthUser } from "../surface.ts";
import type { ServiceCheck } from "./check.ts";

const questions: readonly string[] = [
  "why a clock drifted",
  "what was renegotiated with a supplier",
  "which treatment plan was reviewed by a physician",
  "how a glacier shrank over a decade",
  "what happens when a queue is not bounded",
];
/** As many as a percentile 95 needs, and some. */
const asked = 40;

/** Contexts with citations, asked for one after the other: each a new question, so that none is answered from a cache. */
export const contexts: ServiceCheck = {
  id: "service.contexts",
  suite: "service",
  group: "infrastructure_benchmarks",
  title: "contexts with citations within a budget of tokens",
  requirement: ["S4-101"],
  seconds: { smoke: 0.5, ci: 1, full: 1, soak: 1 },
  share: 0.5,
  rules: {
    thresholds: {
      "service.context.time": { threshold: "p(95)<300ms", requirement: ["S4-101"] },
      "service.context.errors": "rate<0.001",
    },
  },
  run: async ({ subject, record, clock, components }) => {
    const { client, credentials } = subject;
    const token = await client.logIn(nthUser(credentials.username, 1), nthUser(credentials.password, 1));
    const before = await client.metrics();
    const times = record.operation("service.context.time");
    let failed = 0;
    for (let i = 0; i < asked; i++) {
      const body = { query: `${questions[i % questions.length] ?? ""} in the year ${1980 + i}`, max_tokens: 2000 };
      const from = clock.now();
      const answer = await client.call("POST", "/knowledge/context", { token, body });
      if (answer.status === 200 && typeof answer.body["context"] === "string") times.times.record(clock.now() - from);
      else {
        times.fail(`status ${answer.status}`);
        failed += 1;
      }
    }
    record.rate("service.context.errors", failed, asked, { direction: "lower" });
    const after = await client.metrics();
    if (before && after) components.add(before, after, false);
  },
};
