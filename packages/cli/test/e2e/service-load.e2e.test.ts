import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { decodeRun, findMeasurements } from "@mettle/results";
import { expect, test } from "vitest";
import { Project } from "./project.ts";

/** As much of an agent service as a login needs. */
async function serving(status: number, use: (url: string) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      response.writeHead(status, { "content-type": "application/json" }).end('{"token":"t"}');
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await use(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test("a service's scenario in the shape of a smoke test, with its thresholds, in a worker thread", async () => {
  using project = new Project();
  await serving(200, async (url) => {
    const run = await project.mettle([
      "load",
      "service:auth_performance",
      ...["--env", `API_BASE_URL=${url}`, "--env", "TEST_TYPE=smoke", "--env", "REGION=here"],
      ...["--profile", "smoke", "-d", "2s", "--no-history"],
    ]);
    const document = decodeRun(readFileSync(project.path("mettle-out/run.json"), "utf8"));
    expect(document).toMatchObject({ kind: "load", profile: "smoke" });
    const [checks] = findMeasurements(document, { metric: "checks", tags: { check: "has token" } });
    expect(checks?.summary.rate).toBe(1);
    // The base configuration's three rules; a crowded machine may make the run invalid.
    expect([0, 5]).toContain(run.exitCode);
    if (run.exitCode === 0) expect(run.stdout).toContain("3 within limits");
  });
});

test("a service that refuses the first login, no address, no such scenario", async () => {
  using project = new Project();
  await serving(403, async (url) => {
    const refused = await project.mettle(["load", "service:endurance_test", "--env", `API_BASE_URL=${url}`]);
    expect(refused.exitCode).toBe(5);
    expect(refused.stderr).toContain("The first login gave no token: status 403");
  });
  for (const [args, said] of [
    [["service:auth_performance"], "needs to know where the service is"],
    [["service:nothing", "--env", "API_BASE_URL=http://127.0.0.1:1"], "SERVICE_SCENARIO_UNKNOWN"],
    [["service:auth_performance", "--env", "API_BASE_URL=x"], "SERVICE_OPTIONS_INVALID"],
    [
      ["service:auth_performance", "--env", "API_BASE_URL=http://127.0.0.1:1", "--env", "TEST_TYPE=big"],
      "none of smoke",
    ],
  ] as const) {
    expect(await project.mettle(["load", ...args], { API_BASE_URL: "" })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(said) as string,
    });
  }
});
