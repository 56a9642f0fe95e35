import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { call } from "../running.ts";
import { runningService } from "../running-service.ts";

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly targets: readonly { readonly expr: string }[];
  readonly fieldConfig: {
    readonly defaults: {
      readonly thresholds?: { readonly steps: readonly { readonly color: string; readonly value: number | null }[] };
    };
  };
}
const dashboard = JSON.parse(
  readFileSync(new URL("../../../../deploy/service/dashboard.json", import.meta.url), "utf8"),
) as { readonly refresh: string; readonly time: { readonly from: string }; readonly panels: readonly Panel[] };
const panel = (title: string): Panel =>
  dashboard.panels.find((each) => each.title === title) ?? expect.fail(`no panel ${title}`);

describe("the dashboard for Grafana", () => {
  const service = runningService();

  test("shows a day and is drawn anew every 30 s (S4-128)", () => {
    expect(dashboard).toMatchObject({ refresh: "30s", time: { from: "now-24h" } });
  });

  test("has requests by route, response times as a heat map, and what was promised in red, yellow and green (S4-125, S4-126, S4-127)", () => {
    expect(panel("Requests a second by route").targets[0]?.expr).toMatch(/sum by \(method, route\) \(rate\(/);
    expect(panel("Response times").type).toBe("heatmap");
    for (const title of ["Availability", "Requests within their limit"]) {
      expect(panel(title).fieldConfig.defaults.thresholds?.steps).toEqual([
        { color: "red", value: null },
        { color: "yellow", value: 95 },
        { color: "green", value: 99 },
      ]);
    }
    expect(panel("95th percentile by route").targets[0]?.expr).toMatch(/^histogram_quantile\(0\.95,/);
  });

  test("asks only for what the service tells: names, labels, routes and bounds", async () => {
    const { url, token } = service;
    await call(url, "POST", "/knowledge/search", { token, body: { query: "anything" } });
    await call(url, "GET", "/agents/status", { token });
    const { body } = await call(url, "GET", "/metrics");
    const told = String(body["text"]);
    const functions = new Set(["sum", "by", "rate", "increase", "histogram_quantile", "or", "vector"]);
    for (const { expr } of dashboard.panels.flatMap(({ targets }) => targets)) {
      const bare = expr.replaceAll(/\{[^}]*\}|\[[^\]]*\]|by \([^)]*\)/g, "");
      const metrics = [...bare.matchAll(/[a-z_]{2,}/g)].map(([name]) => name).filter((name) => !functions.has(name));
      expect(metrics.length, expr).toBeGreaterThan(0);
      for (const name of metrics) expect(told, expr).toMatch(new RegExp(`^${name}[{ ]`, "m"));
      const labels = [
        ...[...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, names = ""]) => names.split(", ")),
        ...[...expr.matchAll(/([a-z]+)=~?"/g)].map(([, name = ""]) => name),
      ];
      for (const label of labels) expect(told, expr).toContain(`${label}="`);
      for (const [, equal = "", value = ""] of expr.matchAll(/(?:route|le)(=~?)"([^"]*)"/g)) {
        expect(told, expr).toMatch(equal === "=" ? `"${value}"` : new RegExp(`"${value}"`));
      }
    }
  });
});
