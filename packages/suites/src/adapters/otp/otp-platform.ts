import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { suitesErrors } from "../../errors.ts";
import type {
  AgentHandle,
  AgentMessage,
  AgentPlatform,
  AgentSpawn,
  CoordinationFacet,
  CoordinationOutcome,
  CoreOperation,
  PlatformOptions,
  SignalHandler,
} from "../../platform/platform.ts";
import { coordinationByAsking } from "../ask-everyone.ts";
import { PortProgram } from "./port-program.ts";

interface Process {
  readonly number: string;
}

const sources = ["mettle_platform.erl", "mettle_times.erl"];

/**
 * Erlang/OTP with one scheduler, through a port program: what one core of it does. Every figure taken over the port includes the way to
 * another process and back; the core operations are timed in there (`outside`).
 */
export class OtpPlatform implements AgentPlatform {
  readonly name = "otp";
  readonly version: string;
  readonly #program: PortProgram;
  readonly #folder: string;

  private constructor(program: PortProgram, folder: string, version: string) {
    this.#program = program;
    this.#folder = folder;
    this.version = version;
  }

  /** @throws MettleError `PLATFORM_NOT_INSTALLED` without erl and erlc */
  static async open(_options: PlatformOptions = {}): Promise<OtpPlatform> {
    const folder = await mkdtemp(join(tmpdir(), "mettle-otp-"));
    try {
      await compile(folder);
      const program = await PortProgram.start("erl", [
        "+S",
        "1",
        "-noinput",
        "-noshell",
        "-pa",
        folder,
        "-s",
        "mettle_platform",
        "main",
      ]);
      return new OtpPlatform(program, folder, await program.request("version"));
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async spawn({ onFailure = "resume" }: AgentSpawn = {}): Promise<AgentHandle> {
    return { number: await this.#program.request(`spawn ${onFailure}`) } satisfies Process;
  }

  async stop(agent: AgentHandle): Promise<void> {
    await this.#program.request(`stop ${numberOf(agent)}`);
  }

  async send(agent: AgentHandle, message: AgentMessage): Promise<void> {
    await this.#program.request(`send ${numberOf(agent)} ${message.type} ${encode(message.data)}`);
  }

  async ask(agent: AgentHandle, message: AgentMessage, timeoutMs: number): Promise<unknown> {
    const reply = await this.#program.request(
      `ask ${numberOf(agent)} ${Math.ceil(timeoutMs)} ${message.type} ${encode(message.data)}`,
    );
    return message.type === "echo" ? decode(reply) : (JSON.parse(reply) as unknown);
  }

  readonly signals = {
    patterns: false,
    publish: async (type: string, data: unknown): Promise<void> => {
      await this.#program.request(`publish ${type} ${encode(data)}`);
    },
    subscribe: async (type: string, handler: SignalHandler): Promise<() => Promise<void>> => {
      const id = await this.#program.listen(
        `subscribe ${type}`,
        "signal",
        (words) => void handler(decode(words[1] ?? ""), words[0] ?? type),
      );
      return () => this.#program.forget(id, `unsubscribe ${id}`);
    },
    delivered: async (): Promise<void> => {
      await this.#program.request("delivered");
    },
  };

  readonly coordination: CoordinationFacet = {
    ...coordinationByAsking(this),
    consensus: (members: readonly AgentHandle[], timeoutMs: number): Promise<CoordinationOutcome> =>
      this.#propose(members, timeoutMs),
    broadcast: (targets: readonly AgentHandle[], timeoutMs: number): Promise<CoordinationOutcome> =>
      this.#propose(targets, timeoutMs),
  };

  readonly supervision = {
    monitor: async (agent: AgentHandle, onDown: (reason: string) => void): Promise<() => void> => {
      const id = await this.#program.listen(`monitor ${numberOf(agent)}`, "down", (words) => onDown(words.join(" ")));
      return () => void this.#program.forget(id);
    },
  };

  readonly outside = {
    memory: async (): Promise<number> => Number(await this.#program.request("memory")),
    time: async (operation: CoreOperation, size: number, count: number, samples: number): Promise<readonly number[]> =>
      JSON.parse(await this.#program.request(`time ${operation} ${size} ${count} ${samples}`)) as number[],
  };

  async #propose(members: readonly AgentHandle[], timeoutMs: number): Promise<CoordinationOutcome> {
    const votes = Number(
      await this.#program.request(`propose ${Math.ceil(timeoutMs)} ${members.map(numberOf).join(" ")}`.trim()),
    );
    return { participated: votes, succeeded: votes === members.length, messages: members.length + votes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

const numberOf = (agent: AgentHandle): string => (agent as Process).number;

/** Words of a frame are apart by spaces, so that JSON with spaces travels as base64; plain numbers as they are. */
const encode = (data: unknown): string =>
  typeof data === "number" ? String(data) : Buffer.from(JSON.stringify(data ?? null)).toString("base64");
const decode = (text: string): unknown =>
  /^-?[\d.]+$/.test(text) ? Number(text) : (JSON.parse(Buffer.from(text, "base64").toString()) as unknown);

async function compile(folder: string): Promise<void> {
  // Beside this file in the sources; the compiler of TypeScript does not copy it to where it puts its own output.
  const files = sources.map((name) => fileURLToPath(new URL(`../../../src/adapters/otp/${name}`, import.meta.url)));
  try {
    await promisify(execFile)("erlc", ["-o", folder, ...files]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw suitesErrors.create(
      "PLATFORM_NOT_INSTALLED",
      "Erlang/OTP is not installed: there is no erlc (Debian: apt install erlang-base).",
      { cause: error, details: { name: "otp" } },
    );
  }
}
