import { describe, expect, it } from "vitest";
import { runJob } from "../../src/validate/host.ts";
import type { Reply } from "../../src/validate/protocol.ts";

type Answer = Exclude<Reply, { kind: "started" }>;

async function answersTo(
  scenarios: readonly string[],
  options: {
    platform?: string;
    nodeFlags?: readonly string[];
    timeoutMs?: (id: string) => number;
    signal?: AbortSignal;
  } = {},
): Promise<Answer[]> {
  const { platform = "event-emitter", nodeFlags = [], timeoutMs = () => 60_000, signal } = options;
  const answers: Answer[] = [];
  await runJob(
    { platform, profile: "smoke", scenarios, seed: 1 },
    {
      nodeFlags,
      timeoutMs,
      ...(signal && { signal }),
      onReply: (reply) => {
        if (reply.kind !== "started") answers.push(reply);
      },
    },
  );
  return answers;
}

describe("a measuring process", () => {
  it("measures its scenarios one after the other", async () => {
    const answers = await answersTo(["registry.capability-matching", "registry.consistency"]);
    expect(answers.map(({ kind, scenario }) => [kind, scenario])).toEqual([
      ["measured", "registry.capability-matching"],
      ["measured", "registry.consistency"],
    ]);
  });

  it("costs one scenario when it hangs, and the others are measured in another process", async () => {
    const answers = await answersTo(["registry.discovery", "registry.consistency"], {
      timeoutMs: (id) => (id === "registry.discovery" ? 1 : 60_000),
    });
    expect(answers[0]).toMatchObject({ kind: "failed", code: "SCENARIO_TIMEOUT", scenario: "registry.discovery" });
    expect(answers[1]).toMatchObject({ kind: "measured", scenario: "registry.consistency" });
  });

  it("is named with its last words when it dies", async () => {
    const [answer] = await answersTo(["registry.discovery"], { nodeFlags: ["--no-such-flag"] });
    expect(answer).toMatchObject({ kind: "failed", code: "SCENARIO_PROCESS_DIED" });
    expect((answer as { message: string }).message).toContain("--no-such-flag");
  });

  it("says when it runs out of memory", async () => {
    const [answer] = await answersTo(["core.operations"], { nodeFlags: ["--max-old-space-size=12"] });
    expect(answer).toMatchObject({ kind: "failed", code: "SCENARIO_PROCESS_DIED" });
  });

  it("says what a platform lacks instead of measuring nothing", async () => {
    expect(await answersTo(["variables.adaptation"])).toEqual([
      { kind: "unsupported", scenario: "variables.adaptation", missing: ["adaptation"] },
    ]);
  });

  it("says by code that there is no such platform", async () => {
    const [answer] = await answersTo(["registry.discovery"], { platform: "nosuch" });
    expect(answer).toMatchObject({ kind: "failed", code: "PLATFORM_UNKNOWN" });
  });

  it("ends when nobody waits for it any more", async () => {
    const controller = new AbortController();
    const answers = answersTo(["load.sustained", "registry.discovery"], { signal: controller.signal });
    controller.abort();
    expect(await answers).toEqual([]);
  });
});
