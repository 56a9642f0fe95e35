import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { systemClock } from "@mettle/core";
import type { VirtualUser } from "../../src/engine/virtual-user.ts";
import type { HttpClient } from "../../src/http/exchange.ts";
import type { K6Host, LogLevel } from "../../src/k6/runtime/host.ts";
import { type K6Script, type LoadK6Options, loadK6Script } from "../../src/k6/script.ts";
import { NodeClient } from "./node-client.ts";
import { SampleRecorder } from "./recording.ts";

export interface Ran {
  readonly script: K6Script;
  readonly recorder: SampleRecorder;
  /** `level message`. */
  readonly logs: readonly string[];
  /** What iterations threw. */
  readonly errors: readonly unknown[];
  readonly setupData: unknown;
}

export interface RunOptions extends LoadK6Options {
  readonly iterations?: number;
  readonly users?: number;
  readonly scenario?: string;
  readonly file?: string;
  /** Of the script, by relative path. */
  readonly files?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
}

/** A stand-in for the engine: users one after another, sleeps that end at once but are noted. */
export class Bench {
  readonly recorder: SampleRecorder = new SampleRecorder();
  readonly logs: string[] = [];
  readonly slept: number[] = [];
  readonly aborts: string[] = [];
  readonly client: HttpClient;
  readonly folder: string = mkdtempSync(join(tmpdir(), "mettle-k6-"));

  constructor(client: HttpClient = new NodeClient()) {
    this.client = client;
  }

  readonly host: K6Host = {
    log: (level: LogLevel, message: string) => void this.logs.push(`${level} ${message}`),
    abort: ({ message }) => void this.aborts.push(message),
    scenario: () => ({ executor: "per-vu-iterations", startTime: Date.now(), progress: 0.5 }),
  };

  user(id: number, scenario = "default", tags: Readonly<Record<string, string>> = {}): VirtualUser {
    return {
      id,
      scenario,
      tags,
      environment: {},
      http: this.client,
      recorder: this.recorder,
      clock: systemClock,
      signal: new AbortController().signal,
      sleep: (milliseconds) => {
        this.slept.push(milliseconds);
        return new Promise((resolve) => void setImmediate(resolve));
      },
    };
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, name)), { recursive: true });
      writeFileSync(join(this.folder, name), text);
    }
  }

  load(source: string, options: RunOptions = {}): Promise<K6Script> {
    const { file = "script.js", files = {} } = options;
    this.write({ ...files, [file]: source });
    return loadK6Script(join(this.folder, file), { host: this.host, base: this.folder, ...options });
  }

  async run(source: string, options: RunOptions = {}): Promise<Ran> {
    const script = await this.load(source, options);
    const errors: unknown[] = [];
    const { iterations = 1, users = 1, scenario = "default", tags } = options;
    const setupData = await script.workload.setup?.(this.user(0, scenario, tags));
    for (let id = 1; id <= users; id++) {
      const prepared = await script.workload.prepare(this.user(id, scenario, tags), setupData);
      for (let i = 0; i < iterations; i++) {
        try {
          await prepared.run({ number: i, numberInScenario: (id - 1) * iterations + i });
        } catch (error) {
          errors.push(error);
        }
      }
      await prepared.close?.();
    }
    await script.workload.teardown?.(this.user(0, scenario, tags), setupData);
    return { script, recorder: this.recorder, logs: this.logs, errors, setupData };
  }

  close(): void {
    this.client.close();
    rmSync(this.folder, { recursive: true });
  }
}
