import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { loadK6Script } from "../../src/k6/script.ts";
import { Bench } from "./harness.ts";
import { startServer, type TestServer } from "./server.ts";

const folder = join(import.meta.dirname, "corpus");
const scripts = readdirSync(folder).filter((name) => /\.[jt]s$/.test(name));

let server: TestServer;
let bench: Bench;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

/** What each script must come to in two iterations of each scenario: requests, and checks that passed. */
const expected: Readonly<Record<string, { requests: number; checks: number }>> = {
  "01-basic-get.js": { requests: 2, checks: 0 },
  "02-checks-and-groups.js": { requests: 2, checks: 6 },
  "03-stages-and-thresholds.js": { requests: 2, checks: 0 },
  "04-scenarios.js": { requests: 6, checks: 0 },
  "05-setup-and-teardown.js": { requests: 10, checks: 2 },
  "06-batch-and-helpers.js": { requests: 20, checks: 8 },
  "07-cookies.js": { requests: 4, checks: 6 },
  "08-forms-and-links.js": { requests: 8, checks: 8 },
  "09-uploads.js": { requests: 4, checks: 4 },
  "10-shared-data.js": { requests: 2, checks: 2 },
  "11-auth.js": { requests: 6, checks: 4 },
  "12-crypto.js": { requests: 2, checks: 6 },
  "13-async-requests.js": { requests: 8, checks: 6 },
  "14-redirects-and-failures.js": { requests: 18, checks: 12 },
  "15-typescript.ts": { requests: 4, checks: 4 },
  "16-utilities.js": { requests: 2, checks: 2 },
  "17-csv.js": { requests: 0, checks: 4 },
  "18-commonjs.js": { requests: 2, checks: 2 },
  "19-tags.js": { requests: 4, checks: 4 },
  "20-abort.js": { requests: 2, checks: 0 },
  "21-node-modules.js": { requests: 2, checks: 2 },
  "22-classes.js": { requests: 10, checks: 10 },
  "23-import-meta.js": { requests: 0, checks: 2 },
  "24-modules-passed-around.js": { requests: 12, checks: 16 },
  "25-html-elements.js": { requests: 2, checks: 18 },
};

const refused: Readonly<Record<string, RegExp>> = {
  "refused-01-browser.js": /^refused-01-browser\.js:1:1: k6\/browser drives a real browser/,
  "refused-02-grpc.js": /^refused-02-grpc\.js:1:1: k6\/net\/grpc is not provided/,
  "refused-03-constructor.js": /^refused-03-constructor\.js:9:18: a constructor cannot wait/,
  "refused-04-generator.js": /^refused-04-generator\.js:4:37: a generator cannot wait/,
  "refused-05-extension.js": /^refused-05-extension\.js:1:1: k6\/x\/sql is an extension/,
  "refused-06-redis.js": /^refused-06-redis\.js:1:1: k6\/experimental\/redis is not provided/,
};

test("every script of the corpus is spoken for", () => {
  expect(scripts.toSorted()).toEqual([...Object.keys(expected), ...Object.keys(refused)].toSorted());
});

const load = (name: string) =>
  loadK6Script(join(folder, name), { environment: { URL: server.url }, host: bench.host, base: folder });

describe("runs", () => {
  test.each(Object.entries(expected))("%s", async (name, { requests, checks }) => {
    const script = await load(name);
    const [first] = script.options.scenarios;
    const setupData = await script.workload.setup?.(bench.user(0, first?.name));
    const errors: unknown[] = [];
    for (const [i, scenario] of script.options.scenarios.entries()) {
      const prepared = await script.workload.prepare(bench.user(i + 1, scenario.name, script.options.tags), setupData);
      for (let number = 0; number < 2; number++) {
        await prepared.run({ number, numberInScenario: number }).catch((error: unknown) => errors.push(error));
      }
      await prepared.close?.();
    }
    await script.workload.teardown?.(bench.user(0, first?.name), setupData);
    expect(errors.map((error) => (error as { code?: string }).code ?? error)).toEqual(
      name === "20-abort.js" ? ["K6_ABORTED", "K6_ABORTED"] : [],
    );
    expect(bench.recorder.of("checks").filter(({ value }) => value === 0)).toEqual([]);
    expect(bench.recorder.of("checks")).toHaveLength(checks);
    expect(bench.recorder.of("http_reqs")).toHaveLength(requests);
  });
});

test.each(Object.entries(refused))("%s is refused with file, line and reason", async (name, message) => {
  await expect(load(name)).rejects.toMatchObject({
    code: "K6_REFUSED",
    message: expect.stringMatching(message) as string,
  });
});
