import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { ms, Random, systemClock } from "@mettle/core";
import { summarize } from "../../src/agents/text/summarize.ts";
import { Database, poolDefaults } from "../../src/storage/database.ts";
import { call, logIn } from "../running.ts";
import { type Serving, serving } from "./command.ts";

/** What is killed with SIGKILL: the service, its PostgreSQL, or one right after the other. */
const victims = ["service", "postgres", "both"] as const;
type Victim = (typeof victims)[number];

export interface TrialOutcome {
  readonly seed: number;
  readonly victim: Victim;
  readonly killedAfterMs: number;
  readonly executions: number;
  /** Not answered yet when it was killed. */
  readonly openAtKill: number;
  /** Begun again by another attempt. */
  readonly attemptedAgain: number;
  /** Keys whose execution is not there, has not succeeded, or came to something else. */
  readonly lost: readonly string[];
  /** Keys with several executions, or whose execution ended more than once. */
  readonly doubled: readonly string[];
  /** From the kill until every caller had its answer. */
  readonly recoveredMs: number;
}

const executions = 16;
/** About as long as they take, so that kills fall before, within and after them. */
const spanMs = 1500;
const patienceMs = 120_000;
const password = "correct horse battery";
const maxWords = 30;

interface Asked {
  readonly key: string;
  readonly body: object;
  readonly expected: unknown;
}

/** Counts endings where they happen: no code of the service can end an execution unseen. */
const countEndings = `
CREATE TABLE IF NOT EXISTS trial_endings (execution_id uuid NOT NULL);
CREATE OR REPLACE FUNCTION trial_ending() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.state IN ('succeeded', 'failed', 'cancelled') AND (NEW.state, NEW.result, NEW.ended_at) IS DISTINCT FROM
     (OLD.state, OLD.result, OLD.ended_at) THEN INSERT INTO trial_endings VALUES (NEW.id); END IF;
  RETURN NEW; END $$;
CREATE OR REPLACE TRIGGER trial_ending AFTER UPDATE ON executions FOR EACH ROW EXECUTE FUNCTION trial_ending();`;

/** A service on an embedded database that is killed again and again while callers wait for executions. */
export class KillTrials implements AsyncDisposable {
  readonly #folder: string;
  #service: Serving | undefined;
  #token = "";

  /** @param folder - of the embedded database */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async start(): Promise<void> {
    await this.#serve();
    this.#token = await logIn(this.#url, "admin", password);
    await using database = await this.#database();
    await database.run(countEndings);
  }

  get #url(): string {
    return this.#service?.listening["url"] ?? "";
  }

  async #serve(): Promise<void> {
    this.#service = await serving(["serve", "--port", "0", "--data", this.#folder], {
      METTLE_ADMIN_PASSWORD: password,
      METTLE_LEASE: "2s",
      METTLE_RATE_LIMIT: "100000000",
      METTLE_MAX_EVENT_LOOP_DELAY: "0s",
      METTLE_DRAIN_TIMEOUT: "1s",
      LOG_LEVEL: "silent",
    });
  }

  /** The lines of the file by which PostgreSQL is known: the first is its process, the fifth the folder of its socket. */
  async #postmaster(): Promise<readonly string[]> {
    return (await readFile(join(this.#folder, "postgres", "postmaster.pid"), "utf8")).split("\n");
  }

  async #database(): Promise<Database> {
    const [, , , , host = ""] = await this.#postmaster();
    const options = { ...poolDefaults, min: 0, max: 1, acquireTimeout: ms(60_000) };
    return new Database({ host, port: 5432, user: "mettle", database: "postgres" }, options, systemClock);
  }

  /** One trial; the same seed asks for the same and kills the same after the same time. */
  async run(seed: number): Promise<TrialOutcome> {
    const random = new Random(seed);
    const victim = victims[random.below(victims.length)] as Victim;
    const killedAfterMs = Math.round(random.uniform() * spanMs);
    const asked = await Promise.all(Array.from({ length: executions }, (_, i) => askedFor(`${seed}-${i}`, random)));
    const answered = new Set<string>();
    const all = Promise.all(asked.map(async (one) => this.#ask(one).then(() => answered.add(one.key))));
    all.catch(() => undefined); // awaited below
    await pause(killedAfterMs);
    const openAtKill = executions - answered.size;
    const killedAt = performance.now();
    const killed = await this.#kill(victim);
    await all;
    const recoveredMs = Math.round(performance.now() - killedAt);
    await this.#standing(killed);
    return { seed, victim, killedAfterMs, executions, openAtKill, recoveredMs, ...(await this.#count(asked)) };
  }

  /** @returns the process of PostgreSQL that was killed, if it was */
  async #kill(victim: Victim): Promise<number | undefined> {
    const postmaster = victim === "service" ? undefined : Number((await this.#postmaster())[0]);
    if (postmaster !== undefined) process.kill(postmaster, "SIGKILL");
    if (victim === "postgres") return postmaster; // the service starts it again
    const child = this.#service?.child;
    if (child?.kill("SIGKILL") === true) await once(child, "close");
    await this.#serve();
    return postmaster;
  }

  /** Waits for the service to be ready, on another PostgreSQL than `killed`: one killed after the last answer is not missed at once. */
  async #standing(killed: number | undefined): Promise<void> {
    const until = performance.now() + patienceMs;
    for (;;) {
      const pid = await this.#postmaster().then(
        ([first]) => Number(first),
        () => undefined, // it is being written anew
      );
      const ready = await call(this.#url, "GET", "/ready").catch(() => undefined);
      if (pid !== undefined && pid !== killed && ready?.status === 200) return;
      if (performance.now() > until) throw new Error(`not ready again: /ready said ${ready?.status ?? "nothing"}`);
      await pause(50);
    }
  }

  /** Sends the same request with the same key until it is answered, as a caller does that cannot know whether it arrived. */
  async #ask({ key, body }: Asked): Promise<void> {
    const until = performance.now() + patienceMs;
    while (performance.now() < until) {
      const answer = await call(this.#url, "POST", "/agents/execute", {
        token: this.#token,
        body,
        headers: { "idempotency-key": key },
      }).catch(() => undefined);
      if (answer?.status === 200) return;
      if (answer !== undefined && answer.status < 500 && answer.status !== 202) {
        throw new Error(`${key}: ${answer.status} ${JSON.stringify(answer.body)}`);
      }
      await pause(50);
    }
  }

  async #count(asked: readonly Asked[]): Promise<Pick<TrialOutcome, "lost" | "doubled" | "attemptedAgain">> {
    await using database = await this.#database();
    const rows = await database.query<{
      key: string;
      state: string;
      result: unknown;
      attempts: number;
      endings: string;
    }>(
      `SELECT idempotency_key AS key, state, result, attempts,
         (SELECT count(*) FROM trial_endings WHERE execution_id = executions.id) AS endings
       FROM executions WHERE idempotency_key = ANY ($1)`,
      [asked.map(({ key }) => key)],
    );
    const of = (key: string): typeof rows => rows.filter((row) => row.key === key);
    const right = ({ key, expected }: Asked): boolean =>
      of(key).some(({ state, result }) => state === "succeeded" && isDeepStrictEqual(result, expected));
    return {
      lost: asked.filter((one) => !right(one)).map(({ key }) => key),
      doubled: asked.flatMap(({ key }) =>
        of(key).length > 1 || of(key).some((row) => row.endings !== "1") ? [key] : [],
      ),
      attemptedAgain: rows.filter(({ attempts }) => attempts > 1).length,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service?.[Symbol.asyncDispose]();
  }
}

const words = "mill wheat flour bread oven baker river stone wheel grain sack cart market price harvest field".split(
  " ",
);

async function askedFor(key: string, random: Random): Promise<Asked> {
  const sentence = (): string => Array.from({ length: 9 }, () => words[random.below(words.length)]).join(" ");
  const text = (sentences: number): string => Array.from({ length: sentences }, () => `The ${sentence()}.`).join(" ");
  const parameters = { max_length: maxWords };
  const expectedOf = async (given: string): Promise<object> => {
    const { summary, sentences, words: count, originalWords } = await summarize(given, maxWords, async () => undefined);
    return { summary, words: count, original_words: originalWords, sentences };
  };
  if (random.uniform() < 0.5) {
    const given = text(50 + random.below(350));
    const task = { type: "summarize", input: given, parameters };
    return { key, body: { agent_type: "text_processor", task }, expected: await expectedOf(given) };
  }
  // Four steps, each saved when it has ended, so that kills fall between them too.
  const texts = Array.from({ length: 4 }, () => text(20 + random.below(150)));
  const steps = texts.map((input, i) => ({
    id: `s${i}`,
    agent_type: "text_processor",
    task: { type: "summarize", input, parameters },
    ...(i > 0 && { after: [`s${i - 1}`] }),
  }));
  const results = await Promise.all(texts.map((one) => expectedOf(one)));
  const outcomes = results.map((result, i) => [`s${i}`, { state: "succeeded", attempts: 1, result }]);
  return {
    key,
    body: { agent_type: "workflow_orchestrator", task: { type: "run", input: { steps } } },
    expected: { steps: Object.fromEntries(outcomes) },
  };
}
