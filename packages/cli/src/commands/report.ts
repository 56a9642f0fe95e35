import { resolve } from "node:path";
import { exitCodes } from "@mettle/core";
import type { Verdict } from "@mettle/judge";
import {
  chartNamed,
  type HtmlOptions,
  pageCharts,
  renderHtml,
  rendererNamed,
  renderers,
  renderPng,
} from "@mettle/report";
import {
  exportBencher,
  exportCsv,
  exportGithubActionBenchmark,
  exportK6Csv,
  exportK6Json,
  type GithubActionBenchmarkTool,
  type Run,
} from "@mettle/results";
import { type CommandContext, note, warn } from "../command-context.ts";
import { loadSettings } from "../config/settings.ts";
import { cliErrors } from "../errors.ts";
import { OutputFolder } from "../output-folder.ts";
import { findRun } from "../run/find-run.ts";
import { findYardstick, isJudged, judgeRun } from "../run/judge-run.ts";
import { profilesOf } from "../run/profiles.ts";
import { pageFile, pageOptions } from "../run/write-page.ts";
import { textOptions } from "../run/render-text.ts";

interface Rendered {
  readonly file: string;
  readonly text: string;
  /** What the format cannot carry, in words. */
  readonly lost: readonly string[];
}

type Format = (run: Run, verdict: Verdict, context: CommandContext) => Omit<Rendered, "file">;

const exporters: Readonly<Record<string, { readonly extension: string; readonly write: Format }>> = {
  csv: { extension: "csv", write: (run) => exportCsv(run) },
  bencher: { extension: "json", write: (run) => exportBencher(run) },
  "github-action-benchmark": {
    extension: "json",
    write: (run, _, { flags }) =>
      exportGithubActionBenchmark(run, (flags.text("tool") ?? "customSmallerIsBetter") as GithubActionBenchmarkTool),
  },
  "k6-json": { extension: "ndjson", write: (run) => joined(exportK6Json(run)) },
  "k6-csv": { extension: "csv", write: (run) => joined(exportK6Csv(run)) },
};

const joined = ({
  lines,
  lost,
}: {
  readonly lines: Iterable<string>;
  readonly lost: readonly string[];
}): Omit<Rendered, "file"> => ({
  text: [...lines].map((line) => (line.endsWith("\n") ? line : `${line}\n`)).join(""),
  lost,
});

/** `mettle report RUN --FORMAT…`: one format to stdout, several to files. It renders; the exit code says nothing. */
export async function run(context: CommandContext): Promise<number> {
  const settings = await loadSettings(context);
  const picture = context.flags.text("png");
  const chosen = picture === undefined ? chosenFormats(context) : formatsOf(context);
  const rendered = await findRun(context.positionals[0], settings, context.cwd);
  const yardstick = await findYardstick(settings);
  const verdict = judgeRun(rendered, yardstick, settings, context);
  const subject = {
    run: rendered,
    verdict,
    judged: isJudged(yardstick, rendered),
    options: () => ({
      ...pageOptions(rendered, yardstick, settings),
      profiles: profilesOf(rendered, settings.out, context),
    }),
  };
  const out = new OutputFolder(settings.out, context.cwd);
  if (picture !== undefined) await writePicture(picture, subject, out, context);
  for (const name of chosen) {
    const { file, text, lost } = name === "html" ? renderPage(subject) : render(name, rendered, verdict, context);
    if (chosen.length === 1 && picture === undefined) context.stdout.write(text);
    else {
      await out.write(file, text);
      note(context, `Wrote ${out.shown(file)}.`);
    }
    if (lost.length > 0) warn(context, `${name} cannot carry: ${lost.join("; ")}.`);
  }
  return exitCodes.pass;
}

const formatNames: readonly string[] = [...renderers.map(({ name }) => name), ...Object.keys(exporters)];

const formatsOf = ({ flags }: CommandContext): readonly string[] => formatNames.filter((name) => flags.on(name));

function chosenFormats(context: CommandContext): readonly string[] {
  const chosen = formatsOf(context);
  if (chosen.length > 0) return chosen;
  throw cliErrors.create("USAGE_ARGUMENT_MISSING", "mettle report needs a format.", {
    details: { known: formatNames },
    next: `Choose one or several of ${formatNames.map((name) => `--${name}`).join(", ")}, or --png with a chart.`,
  });
}

/** One chart of the page as a picture. */
async function writePicture(
  wanted: string,
  subject: PageSubject,
  out: OutputFolder,
  context: CommandContext,
): Promise<void> {
  const { flags, cwd, stdout } = context;
  const chart = chartNamed(pageCharts(renderPage(subject).text), wanted);
  const [theme, font] = [flags.text("theme"), flags.text("font")];
  const { png, isWithoutText } = await renderPng(chart, {
    ...(theme !== undefined && { theme: theme as "light" | "dark" }),
    ...(font !== undefined && { font: resolve(cwd, font) }),
  });
  if (isWithoutText) {
    warn(context, "This machine has no fonts: the picture has no text. Name a TrueType file with --font.");
  }
  const file = `${chart.name}.png`;
  await out.write(file, png);
  stdout.write(
    flags.on("json") ? `${JSON.stringify({ chart: chart.title, file: out.shown(file) })}\n` : `${out.shown(file)}\n`,
  );
}

function render(name: string, run: Run, verdict: Verdict, context: CommandContext): Rendered {
  const exporter = Object.hasOwn(exporters, name) ? exporters[name] : undefined;
  if (exporter) return { file: `${fileStem(name)}.${exporter.extension}`, ...exporter.write(run, verdict, context) };
  const renderer = rendererNamed(name);
  const text = renderer.render(run, verdict, { ...textOptions(context), all: context.flags.on("all") });
  return { file: `${fileStem(name)}.${renderer.extension}`, text, lost: [] };
}

interface PageSubject {
  readonly run: Run;
  readonly verdict: Verdict;
  /** A verdict that nothing was asked of would only say so. */
  readonly judged: boolean;
  readonly options: () => HtmlOptions;
}

const renderPage = ({ run, verdict, judged, options }: PageSubject): Rendered => ({
  file: pageFile,
  text: renderHtml(run, judged ? verdict : undefined, options()),
  lost: [],
});

const stems: Readonly<Record<string, string>> = {
  text: "summary",
  md: "summary",
  csv: "run",
  json: "report",
  "k6-csv": "k6",
  "k6-json": "k6",
};
const fileStem = (name: string): string => (Object.hasOwn(stems, name) ? stems[name] : undefined) ?? name;
