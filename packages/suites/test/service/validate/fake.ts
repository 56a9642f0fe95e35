import { fileURLToPath } from "node:url";
import type { LoadGenerator } from "../../../src/service/validate/check.ts";
import type { ServiceUnderTest } from "../../../src/service/validate/subject.ts";

const script = fileURLToPath(new URL("./fixtures/fake-serve.ts", import.meta.url));

export type Trouble = "none" | "exits" | "never-ready" | "late" | "ignores-sigterm" | "dies" | "slow";

/** Program and arguments of a fake service in some trouble. */
export const fakeCommand = (trouble: Trouble = "none"): readonly string[] => [
  process.execPath,
  script,
  `--trouble=${trouble}`,
];

export const fakeService = (trouble?: Trouble): ServiceUnderTest => ({ kind: "start", command: fakeCommand(trouble) });

/** Load from this thread, whose own health is the machine's that the test runs on, and says nothing of the service. */
export const calmGenerator: LoadGenerator = {
  inline: {
    monitor: () => ({
      take: () => ({
        wallMs: 1000,
        loopUtilization: 0,
        idleSpinMs: 0,
        loopDelayP99Ms: 0,
        loopDelayMaxMs: 0,
        gcMs: 0,
        gcLongestMs: 0,
      }),
      [Symbol.dispose]: () => undefined,
    }),
  },
};
