import { afterAll, beforeAll } from "vitest";
import type { Service, ServiceOptions } from "../src/service.ts";
import { logIn, testService } from "./running.ts";
import type { EmbeddedServer } from "../src/storage/embedded-server.ts";
import { testServer } from "./storage/server.ts";

/** One service for all tests of a file, there while they run. */
export interface RunningService {
  readonly url: string;
  /** The administrator's. */
  readonly token: string;
  /** The database server, for further services. */
  readonly server: EmbeddedServer;
}

/** Starts a service with a database of its own before the tests of the file that calls this, and ends it after them. */
export function runningService(
  environment: Readonly<Record<string, string | undefined>> = {},
  options: Omit<ServiceOptions, "config"> = {},
): RunningService {
  let postgres: Awaited<ReturnType<typeof testServer>>;
  let service: Service;
  let token = "";
  beforeAll(async () => {
    postgres = await testServer();
    service = await testService(postgres.server, environment, options);
    token = await logIn(service.url);
  });
  afterAll(async () => {
    await service.close();
    await postgres[Symbol.asyncDispose]();
  });
  return {
    get url() {
      return service.url;
    },
    get token() {
      return token;
    },
    get server() {
      return postgres.server;
    },
  };
}
