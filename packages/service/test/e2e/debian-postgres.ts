import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { chmod, chown, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";

/** Folder of an installed PostgreSQL with its tools; undefined where there is none. */
export const installedPostgres: string | undefined = ["18", "17", "16", "15"]
  .map((version) => `/usr/lib/postgresql/${version}/bin`)
  .find((bin) => existsSync(join(bin, "initdb")) && existsSync(join(bin, "pg_dump")));

/** PostgreSQL refuses to be root. */
function ordinaryUser(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const [, , uid, gid] =
    readFileSync("/etc/passwd", "utf8")
      .match(/^(?:postgres):.*$/m)?.[0]
      .split(":") ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

/** An installed PostgreSQL of this machine alone, in a folder of its own, with a superuser `mettle`. */
export class InstalledPostgres implements AsyncDisposable {
  readonly #folder: string;
  readonly #child: ChildProcess;

  private constructor(folder: string, child: ChildProcess) {
    this.#folder = folder;
    this.#child = child;
  }

  static async start(): Promise<InstalledPostgres> {
    const bin = installedPostgres as string;
    const user = ordinaryUser();
    const folder = await mkdtemp(join(tmpdir(), "mettle-pg-"));
    const data = join(folder, "data");
    await chmod(folder, 0o755);
    await mkdir(data, { mode: 0o700 });
    if (user.uid !== undefined) {
      await chown(folder, user.uid, user.gid as number);
      await chown(data, user.uid, user.gid as number);
    }
    const initdb = ["--pgdata", data, "--username=mettle", "--auth=trust", "--encoding=UTF8", "--no-sync"];
    execFileSync(join(bin, "initdb"), initdb, { ...user, cwd: folder, stdio: "ignore" });
    const flags = ["-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"];
    const child = spawn(join(bin, "postgres"), flags, { ...user, cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    for await (const text of child.stderr.iterator({ destroyOnReturn: false })) {
      said += String(text);
      if (said.includes("ready to accept connections")) break;
    }
    if (!said.includes("ready to accept connections")) throw new Error(`postgres did not start: ${said}`);
    child.stderr.resume();
    return new InstalledPostgres(folder, child);
  }

  /** For the service: a password is asked for by its form, though the socket needs none. */
  urlOf(database: string): string {
    return `postgres://mettle@localhost/${database}?host=${encodeURIComponent(this.#folder)}`;
  }

  async create(database: string): Promise<string> {
    const client = new Client({ host: this.#folder, user: "mettle", database: "postgres" });
    await client.connect();
    await client.query(`CREATE DATABASE ${database}`);
    await client.end();
    return this.urlOf(database);
  }

  /** Runs one of PostgreSQL's tools. @throws Error with what it wrote */
  tool(name: "pg_dump" | "pg_restore", args: readonly string[]): void {
    const { status, stderr } = spawnSync(join(installedPostgres as string, name), [...args], { encoding: "utf8" });
    if (status !== 0 || stderr !== "") throw new Error(`${name} ${args.join(" ")}: ${status}, ${stderr}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGQUIT");
    await ended;
    await rm(this.#folder, { recursive: true, force: true });
  }
}
