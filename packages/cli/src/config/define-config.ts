import type { BenchPlan } from "@mettle/bench";
import type { JudgePolicy } from "@mettle/judge";
import type { Profile } from "@mettle/results";

export interface BenchConfig {
  /** Globs from the folder of the configuration. @defaultValue every `*.bench.{ts,mts,js,mjs}` below it */
  readonly files?: readonly string[];
  /** Names of folders that are not looked into. @defaultValue node_modules, dist, .git, mettle-out */
  readonly exclude?: readonly string[];
  /** @defaultValue "ci" */
  readonly profile?: Profile;
  /** Changes of the profile's plan. */
  readonly plan?: Partial<BenchPlan>;
  /** For the measuring processes. */
  readonly nodeFlags?: readonly string[];
  readonly seed?: number;
}

/** How another revision is made ready for `mettle bench --against`. */
export interface AgainstConfig {
  /** Line for the shell. Default: what the lock file suggests; empty: install nothing. */
  readonly install?: string;
  /** Line for the shell. Default: `npm run build` where there is such a script; empty: build nothing. */
  readonly build?: string;
  /** Where prepared revisions are kept. @defaultValue a folder of this user in the system's temporary folder */
  readonly cacheFolder?: string;
}

/** The content of `mettle.config.ts`. Flags and `METTLE_…` variables win over it. */
export interface MettleConfig {
  /** Of the runs. @defaultValue the name of the folder */
  readonly name?: string;
  readonly bench?: BenchConfig;
  readonly against?: AgainstConfig;
  /** What runs are judged by. Without it `mettle bench` only measures and `mettle gate` has nothing to do. */
  readonly judge?: JudgePolicy;
  /** The saved baseline that runs are compared with. @defaultValue none */
  readonly compare?: string;
  /** File of the history, or false for none. @defaultValue ".mettle/history.db" */
  readonly history?: string | false;
  /** Folder of the saved baselines. @defaultValue ".mettle/baselines" */
  readonly baselines?: string;
  /** Folder for what commands write. @defaultValue "mettle-out" */
  readonly out?: string;
}

/** Gives `mettle.config.ts` its types: `export default defineConfig({ … })`. Returns what it is given. */
export const defineConfig = (config: MettleConfig): MettleConfig => config;
