import { once } from "node:events";
import { request as httpRequest } from "node:http";
import Fastify from "fastify";
import { expect, test } from "vitest";
import { untilAnswered } from "../../src/http/until-answered.ts";

test("a route that takes its time outlasts the limit on silent sockets, others do not; its signal tells of the end", async () => {
  // The patient route must be entered within it, on whatever machine.
  const app = Fastify({ connectionTimeout: 1000, forceCloseConnections: true });
  const signals: AbortSignal[] = [];
  const cut = Promise.withResolvers<void>();
  app.get("/patient", async (request, reply) => {
    signals.push(untilAnswered(request, reply));
    await cut.promise; // the other route's socket has been silent for as long as this one's, and was cut off
    return "there";
  });
  app.get("/plain", async () => new Promise(() => undefined));
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  const patient = fetch(`${url}/patient`);
  await expect(fetch(`${url}/plain`)).rejects.toThrow();
  await expect(fetch(`${url}/plain`)).rejects.toThrow();
  cut.resolve();
  expect(await (await patient).text()).toBe("there");
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  await app.close();
});

test("a caller that hangs up is noticed", async () => {
  const app = Fastify({ forceCloseConnections: true });
  const begun = Promise.withResolvers<AbortSignal>();
  app.get("/", async (request, reply) => {
    const signal = untilAnswered(request, reply);
    begun.resolve(signal);
    await once(signal, "abort");
    return "nobody hears it";
  });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  const request = httpRequest(url)
    .on("error", () => undefined)
    .end();
  const signal = await begun.promise;
  request.destroy();
  if (!signal.aborted) await once(signal, "abort");
  expect(signal.aborted).toBe(true);
  await app.close();
});
