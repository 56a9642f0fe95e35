import { expect, test } from "vitest";
import { Metrics } from "../../src/http/metrics.ts";

test("request times by route, cumulative as the format asks", () => {
  const metrics = new Metrics();
  for (const seconds of [0.0005, 0.03, 0.03, 20]) metrics.request("/a", "GET", 200, seconds);
  const text = metrics.render();
  const count = (le: string): number =>
    Number(
      new RegExp(`_bucket\\{method="GET",route="/a",status="200",le="${le.replace("+", "\\+")}"\\} (\\d+)`).exec(
        text,
      )?.[1],
    );
  expect(["0.001", "0.025", "0.05", "10", "+Inf"].map(count)).toEqual([1, 1, 3, 3, 4]);
  expect(text).toContain('_count{method="GET",route="/a",status="200"} 4');
  expect(text.endsWith("\n# EOF\n")).toBe(true);
});

test("gauges are read when asked for; labels are escaped; series have an end", () => {
  const metrics = new Metrics();
  let value = 1;
  metrics.add(
    { name: "one", help: "One.", kind: "gauge", read: () => value },
    { name: "many", help: "Many.", kind: "counter", label: "of", read: () => ({ 'a"b': 2 }) },
  );
  value = 5;
  expect(metrics.render()).toContain(
    '\n# TYPE one gauge\n# HELP one One.\none 5\n# TYPE many counter\n# HELP many Many.\nmany_total{of="a\\"b"} 2\n',
  );
  for (let i = 0; i < 5000; i++) metrics.request(`/${i}`, "GET", 200, 1);
  expect(metrics.render().match(/_count\{/g)).toHaveLength(1000);
});
