import { Type } from "typebox";
import type { App } from "./app.ts";
import { failures } from "./schemas.ts";
import type { Metrics } from "./metrics.ts";

export interface Health {
  /** Parts that must answer before requests can be served, by name. */
  readonly checks: Readonly<Record<string, () => Promise<void>>>;
  /** True from the moment that the service begins to end. */
  readonly draining: () => boolean;
}

/** For everybody, and answered also when the service refuses all else because it is too busy. */
const open = { config: { open: true, pressureHandler: () => undefined } } as const;
const state = Type.Object({ status: Type.String(), checks: Type.Record(Type.String(), Type.String()) });

/** What machines ask: is it alive, may it be sent requests, what does it tell of itself, what can it do. */
export function operationRoutes(app: App, metrics: Metrics, { checks, draining }: Health): void {
  app.get(
    "/health",
    {
      ...open,
      schema: {
        summary: "Alive: the process answers",
        tags: ["operation"],
        response: { 200: Type.Object({ status: Type.String() }), ...failures },
      },
    },
    async () => ({ status: "ok" }),
  );
  app.get(
    "/ready",
    {
      ...open,
      schema: {
        summary: "Ready: requests can be served",
        tags: ["operation"],
        response: { 200: state, 503: state, ...failures },
      },
    },
    async (_request, reply) => {
      const told = await Promise.all(
        Object.entries(checks).map(
          async ([name, check]) =>
            [
              name,
              await check().then(
                () => "ok",
                () => "failing",
              ),
            ] as const,
        ),
      );
      const ready = !draining() && told.every(([, one]) => one === "ok");
      const status = draining() ? "draining" : ready ? "ready" : "not ready";
      return reply.code(ready ? 200 : 503).send({ status, checks: Object.fromEntries(told) });
    },
  );
  app.get("/metrics", { ...open, schema: { hide: true } }, async (_request, reply) =>
    reply.type("application/openmetrics-text; version=1.0.0; charset=utf-8").send(metrics.render()),
  );
  app.get("/openapi.json", { ...open, schema: { hide: true } }, async (_request, reply) => reply.send(app.swagger()));
}
