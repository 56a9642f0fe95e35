import { execFile, spawn } from "node:child_process";
import { chown, cp, mkdir, mkdtemp, open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as setTimeoutPromise } from "node:timers/promises";
import { promisify } from "node:util";
import { connect } from "node:net";
import { messageOf } from "@mettle/core";
import { serviceErrors } from "../errors.ts";
import { embeddedBinaries, type PostgresBinaries } from "./embedded-binaries.ts";

const run = promisify(execFile);
const outputKept = 4000;
const startLimitMs = 60_000;
const stopLimitMs = 20_000;
const database = "postgres";
const superuser = "mettle";

/** How to connect to an embedded server: by a socket in a folder that only its user may enter, without a password. */
export interface EmbeddedConnection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

/** Under which user the server runs. PostgreSQL refuses to be root. */
interface RunAs {
  readonly uid?: number;
  readonly gid?: number;
  readonly name: string;
}

/** How often it is looked whether the server still runs. */
const lookEveryMs = 250;
/** Between attempts to start it again: what its killed predecessor left behind must be gone first. */
const restartEveryMs = 500;

/**
 * A real PostgreSQL in a folder, started with the service and stopped with it. One that a killed service left running in
 * the folder is taken over; one that another living service owns is shared. One that dies is started again, at the same
 * address.
 */
export class EmbeddedServer implements AsyncDisposable {
  readonly connection: EmbeddedConnection;
  readonly #folder: string;
  readonly #runAs: RunAs;
  readonly #onTrouble: ((what: string) => void) | undefined;
  readonly #ending = new AbortController();
  readonly #watching: Promise<void>;
  #pid: number;
  #owned: boolean;
  #restarts = 0;

  private constructor(
    { folder, runAs, pid, owned }: { folder: string; runAs: RunAs; pid: number; owned: boolean },
    connection: EmbeddedConnection,
    onTrouble: ((what: string) => void) | undefined,
  ) {
    this.#folder = folder;
    this.#runAs = runAs;
    this.connection = connection;
    this.#pid = pid;
    this.#owned = owned;
    this.#onTrouble = onTrouble;
    this.#watching = this.#watch();
  }

  get pid(): number {
    return this.#pid;
  }

  /** How often it died and was started again by this process. */
  get restarts(): number {
    return this.#restarts;
  }

  /**
   * @param folder - made when it is missing; holds the data of one version of PostgreSQL
   * @param onTrouble - told when the server died, and what keeps it from starting again
   * @throws MettleError `DATABASE_PLATFORM_UNSUPPORTED`, `DATABASE_FOLDER_UNUSABLE`, `DATABASE_START_FAILED`
   */
  static async start(folder: string, onTrouble?: (what: string) => void): Promise<EmbeddedServer> {
    const root = resolve(folder);
    const runAs = await ordinaryUser();
    await makeFolder(root, runAs);
    const running = await settledServer(dataFolder(root));
    if (running) {
      const owned = !(await ownerLives(root));
      if (owned) await writeOwner(root);
      const parts = { folder: root, runAs, pid: running.pid, owned };
      return new EmbeddedServer(parts, connectionTo(running.socketFolder), onTrouble);
    }
    const binaries = await runnableBinaries(root, runAs);
    await initialise(binaries, dataFolder(root), runAs);
    const socketFolder = await makeSocketFolder(runAs);
    const pid = await launchPatiently(binaries, root, socketFolder, runAs);
    await writeOwner(root);
    return new EmbeddedServer({ folder: root, runAs, pid, owned: true }, connectionTo(socketFolder), onTrouble);
  }

  async #watch(): Promise<void> {
    const { signal } = this.#ending;
    for (;;) {
      await sleep(lookEveryMs, signal);
      if (signal.aborted) return;
      if (await lives(this.#pid)) continue;
      // Of several services that share it, its owner starts it; when that has died too, whoever is first.
      if (!this.#owned && (await ownerLives(this.#folder))) await this.#adopt();
      else await this.#startAgain();
    }
  }

  /** @returns whether another service has started it */
  async #adopt(): Promise<boolean> {
    const running = await runningServer(dataFolder(this.#folder));
    if (running?.ready === true) this.#pid = running.pid;
    return running?.ready === true;
  }

  async #startAgain(): Promise<void> {
    const { signal } = this.#ending;
    this.#onTrouble?.("PostgreSQL has died; it is started again");
    let told = "";
    while (!signal.aborted && !(await this.#adopt())) {
      try {
        const binaries = await runnableBinaries(this.#folder, this.#runAs);
        this.#pid = await launch(binaries, this.#folder, this.connection.host, this.#runAs, "a");
        this.#owned = true;
        this.#restarts += 1;
        await writeOwner(this.#folder);
        return;
      } catch (error) {
        // Backends of the dead server may hold its memory for a moment: only what stays is worth telling.
        const message = messageOf(error);
        if (message !== told) this.#onTrouble?.(message);
        told = message;
        await sleep(restartEveryMs, signal);
      }
    }
  }

  /** Stops the server when it is this process's own, ending what still runs in it. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#watching;
    if (!this.#owned) return;
    if (!signalTo(this.#pid, "SIGINT")) return;
    const until = Date.now() + stopLimitMs;
    while (signalTo(this.#pid, 0) && Date.now() < until) await pause(20);
    if (signalTo(this.#pid, "SIGQUIT")) await pause(200);
    await rm(ownerFile(this.#folder), { force: true });
    await rm(this.connection.host, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const connectionTo = (socketFolder: string): EmbeddedConnection => ({
  host: socketFolder,
  port: 5432,
  user: superuser,
  database,
});

/** Root's stand-in: `postgres` where there is such a user, otherwise `nobody`. */
async function ordinaryUser(): Promise<RunAs> {
  if (process.getuid?.() !== 0) return { name: "the service's user" };
  const accounts = (await readFile("/etc/passwd", "utf8")).split("\n").map((line) => line.split(":"));
  const found = ["postgres", "nobody"].flatMap((wanted) => accounts.filter(([name]) => name === wanted))[0];
  const [name, , uid, gid] = found ?? [];
  if (name === undefined) {
    throw serviceErrors.create(
      "DATABASE_FOLDER_UNUSABLE",
      "PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody.",
    );
  }
  return { name, uid: Number(uid), gid: Number(gid) };
}

async function makeFolder(root: string, { name, uid, gid }: RunAs): Promise<void> {
  try {
    await mkdir(root, { recursive: true, mode: 0o755 });
    if (uid === undefined || gid === undefined) return;
    const data = dataFolder(root);
    await mkdir(data, { recursive: true, mode: 0o700 });
    await chown(data, uid, gid);
    const closed = await closedFolder(root);
    if (closed !== undefined) throw new Error(`${closed} may not be entered by others`);
  } catch (cause) {
    throw serviceErrors.create(
      "DATABASE_FOLDER_UNUSABLE",
      `The data folder ${root} cannot be used by ${name}: ${messageOf(cause)}.`,
      { cause, details: { folder: root, user: name } },
    );
  }
}

/** The first folder on the way up from a path that users other than its owner may not enter. */
async function closedFolder(path: string): Promise<string | undefined> {
  for (let folder = path; folder !== dirname(folder); folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return folder;
  }
  return undefined;
}

/** Where the server runs as another user who cannot reach the installed binaries (below /root, say), a copy of them. */
async function runnableBinaries(root: string, { uid }: RunAs): Promise<PostgresBinaries> {
  const binaries = await embeddedBinaries();
  const folder = dirname(binaries.postgres);
  if (uid === undefined || (await closedFolder(folder)) === undefined) return binaries;
  const copy = join(root, "server");
  await cp(dirname(folder), copy, { recursive: true, verbatimSymlinks: true });
  return {
    initdb: join(copy, "bin", basename(binaries.initdb)),
    postgres: join(copy, "bin", basename(binaries.postgres)),
  };
}

/** Its path must be short: the path of a socket has room for about a hundred bytes. */
async function makeSocketFolder({ uid, gid }: RunAs): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "mettle-pg-"));
  if (uid !== undefined && gid !== undefined) await chown(folder, uid, gid);
  return folder;
}

async function initialise({ initdb }: PostgresBinaries, data: string, runAs: RunAs): Promise<void> {
  if ((await readFile(join(data, "PG_VERSION"), "utf8").catch(() => undefined)) !== undefined) return;
  const flags = [
    "--auth-local=trust",
    "--auth-host=reject",
    `--username=${superuser}`,
    "--encoding=UTF8",
    "--no-locale",
  ];
  try {
    await run(initdb, [`--pgdata=${data}`, ...flags, "--no-instructions"], identity(runAs));
  } catch (cause) {
    throw serviceErrors.create("DATABASE_START_FAILED", `The database could not be made: ${messageOf(cause)}.`, {
      cause,
    });
  }
}

const identity = ({ uid, gid }: RunAs): { uid?: number; gid?: number } => ({
  ...(uid !== undefined && { uid }),
  ...(gid !== undefined && { gid }),
});

/** Its own log, cut at each start of the service; statements, which may hold what users sent, stay out of it. */
const serverSettings = [
  "random_page_cost=1.1", // disks without arms: an index is worth it sooner
  "listen_addresses=",
  "log_min_error_statement=panic",
  "log_checkpoints=off",
];

/** What PostgreSQL says when a killed server's backends hold its memory still, or its process has not quite gone. */
const leftBehind = /pre-existing shared memory block|lock file .* already exists/;

/** Waits for what a server that was killed has left behind. */
async function launchPatiently(
  binaries: PostgresBinaries,
  root: string,
  socketFolder: string,
  runAs: RunAs,
): Promise<number> {
  for (const until = Date.now() + stopLimitMs; ; await pause(restartEveryMs)) {
    try {
      return await launch(binaries, root, socketFolder, runAs, "w");
    } catch (error) {
      if (!leftBehind.test(messageOf(error)) || Date.now() > until) throw error;
    }
  }
}

async function launch(
  { postgres }: PostgresBinaries,
  root: string,
  socketFolder: string,
  runAs: RunAs,
  logging: "w" | "a",
): Promise<number> {
  const data = dataFolder(root);
  const logFile = join(root, "postgres.log");
  const log = await open(logFile, logging);
  const settings = serverSettings.flatMap((setting) => ["-c", setting]);
  // A group of its own: Ctrl-C in the terminal is for the service, which stops its server last.
  const child = spawn(postgres, ["-D", data, "-k", socketFolder, ...settings], {
    ...identity(runAs),
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
  });
  let ended: string | undefined;
  child.once("error", (error) => (ended = error.message));
  child.once("exit", (code, signal) => (ended = signal ? `signal ${signal}` : `exit code ${code}`));
  await log.close();
  const until = Date.now() + startLimitMs;
  while (ended === undefined && (await runningServer(data))?.ready !== true) {
    if (Date.now() > until) {
      ended = `not ready after ${startLimitMs / 1000} s`;
      child.kill("SIGQUIT");
    } else await pause(15);
  }
  if (ended !== undefined) {
    const said = (await readFile(logFile, "utf8")).slice(-outputKept).trim();
    throw serviceErrors.create("DATABASE_START_FAILED", `PostgreSQL did not start (${ended}): ${said}`);
  }
  child.removeAllListeners();
  child.unref();
  return child.pid as number;
}

interface RunningServer {
  readonly pid: number;
  readonly socketFolder: string;
  readonly ready: boolean;
}

/** The server that runs in the folder, by the file that PostgreSQL keeps there. */
async function runningServer(data: string): Promise<RunningServer | undefined> {
  const text = await readFile(join(data, "postmaster.pid"), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const [pid = "", , , , socketFolder = "", , , state = ""] = text.split("\n");
  if (!(await lives(Number(pid))) || socketFolder === "") return undefined;
  // What the file says may be what a server wrote that is about to be gone.
  const ready = state.trim() === "ready" && (await accepts(join(socketFolder, ".s.PGSQL.5432")));
  return { pid: Number(pid), socketFolder, ready };
}

/** Whether a socket takes connections. */
function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Whether there is such a process; one that has ended and waits for its parent to notice does not live. */
async function lives(pid: number): Promise<boolean> {
  if (!signalTo(pid, 0)) return false;
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined); // elsewhere than on Linux
  return stat === undefined || stat.slice(stat.lastIndexOf(")") + 2)[0] !== "Z";
}

/** One that is about to be ready, or about to be gone, is waited for. */
async function settledServer(data: string): Promise<RunningServer | undefined> {
  const until = Date.now() + startLimitMs;
  for (;;) {
    const running = await runningServer(data);
    if (!running || running.ready || Date.now() > until) return running;
    await pause(15);
  }
}

const dataFolder = (root: string): string => join(root, "postgres");

const ownerFile = (root: string): string => join(root, "owner");

const writeOwner = (root: string): Promise<void> => writeFile(ownerFile(root), `${process.pid}\n`);

async function ownerLives(root: string): Promise<boolean> {
  const pid = Number(await readFile(ownerFile(root), "utf8").catch(() => ""));
  return pid > 0 && pid !== process.pid && signalTo(pid, 0);
}

/** Sends a signal; false when there is no such process. */
function signalTo(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    return (error as { readonly code?: unknown }).code === "EPERM";
  }
}

/** Ends early with the signal, and keeps no process alive. */
const sleep = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  setTimeoutPromise(milliseconds, undefined, { signal, ref: false }).catch(() => undefined);

const pause = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));
