import type { CommandSpec, FlagSpec, FlagType } from "./command-spec.ts";
import { convert, mockModel } from "./agent-commands.ts";
import { serve } from "./service-commands.ts";
import { load } from "./load-command.ts";
import { coordinatorFlags, worker } from "./nats-flags.ts";

const onOff = { kind: "switch" } as const;
const text = (placeholder: string): FlagType => ({ kind: "text", placeholder });

export const globalFlags: readonly FlagSpec[] = [
  { name: "help", short: "h", type: onOff, help: "this help" },
  { name: "version", type: onOff, help: "the version of Mettle and of Node" },
  { name: "json", type: onOff, help: "one JSON document on stdout; progress as NDJSON on stderr" },
  { name: "quiet", short: "q", type: onOff, help: "no progress, only results and errors", environment: true },
  { name: "out", type: text("DIR"), help: "folder that files are written to (mettle-out)", environment: true },
  { name: "config", type: text("FILE"), help: "configuration (mettle.config.ts, if there is one)", environment: true },
];

const filter: FlagSpec = { name: "filter", type: text("TEXT"), help: "only benchmarks whose name contains TEXT" };
const all: FlagSpec = { name: "all", type: onOff, help: "list what passed too, with all evidence" };
const history: FlagSpec = {
  name: "history",
  type: text("FILE"),
  help: "history file (.mettle/history.db)",
  environment: true,
};
const noHistory: FlagSpec = { name: "no-history", type: onOff, help: "neither read nor write the history" };
const compare: FlagSpec = {
  name: "compare",
  type: text("NAME"),
  help: "judge regressions against this saved baseline",
  environment: true,
};
const nodeFlags: FlagSpec = {
  name: "node-flags",
  type: { kind: "text", placeholder: "FLAGS", repeatable: true },
  help: "for the measuring processes: --node-flags=--expose-gc",
  environment: true,
};
const metricName = { name: "METRIC", required: false } as const;

const validate: CommandSpec = {
  name: "validate",
  summary: "run the catalogue of agent benchmarks and scenarios on a platform and on the service, and judge them",
  arguments: [{ name: "SUITES", required: false, variadic: true }],
  flags: [
    {
      name: "profile",
      type: { kind: "choice", choices: ["smoke", "ci", "full", "soak"] },
      help: "under 30 s, under 5 min, longer, or hours (ci); rates stay the same",
      environment: true,
    },
    {
      name: "platform",
      type: text("NAME"),
      help: "mettle, event-emitter, xstate, moleculer or otp (mettle)",
      environment: true,
    },
    { name: "phase", type: { kind: "choice", choices: ["1", "2", "3"] }, help: "whose targets are judged (1)" },
    { name: "versus", type: onOff, help: "measure the other installed platforms too, side by side" },
    {
      name: "base-url",
      type: text("URL"),
      help: "an agent service that runs already (one is started)",
      environment: true,
    },
    { ...compare, environment: false },
    { name: "save", type: text("NAME"), help: "save the run as a baseline" },
    all,
  ],
  examples: [
    "mettle validate",
    "mettle validate registry --profile smoke",
    "mettle validate --platform xstate --phase 3",
    "mettle validate core --versus",
    "mettle validate service --profile smoke",
  ],
  notes: [
    "Suites: registry, agents, events, variables, coordination, system, scalability, resources, limits, load, optimizations,\n  core, service; or single scenarios, such as registry.lookup.",
    "A service at --base-url has test users: TEST_USERNAME=user{n} TEST_PASSWORD=… TEST_USERS=100.",
    "Exit code: 0 pass, 2 a service that did not start or stay up, 3 target, budget or objective missed, 4 only regressions,\n  5 something could not be measured, 130 interrupted.",
  ],
};

const bench: CommandSpec = {
  name: "bench",
  summary: "measure benchmarks; compare with another revision, folder or baseline",
  arguments: [{ name: "FILES", required: false, variadic: true }],
  flags: [
    {
      name: "profile",
      type: { kind: "choice", choices: ["smoke", "ci", "full", "soak"] },
      help: "how much is measured: 2, 10, 40 or 600 s a suite (ci)",
      environment: true,
    },
    filter,
    { name: "against", type: text("REV|DIR"), help: "build this revision (or take this folder) and compare, in pairs" },
    { name: "save", type: text("NAME"), help: "save the run as a baseline" },
    compare,
    history,
    noHistory,
    {
      name: "seconds",
      type: { kind: "number", placeholder: "N", above: 0 },
      help: "time for each suite",
      environment: true,
    },
    {
      name: "margin",
      type: { kind: "fraction", placeholder: "1%" },
      help: "smallest effect that matters in a paired comparison",
      environment: true,
    },
    {
      name: "confidence",
      type: { kind: "fraction", placeholder: "99%" },
      help: "of intervals and decisions",
      environment: true,
    },
    { name: "no-memory", type: onOff, help: "do not count allocations" },
    nodeFlags,
    {
      name: "seed",
      type: { kind: "number", placeholder: "N", integer: true },
      help: "makes the order of measuring repeatable",
      environment: true,
    },
    { name: "name", type: text("NAME"), help: "of the run (the folder's)", environment: true },
    all,
  ],
  examples: ["mettle bench", "mettle bench --profile smoke --filter parse", "mettle bench --against main"],
  notes: [
    "Without FILES: **/*.bench.{ts,mts,js,mjs} below the current folder.",
    "Writes run.json, report.html, summary.md and junit.xml.",
  ],
};

const commands: readonly CommandSpec[] = [
  validate,
  bench,
  { ...load, flags: [...load.flags, ...coordinatorFlags, compare, history, noHistory, all] },
  worker,
  mockModel,
  serve,
  convert,
  {
    name: "compare",
    summary: "two runs side by side, with intervals and words",
    arguments: [
      { name: "A", required: true },
      { name: "B", required: true, variadic: true },
    ],
    flags: [
      { name: "html", type: onOff, help: "write compare.html: the runs side by side, distributions over each other" },
      history,
    ],
    examples: ["mettle compare main mettle-out/run.json", "mettle compare main a.json b.json --html"],
    notes: ["A and B are run files, names of saved baselines, or ids of runs in the history."],
  },
  {
    name: "baseline",
    summary: "save, list, show or delete named runs",
    arguments: [
      { name: "ACTION", required: true, choices: ["save", "list", "show", "delete"] },
      { name: "NAME", required: false },
      { name: "RUN", required: false },
    ],
    flags: [history],
    examples: ["mettle baseline save main", "mettle baseline list"],
    notes: ["`save` takes the run of the last measurement (mettle-out/run.json) where no RUN is named."],
  },
  {
    name: "history",
    summary: "past runs, one metric over time, and what changed",
    arguments: [{ name: "ACTION", required: false, choices: ["list", "show", "check"] }, metricName],
    flags: [
      history,
      {
        name: "html",
        type: { kind: "optional", placeholder: "DIR" },
        help: "list, show: write a site of it, for any host of files (mettle-out/history)",
      },
      {
        name: "limit",
        type: { kind: "number", placeholder: "N", above: 0, integer: true },
        help: "the newest N runs (list: 20; otherwise 500)",
      },
      { name: "branch", type: text("NAME"), help: "only runs of this branch" },
      {
        name: "statistic",
        type: text("NAME"),
        help: "p50, mean, p95, controlRatio … (median for times, else the mean)",
      },
    ],
    examples: [
      "mettle history list",
      "mettle history show parse.time",
      "mettle history --html=public",
      "mettle history check",
    ],
    notes: ["`check` looks for steps, trends and a last value off its level, and exits with 4 where one got worse."],
  },
  {
    name: "dashboard",
    summary: "past runs and metrics in a browser, with the report of each run",
    arguments: [],
    flags: [
      {
        name: "port",
        type: { kind: "number", placeholder: "N", above: -1, integer: true },
        help: "0 for any that is free (7789)",
      },
      {
        name: "host",
        type: text("ADDRESS"),
        help: "to listen on; not this machine alone: the address then has a token (127.0.0.1)",
        environment: true,
      },
      history,
      compare,
      {
        name: "limit",
        type: { kind: "number", placeholder: "N", above: 0, integer: true },
        help: "of each metric, the newest N runs (500)",
      },
      { name: "branch", type: text("NAME"), help: "only runs of this branch" },
    ],
    examples: ["mettle dashboard", "mettle dashboard --port 0 --branch main"],
    notes: ["It only reads. Ends with Ctrl-C. `mettle history --html` writes the same pages as files."],
  },
  {
    name: "gate",
    summary: "judge a run by the policy in the configuration; the CI step",
    arguments: [{ name: "RUN", required: false }],
    flags: [compare, history, noHistory, all],
    examples: ["mettle gate", "mettle gate results/run.json --compare main"],
    notes: [
      "Exit code: 0 pass, 3 objective or threshold missed, 4 regression, 5 invalid or inconclusive.",
      "Under GitHub Actions it also writes annotations and the step summary.",
    ],
  },
  {
    name: "report",
    summary: "render a run again, for people or for another tool",
    arguments: [{ name: "RUN", required: false }],
    flags: [
      { name: "text", type: onOff, help: "the summary, as `mettle gate` shows it" },
      { name: "html", type: onOff, help: "one page for the browser: the verdict, why, and everything measured" },
      { name: "png", type: text("CHART"), help: "one chart of the page as a picture: the one with this in its title" },
      { name: "theme", type: { kind: "choice", choices: ["light", "dark"] }, help: "of the picture (light)" },
      { name: "font", type: text("FILE"), help: "to write with, where the machine has none" },
      { name: "md", type: onOff, help: "Markdown, for a pull-request comment" },
      { name: "step-summary", type: onOff, help: "Markdown, for the step summary of GitHub Actions" },
      { name: "junit", type: onOff, help: "JUnit XML: a test for each thing judged" },
      { name: "ctrf", type: onOff, help: "Common Test Report Format" },
      { name: "github", type: onOff, help: "annotations of GitHub Actions" },
      { name: "performance", type: onOff, help: "what was measured and judged, as JSON for other tools" },
      { name: "csv", type: onOff, help: "every statistic of every measurement, one a line" },
      { name: "bencher", type: onOff, help: "Bencher Metric Format" },
      { name: "github-action-benchmark", type: onOff, help: "for github-action-benchmark (see --tool)" },
      { name: "k6-json", type: onOff, help: "NDJSON as k6 writes it" },
      { name: "k6-csv", type: onOff, help: "CSV as k6 writes it" },
      {
        name: "tool",
        type: { kind: "choice", choices: ["customSmallerIsBetter", "customBiggerIsBetter"] },
        help: "of github-action-benchmark (customSmallerIsBetter)",
      },
      compare,
      history,
      noHistory,
      all,
    ],
    examples: [
      "mettle report --html > report.html",
      "mettle report --md",
      "mettle report --png=requests-per-second --theme dark",
      "mettle report mettle-out/run.json --junit --ctrf",
      "mettle report main --csv",
    ],
    notes: ["One format goes to stdout, several to files in the output folder. --json: run and verdict."],
  },
  {
    name: "import",
    summary: "make a run of another tool's results",
    arguments: [{ name: "FILE", required: true }],
    flags: [
      {
        name: "from",
        type: {
          kind: "choice",
          choices: ["k6-json", "k6-csv", "k6-summary", "bencher", "csv", "github-action-benchmark"],
        },
        help: "the file's format",
      },
      { name: "name", type: text("NAME"), help: "of the run (the format's)" },
      {
        name: "tool",
        type: { kind: "choice", choices: ["customSmallerIsBetter", "customBiggerIsBetter"] },
        help: "of github-action-benchmark (customSmallerIsBetter)",
      },
      { name: "save", type: text("NAME"), help: "save the run as a baseline" },
      history,
      noHistory,
    ],
    examples: ["mettle import results.json --from k6-json"],
  },
  {
    name: "profile",
    summary: "where one benchmark's time and memory go",
    arguments: [{ name: "FILE", required: true }],
    flags: [
      filter,
      { name: "heap", type: onOff, help: "what it allocates, instead of where time goes" },
      { name: "instructions", type: onOff, help: "instructions per operation too, under valgrind (slow)" },
      { name: "seconds", type: { kind: "number", placeholder: "N", above: 0 }, help: "time under the profiler (2)" },
      nodeFlags,
    ],
    examples: ["mettle profile parse.bench.ts --filter small"],
    notes: [
      "Its time is measured first, without the profiler. Open .cpuprofile files in Chrome DevTools or VS Code.",
      "`mettle report --html` shows the flame graph in the report of a run that measured the benchmark.",
    ],
  },
  {
    name: "init",
    summary: "write a first configuration, benchmark and workflow",
    arguments: [],
    flags: [{ name: "force", type: onOff, help: "overwrite files that exist" }],
    examples: ["mettle init"],
  },
  {
    name: "doctor",
    summary: "is this machine fit to measure on, and what effect can it detect",
    arguments: [],
    flags: [
      {
        name: "seconds",
        type: { kind: "number", placeholder: "N", above: 0 },
        help: "time for the self-check with identical code (5)",
      },
    ],
    examples: ["mettle doctor"],
    notes: ["Exit code: 0 fit, 5 not fit."],
  },
  {
    name: "completion",
    summary: "a completion script for your shell",
    arguments: [{ name: "SHELL", required: true, choices: ["bash", "zsh", "fish"] }],
    flags: [],
    examples: ['eval "$(mettle completion bash)"', "mettle completion fish > ~/.config/fish/completions/mettle.fish"],
  },
];

/** Every command with everything it accepts: help, parsing and completion are made from this alone. */
export const commandTable: readonly CommandSpec[] = commands;

export const commandNamed = (name: string): CommandSpec | undefined => commands.find((each) => each.name === name);

/** A command's own flag takes the place of a general one of the same name. */
export const flagsOf = (command: CommandSpec): readonly FlagSpec[] => [...command.flags, ...generalFlagsOf(command)];

/** The flags of every command that this one does not have its own version of. */
export const generalFlagsOf = ({ flags }: CommandSpec): readonly FlagSpec[] =>
  globalFlags.filter(({ name }) => !flags.some((own) => own.name === name));

/** The environment variable that stands in for a flag: `METTLE_NODE_FLAGS`. */
export const environmentName = (flag: Pick<FlagSpec, "name">): string =>
  `METTLE_${flag.name.toUpperCase().replaceAll("-", "_")}`;
