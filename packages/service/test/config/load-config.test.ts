import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { loadConfig } from "../../src/config/load-config.ts";
import { settings } from "../../src/config/settings.ts";

test("defaults, then the file, then the environment", () => {
  expect(loadConfig({})).toMatchObject({ host: "127.0.0.1", port: 8080, poolMin: 5, poolMax: 20, trustProxy: false });
  expect(
    loadConfig({ PORT: "" }, { port: 9000, trustProxy: true, orchestrators: ["http://a", "https://b"] }),
  ).toMatchObject({
    port: 9000,
    trustProxy: true,
    orchestrators: ["http://a", "https://b"],
  });
  expect(
    loadConfig({ PORT: "0", METTLE_TOKEN_LIFETIME: "90s", METTLE_BODY_LIMIT: "2 MB" }, { port: 9000 }),
  ).toMatchObject({
    port: 0,
    tokenLifetime: 90_000,
    bodyLimit: 2e6,
  });
});

test("every mistake is told at once, by the name that was used, and no secret is printed", () => {
  const given = {
    PORT: "70000",
    DATABASE_URL: "mysql://u:hunter2@h/d",
    METTLE_ADMIN_PASSWORD: "hunter2",
    METTLE_TOKEN_LIFETIME: "soon",
    METTLE_TRUST_PROXY: "yes",
  };
  let message = "";
  try {
    loadConfig(given, { port: 1, prot: 2, poolMax: 0, logLevel: {} });
  } catch (error) {
    expect(error).toMatchObject({ code: "SERVICE_CONFIG_INVALID", exitCode: 2 });
    message = (error as Error).message;
  }
  for (const name of [...Object.keys(given), "prot", "poolMax", "70000", "soon"]) expect(message).toContain(name);
  expect(message).not.toContain("hunter2");
});

test("settings that contradict each other", () => {
  expect(() => loadConfig({ METTLE_POOL_MIN: "30" })).toThrow("METTLE_POOL_MIN (30) is above METTLE_POOL_MAX (20)");
  expect(() => loadConfig({ MODEL_BASE_URL: "http://m" })).toThrow("MODEL_BASE_URL needs MODEL_NAME");
});

test("the reference lists every setting with its variable, default and form", () => {
  const reference = readFileSync(new URL("../../../../docs/service.md", import.meta.url), "utf8");
  const rows = Object.entries(settings).map(
    ([name, { variable, default: fallback, form, help }]) =>
      `| \`${name}\` | \`${variable}\` | ${fallback === undefined || fallback === "" ? "" : `\`${fallback}\``} | ${form} | ${help} |`,
  );
  const squeezed = reference.replaceAll(/ +/g, " ");
  for (const row of rows) expect(squeezed).toContain(row.replaceAll(/ +/g, " "));
});
